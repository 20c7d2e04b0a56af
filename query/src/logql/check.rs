//! What Loki's parser refuses although the grammar allows it, in its words.

use super::ast::metric::Replacement;
use super::ast::{
    Expr, Filter, Grouping, LabelFormat, LineFilter, LineOp, LineText, LogExpr, Metric, RangeAggregation,
    RangeOp, Stage, VectorOp,
};
use super::error::ParseError;
use super::pipeline::Pipeline;
use crate::promql::ast::BinaryOp;

type Checked<T> = Result<T, ParseError>;

const EMPTY_COMPATIBLE: &str = "queries require at least one regexp or equality matcher that does not have an empty-compatible value. For instance, app=~\".*\" does not meet this requirement, but app=~\".+\" will";

/// Checks a whole query.
pub(super) fn check(expr: &Expr) -> Checked<()> {
    match expr {
        Expr::Log(log) => log_expr(log),
        Expr::Metric(metric) => metric_expr(metric),
    }
}

fn metric_expr(metric: &Metric) -> Checked<()> {
    match metric {
        Metric::Range(range) => {
            log_expr(&range.range.log)?;
            let unwrap = range.range.unwrap.iter();
            unwrap.flat_map(|unwrap| &unwrap.filters).try_for_each(filter)
        }
        Metric::Vector(vector) => metric_expr(&vector.inner),
        Metric::Binary(binary) => {
            metric_expr(&binary.left)?;
            metric_expr(&binary.right)
        }
        Metric::LabelReplace(replace) => metric_expr(&replace.inner),
        Metric::Number(_) | Metric::VectorOf(_) => Ok(()),
    }
}

fn log_expr(log: &LogExpr) -> Checked<()> {
    if !log.anywhere && log.selector.iter().all(|matcher| matcher.matches_empty()) {
        return Err(ParseError::new(EMPTY_COMPATIBLE));
    }
    log.stages.iter().try_for_each(stage)?;
    match Pipeline::compile(&log.stages) {
        Err(bad) if !log.stages.get(bad.stage).is_some_and(is_late) => {
            let stage = log.stages.get(bad.stage).map(ToString::to_string);
            Err(ParseError::of_stage(bad.message, stage.unwrap_or_default()))
        }
        _ => Ok(()),
    }
}

/// True for an address with an operator that addresses do not have, which is refused when the query is answered.
fn is_late(stage: &Stage) -> bool {
    let Stage::Line(LineFilter { op, any }) = stage else {
        return false;
    };
    !matches!(op, LineOp::Contains | LineOp::NotContains)
        && any.iter().any(|text| matches!(text, LineText::Ip(_)))
}

fn stage(stage: &Stage) -> Checked<()> {
    match stage {
        Stage::Line(line) => line_filter(line),
        Stage::Filter(of) => filter(of),
        Stage::LabelFormat(formats) => label_formats(formats),
        _ => Ok(()),
    }
}

fn line_filter(line: &LineFilter) -> Checked<()> {
    for text in &line.any {
        match (text, line.op) {
            (LineText::Text(regex), LineOp::Matches | LineOp::NotMatches) => {
                crate::lex::regex::check(regex).map_err(|e| ParseError::new(e.to_string()))?;
            }
            // An address with another operator is refused where the stage is made.
            (LineText::Ip(_) | LineText::Text(_), _) => {}
        }
    }
    Ok(())
}

fn filter(of: &Filter) -> Checked<()> {
    match of {
        Filter::And(a, b) | Filter::Or(a, b) => {
            filter(a)?;
            filter(b)
        }
        Filter::Text(_) | Filter::Quantity(..) | Filter::Ip(..) => Ok(()),
    }
}

fn label_formats(formats: &[(String, LabelFormat)]) -> Checked<()> {
    for (n, (name, _)) in formats.iter().enumerate() {
        if name == "__error__" {
            return Err(ParseError::new(format!("{name} cannot be formatted")));
        }
        if formats[..n].iter().any(|(of, _)| of == name) {
            let message = format!("multiple label name '{name}' not allowed in a single format operation");
            return Err(ParseError::new(message));
        }
    }
    Ok(())
}

/// The sides of an operator, if it may stand between them.
pub(super) fn legs(op: BinaryOp, left: Expr, right: Expr) -> Checked<(Metric, Metric)> {
    let left = leg(op, left, "left")?;
    let right = leg(op, right, "right")?;
    if matches!(op, BinaryOp::And | BinaryOp::Or | BinaryOp::Unless) {
        for (side, of) in [("left", &left), ("right", &right)] {
            if let Some(n) = literal(of) {
                let message = format!(
                    "unexpected literal for {side} leg of logical/set binary operation ({}): {n:.6}",
                    op.as_str()
                );
                return Err(ParseError::new(message));
            }
        }
    }
    Ok((left, right))
}

fn leg(op: BinaryOp, expr: Expr, side: &str) -> Checked<Metric> {
    match expr {
        Expr::Metric(metric) => Ok(metric),
        Expr::Log(log) => {
            let kind = if log.stages.is_empty() {
                "Matchers"
            } else {
                "Pipeline"
            };
            Err(ParseError::new(format!(
                "unexpected type for {side} leg of binary operation ({}): *syntax.{kind}Expr",
                op.as_str()
            )))
        }
    }
}

/// The value of an expression of numbers only.
pub(super) fn literal(metric: &Metric) -> Option<f64> {
    match metric {
        Metric::Number(n) => Some(*n),
        Metric::Binary(binary) => {
            let (a, b) = (literal(&binary.left)?, literal(&binary.right)?);
            super::arithmetic(binary.op, a, b)
        }
        _ => None,
    }
}

/// How many series an aggregation chooses; 0 for those that choose none.
pub(super) fn vector_param(op: VectorOp, param: Option<&str>, grouping: Option<&Grouping>) -> Checked<i64> {
    let name = op.as_str();
    if matches!(op, VectorOp::Sort | VectorOp::SortDesc) && grouping.is_some() {
        return Err(ParseError::new("sort and sort_desc doesn't allow grouping by "));
    }
    if op == VectorOp::ApproxTopk && grouping.is_some() {
        return Err(ParseError::new(format!(
            "grouping not allowed for {name} aggregation"
        )));
    }
    match (op.takes_count(), param) {
        (true, None) => Err(ParseError::new(format!(
            "parameter required for operation {name}"
        ))),
        (true, Some(text)) => match text.parse::<i64>() {
            Ok(n) if n > 0 => Ok(n),
            Ok(_) => Err(ParseError::new(format!(
                "invalid parameter (must be greater than 0) {name}({text}"
            ))),
            Err(_) => Err(ParseError::new(format!("invalid parameter {name}({text},"))),
        },
        (false, Some(text)) => Err(ParseError::new(format!(
            "unsupported parameter for operation {name}({text},"
        ))),
        (false, None) => Ok(0),
    }
}

/// Refuses windows that lack what their function needs, or have what it does not take.
pub(super) fn range_aggregation(aggregation: &RangeAggregation) -> Checked<()> {
    use RangeOp as Op;
    let op = aggregation.op;
    let name = op.as_str();
    let groups = matches!(
        op,
        Op::AvgOverTime
            | Op::StddevOverTime
            | Op::StdvarOverTime
            | Op::QuantileOverTime
            | Op::MaxOverTime
            | Op::MinOverTime
            | Op::FirstOverTime
            | Op::LastOverTime
    );
    if aggregation.grouping.is_some() && !groups {
        return Err(ParseError::new(format!(
            "grouping not allowed for {name} aggregation"
        )));
    }
    match (op, aggregation.param) {
        (Op::QuantileOverTime, None) => {
            return Err(ParseError::new(format!(
                "parameter required for operation {name}"
            )));
        }
        (Op::QuantileOverTime, Some(_)) | (_, None) => {}
        (_, Some(param)) => {
            let param = crate::number::format_go(param);
            return Err(ParseError::new(format!(
                "parameter {param} not supported for operation {name}"
            )));
        }
    }
    let unwraps = aggregation.range.unwrap.is_some();
    let counts = matches!(op, Op::CountOverTime | Op::BytesRate | Op::BytesOverTime);
    let both = matches!(op, Op::Rate | Op::AbsentOverTime);
    match unwraps {
        true if counts => Err(ParseError::new(format!("invalid aggregation {name} with unwrap"))),
        false if !counts && !both => Err(ParseError::new(format!(
            "invalid aggregation {name} without unwrap"
        ))),
        _ => Ok(()),
    }
}

/// Refuses expressions that do not compile.
pub(super) fn label_replace(replacement: &Replacement) -> Checked<()> {
    crate::lex::regex::check(&replacement.regex)
        .map_err(|e| ParseError::new(format!("invalid regex in label_replace: {e}")))
}
