//! `label_replace` and `label_join`.

use kymo_engine::labels::METRIC_NAME;
use kymo_engine::metrics::re2::compile_anchored;

use super::EvalError;
use super::context::Context;
use super::grid::Grid;
use super::series::{StepSeries, merged};
use crate::lex::string::has_stray_bytes;
use crate::promql::ast::CallExpr;

pub(super) fn replace(
    context: &Context<'_>,
    call: &CallExpr,
    grid: Grid,
) -> Result<Vec<StepSeries>, EvalError> {
    let text = |i: usize| context.string(&call.args[i]);
    let (dst, replacement, src, pattern) = (text(1)?, text(2)?, text(3)?, text(4)?);
    let checked = crate::lex::regex::check(&pattern).ok();
    let regex = checked.and_then(|()| compile_anchored(&pattern)).ok_or_else(|| {
        EvalError::execution(format!(
            "invalid regular expression in label_replace(): {pattern}"
        ))
    })?;
    check_name(&dst, "invalid destination label name in label_replace()")?;
    let mut series = context.vector(&call.args[0], grid)?;
    for one in &mut series {
        let value = one.labels.value(&src);
        let Some(captures) = regex.captures(value) else {
            continue;
        };
        let mut new = String::new();
        captures.expand(&replacement, &mut new);
        if dst == METRIC_NAME {
            one.drop_name = false;
        }
        one.labels = one.labels.to_builder().set(&dst, &new).build();
        // Nested calls may double a label each time.
        context.meter.hold(0, one.labels.byte_len())?;
    }
    merged(series)
}

pub(super) fn join(context: &Context<'_>, call: &CallExpr, grid: Grid) -> Result<Vec<StepSeries>, EvalError> {
    let text = |i: usize| context.string(&call.args[i]);
    let (dst, separator) = (text(1)?, text(2)?);
    let sources = (3..call.args.len()).map(text).collect::<Result<Vec<_>, _>>()?;
    for source in &sources {
        check_name(source, "invalid source label name in label_join()")?;
    }
    check_name(&dst, "invalid destination label name in label_join()")?;
    let mut series = context.vector(&call.args[0], grid)?;
    for one in &mut series {
        let joined = sources
            .iter()
            .map(|s| one.labels.value(s))
            .collect::<Vec<_>>()
            .join(&separator);
        if dst == METRIC_NAME {
            one.drop_name = false;
        }
        one.labels = one.labels.to_builder().set(&dst, &joined).build();
        context.meter.hold(0, one.labels.byte_len())?;
    }
    merged(series)
}

fn check_name(name: &str, message: &str) -> Result<(), EvalError> {
    if name.is_empty() || has_stray_bytes(name) {
        Err(EvalError::execution(format!("{message}: {name}")))
    } else {
        Ok(())
    }
}
