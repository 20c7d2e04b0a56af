//! Type checks of a parsed expression, in Prometheus' words and order. It also settles what types decide about matching.
//! Not for syntax.

use kymo_engine::labels::METRIC_NAME;

use super::ast::{
    AggregateExpr, AggregateOp, BinaryExpr, CallExpr, Cardinality, Expr, ValueType, VectorSelector,
};
use super::error::Fault;
use crate::lex::{Span, string};

type Checked<T> = Result<T, Fault>;

/// Checks the expression and answers its type.
pub(super) fn check(expr: &mut Expr, text: &str) -> Checked<ValueType> {
    let span = expr.span();
    let value_type = expr.value_type();
    match expr {
        Expr::Number(_) | Expr::String(_) => {}
        Expr::Paren(paren) => {
            check(&mut paren.expr, text)?;
        }
        Expr::Unary(unary) => {
            let operand = check(&mut unary.expr, text)?;
            if !matches!(operand, ValueType::Scalar | ValueType::Vector) {
                let got = string::quote(operand.documented());
                return Err(Fault::new(
                    span,
                    format!(
                        "unary expression only allowed on expressions of type scalar or instant vector, got {got}"
                    ),
                ));
            }
        }
        Expr::Binary(binary) => check_binary(binary, span, text)?,
        Expr::Call(call) => check_call(call, text)?,
        Expr::Aggregate(aggregate) => check_aggregate(aggregate, text)?,
        Expr::Vector(selector) => check_selector(selector, false)?,
        Expr::Matrix(matrix) => check_selector(&matrix.selector, false)?,
        Expr::Subquery(subquery) => {
            let operand = check(&mut subquery.expr, text)?;
            if operand != ValueType::Vector {
                let got = operand.name();
                return Err(Fault::new(
                    span,
                    format!("subquery is only allowed on instant vector, got {got} instead"),
                ));
            }
        }
    }
    Ok(value_type)
}

fn expect_type(expr: &mut Expr, want: ValueType, context: &str, text: &str) -> Checked<()> {
    let got = check(expr, text)?;
    if got == want {
        return Ok(());
    }
    let (want, got) = (want.documented(), got.documented());
    Err(Fault::new(
        expr.span(),
        format!("expected type {want} in {context}, got {got}"),
    ))
}

fn check_aggregate(aggregate: &mut AggregateExpr, text: &str) -> Checked<()> {
    expect_type(
        &mut aggregate.expr,
        ValueType::Vector,
        "aggregation expression",
        text,
    )?;
    let wanted = if aggregate.op == AggregateOp::CountValues {
        ValueType::String
    } else {
        ValueType::Scalar
    };
    match &mut aggregate.param {
        Some(param) => expect_type(param, wanted, "aggregation parameter", text),
        None => Ok(()),
    }
}

/// The operator's place: between the operands, without blanks.
fn operator_span(binary: &BinaryExpr, text: &str) -> Span {
    let (start, end) = (binary.lhs.span().end, binary.rhs.span().start);
    let between = text.get(start..end).unwrap_or("");
    let left = between.len() - between.trim_start().len();
    Span::new(start + left, start + between.trim_end().len())
}

fn check_binary(binary: &mut BinaryExpr, span: Span, text: &str) -> Checked<()> {
    let left = check(&mut binary.lhs, text)?;
    let right = check(&mut binary.rhs, text)?;
    let op = binary.op;
    let scalars = left == ValueType::Scalar && right == ValueType::Scalar;
    if binary.return_bool && !op.is_comparison() {
        let at = operator_span(binary, text);
        return Err(Fault::new(
            at,
            "bool modifier can only be used on comparison operators",
        ));
    }
    if op.is_comparison() && !binary.return_bool && scalars {
        let at = operator_span(binary, text);
        return Err(Fault::new(
            at,
            "comparisons between scalars must use BOOL modifier",
        ));
    }
    let on_and_group = binary
        .matching
        .as_ref()
        .filter(|m| m.on)
        .and_then(|m| m.labels.iter().find(|label| m.include.contains(label)));
    if let Some(label) = on_and_group {
        let label = string::quote(label);
        let message = format!("label {label} must not occur in ON and GROUP clause at once");
        return Err(Fault::new(operator_span(binary, text), message));
    }
    for (operand, value_type) in [(&binary.lhs, left), (&binary.rhs, right)] {
        if !matches!(value_type, ValueType::Scalar | ValueType::Vector) {
            let message = "binary expression must contain only scalar and instant vector types";
            return Err(Fault::new(operand.span(), message));
        }
    }
    check_matching(
        binary,
        left == ValueType::Vector && right == ValueType::Vector,
        span,
    )
}

fn check_matching(binary: &mut BinaryExpr, vectors: bool, span: Span) -> Checked<()> {
    let fault = |message: String| Err(Fault::new(span, message));
    let Some(matching) = &mut binary.matching else {
        return Ok(());
    };
    let fills = matching.fill_left.is_some() || matching.fill_right.is_some();
    let op = binary.op;
    if !vectors {
        if !matching.labels.is_empty() {
            return fault("vector matching only allowed between instant vectors".to_owned());
        }
        if fills {
            return fault("filling in missing series only allowed between instant vectors".to_owned());
        }
        if op.is_set() {
            let op = string::quote(op.as_str());
            return fault(format!(
                "set operator {op} not allowed in binary scalar expression"
            ));
        }
        binary.matching = None;
        return Ok(());
    }
    if op.is_set() {
        if matching.card != Cardinality::OneToOne && matching.card != Cardinality::ManyToMany {
            return fault(format!(
                "no grouping allowed for {} operation",
                string::quote(op.as_str())
            ));
        }
        if fills {
            return fault("filling in missing series not allowed for set operators".to_owned());
        }
        matching.card = Cardinality::ManyToMany;
    }
    Ok(())
}

fn check_call(call: &mut CallExpr, text: &str) -> Checked<()> {
    check_arity(call)?;
    let function = call.function;
    let info = function.name == "info";
    for (i, arg) in call.args.iter_mut().enumerate() {
        if info && i == 1 {
            check_info_selector(arg, call.span)?;
            continue;
        }
        let want = function.args[i.min(function.args.len() - 1)];
        let context = format!("call to function {}", string::quote(function.name));
        expect_type(arg, want, &context, text)?;
    }
    Ok(())
}

fn check_arity(call: &CallExpr) -> Checked<()> {
    let (name, got, declared) = (
        string::quote(call.function.name),
        call.args.len(),
        call.function.args.len(),
    );
    let fault = |bound: &str, n: usize| {
        Err(Fault::new(
            call.span,
            format!("expected {bound}{n} argument(s) in call to {name}, got {got}"),
        ))
    };
    let variadic = call.function.variadic;
    if variadic == 0 {
        return if got == declared {
            Ok(())
        } else {
            fault("", declared)
        };
    }
    let least = declared - 1;
    if got < least {
        return fault("at least ", least);
    }
    match usize::try_from(variadic) {
        Ok(more) if got > least + more => fault("at most ", least + more),
        _ => Ok(()),
    }
}

/// The second argument of `info`: label conditions only, of which all may match the empty value.
fn check_info_selector(arg: &Expr, call: Span) -> Checked<()> {
    if arg.value_type() != ValueType::Vector {
        let (want, got) = (ValueType::Vector.documented(), arg.value_type().documented());
        return Err(Fault::new(
            call,
            format!("expected type {want} in call to function \"info\", got {got}"),
        ));
    }
    match arg {
        Expr::Vector(selector) if selector.name.is_empty() => check_selector(selector, true),
        Expr::Vector(_) => Err(Fault::new(
            arg.span(),
            "expected label selectors only, got vector selector instead",
        )),
        _ => Err(Fault::new(arg.span(), "expected label selectors only")),
    }
}

fn check_selector(selector: &VectorSelector, may_match_all: bool) -> Checked<()> {
    let fault = |message: String| Err(Fault::new(selector.span, message));
    let mut names = selector.matchers.iter().filter(|m| m.name() == METRIC_NAME);
    if !selector.name.is_empty() {
        let other = names.next().filter(|_| names.next().is_some());
        return match other {
            Some(other) => fault(format!(
                "metric name must not be set twice: {} or {}",
                string::quote(&selector.name),
                string::quote(other.value())
            )),
            None => Ok(()),
        };
    }
    if !may_match_all && selector.matchers.iter().all(|m| m.matches_empty()) {
        return fault("vector selector must contain at least one non-empty matcher".to_owned());
    }
    Ok(())
}
