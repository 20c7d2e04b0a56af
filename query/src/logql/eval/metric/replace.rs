//! `label_replace`.

use hashbrown::HashMap;
use kymo_engine::metrics::re2::compile_anchored;

use super::{Grid, Series};
use crate::logql::ast::metric::Replacement;
use crate::logql::eval::{EvalError, LabelSet};

pub(super) fn eval(of: &Replacement, series: Vec<Series>, grid: &Grid) -> Result<Vec<Series>, EvalError> {
    let regex = compile_anchored(&of.regex)
        .ok_or_else(|| EvalError::Stage(format!("invalid regex in label_replace: {}", of.regex)))?;
    let mut out: Vec<Series> = Vec::with_capacity(series.len());
    let mut numbers: HashMap<LabelSet, usize> = HashMap::new();
    for mut one in series {
        if let Some(captures) = regex.captures(one.labels.get(&of.src).unwrap_or("")) {
            let mut value = String::new();
            captures.expand(&of.replacement, &mut value);
            one.labels = one.labels.with(&of.dst, &value).without_empty();
        }
        // Series that came to have the same labels are one, each time the first that has a value.
        let next = out.len();
        match numbers.entry(one.labels.clone()).or_insert(next) {
            n if *n == next => out.push(one),
            n => {
                let into = &mut out[*n].values;
                (0..grid.len()).for_each(|at| into[at] = into[at].or(one.values[at]));
            }
        }
    }
    Ok(out)
}
