//! What can be used of a query that somebody is typing: its complete conditions on spans. Not for running queries.

use super::ast::{FieldExpr, LogicOp};
use super::check;
use super::error::ParseError;
use super::lexer::{Tokens, tokenize};
use super::parser::{self, Parser};
use super::token::{Kind, Payload, Token};

/// Most alternatives of conditions.
const GROUPS_MAX: usize = 100;

/// Deepest parentheses that are looked into.
const DEPTH_MAX: usize = 100;

/// The conditions of a text in braces that are complete: spans for which this does not hold need not be looked at. `None` when
/// there are none. An incomplete condition may turn out to be anything: behind `&&` it is left out, beside `||` it takes the
/// alternative with it. Of several pairs of braces one must hold.
///
/// # Errors
/// A text that is too long, or too many alternatives.
pub fn lenient(text: &str) -> Result<Option<FieldExpr>, ParseError> {
    parser::check_length(text)?;
    let tokens = tokenize(text);
    let Some(found) = braces(&tokens.list) else {
        return Ok(None);
    };
    if found.as_ref().is_some_and(|expr| groups(expr) > GROUPS_MAX) {
        return Err(ParseError::Invalid(format!(
            "too many condition groups, the limit is {GROUPS_MAX}"
        )));
    }
    Ok(found)
}

/// How many alternatives an expression has when all are spelled out.
fn groups(expr: &FieldExpr) -> usize {
    match expr {
        FieldExpr::Logic { op, operands } => {
            let counts = operands.iter().map(groups);
            match op {
                LogicOp::And => counts.fold(1, usize::saturating_mul),
                LogicOp::Or => counts.fold(0, usize::saturating_add),
            }
        }
        _ => 1,
    }
}

/// One of the conditions in braces; `None` within when one pair says nothing, `None` without any.
fn braces(tokens: &[Token]) -> Option<Option<FieldExpr>> {
    let mut all: Option<Option<FieldExpr>> = None;
    let mut rest = tokens;
    while let Some(open) = position(rest, "{") {
        let inside = &rest[open + 1..];
        let close = position(inside, "}").unwrap_or(inside.len());
        let found = conditions(trimmed(&inside[..close]), 0);
        all = Some(match all {
            None => found,
            Some(before) => either(before, found),
        });
        rest = &inside[close..];
    }
    all
}

fn position(tokens: &[Token], symbol: &'static str) -> Option<usize> {
    tokens.iter().position(|token| token.kind == Kind::Symbol(symbol))
}

/// Without the end.
fn trimmed(tokens: &[Token]) -> &[Token] {
    match tokens {
        [rest @ .., last] if last.kind == Kind::End => rest,
        tokens => tokens,
    }
}

fn either(lhs: Option<FieldExpr>, rhs: Option<FieldExpr>) -> Option<FieldExpr> {
    Some(super::fold::logic(LogicOp::Or, lhs?, rhs?))
}

fn both(lhs: Option<FieldExpr>, rhs: Option<FieldExpr>) -> Option<FieldExpr> {
    match (lhs, rhs) {
        (Some(lhs), Some(rhs)) => Some(super::fold::logic(LogicOp::And, lhs, rhs)),
        (lhs, rhs) => lhs.or(rhs),
    }
}

/// The complete conditions among some joined by `&&` and `||`, from left to right.
fn conditions(tokens: &[Token], depth: usize) -> Option<FieldExpr> {
    let (mut found, mut op) = (None, None);
    for (piece, next) in pieces(tokens) {
        let condition = condition(piece, depth);
        found = match op {
            None => condition,
            Some(LogicOp::And) => both(found, condition),
            Some(LogicOp::Or) => either(found, condition),
        };
        op = next;
    }
    found
}

/// What stands between logical operators outside of parentheses, each with the operator behind it.
fn pieces(tokens: &[Token]) -> Vec<(&[Token], Option<LogicOp>)> {
    let (mut pieces, mut from, mut depth) = (Vec::new(), 0, 0usize);
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Symbol("(") => depth += 1,
            Kind::Symbol(")") => depth = depth.saturating_sub(1),
            Kind::Symbol(symbol) if depth == 0 => {
                if let Some(op) = LogicOp::of(symbol) {
                    pieces.push((&tokens[from..at], Some(op)));
                    from = at + 1;
                }
            }
            _ => {}
        }
    }
    pieces.push((&tokens[from..], None));
    pieces
}

fn condition(piece: &[Token], depth: usize) -> Option<FieldExpr> {
    if let Some(expr) = whole(piece) {
        return Some(expr);
    }
    let [first, rest @ ..] = piece else { return None };
    if first.kind != Kind::Symbol("(") || depth == DEPTH_MAX {
        return None;
    }
    match rest {
        [inner @ .., last] if last.kind == Kind::Symbol(")") => conditions(inner, depth + 1),
        open => conditions(open, depth + 1),
    }
}

/// The expression that tokens make when they make one.
fn whole(piece: &[Token]) -> Option<FieldExpr> {
    let mut list = piece.to_vec();
    let last = list.last()?.clone();
    list.push(Token {
        kind: Kind::End,
        payload: Payload::None,
        ..last
    });
    let tokens = Tokens {
        list,
        error: String::new(),
    };
    let expr = Parser::of(tokens).whole_field_expr().ok()?;
    check::truth(&expr).ok()?;
    Some(expr)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match lenient(text) {
            Ok(Some(expr)) => expr.to_string(),
            Ok(None) => "nothing".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn complete_conditions_are_used() {
        for (text, used) in [
            ("{ resource.a=\"b\" && span.", "resource.a = `b`"),
            ("{ .a = 1 && .b = ", ".a = 1"),
            ("{ .a = 1 && .b = }", ".a = 1"),
            ("{ .a = && .b = 2 && name =", ".b = 2"),
            ("{ .a = 1 && .c = \"un", ".a = 1"),
            ("{ (.a = 1 && .b = ) && .c = 3 }", "(.a = 1) && (.c = 3)"),
            ("{ .a = 1 && (.b = 2 || .c = ) }", ".a = 1"),
            (
                "{ .a = 1 || .b = 2 && .c = 3 }",
                "((.a = 1) || (.b = 2)) && (.c = 3)",
            ),
            ("{ (.a = 1 || .b = 2", "(.a = 1) || (.b = 2)"),
            ("{ .a = 1 } >> { .b = 2 && ", "(.a = 1) || (.b = 2)"),
            ("{ (.a + 1) * 2 = 4 && duration > ", "((.a + 1) * 2) = 4"),
            ("{ .a = 1 && name > 3 }", ".a = 1"),
            ("{ .a = 1 && .b =~ \"[\" }", ".a = 1"),
            ("{ status = error } | rate() by (", "status = error"),
        ] {
            assert_eq!(read(text), used, "{text}");
        }
    }

    #[test]
    fn without_a_complete_condition_nothing_is_used() {
        for text in [
            "",
            "{",
            "{}",
            "foo",
            "{ .a = }",
            "{ .a = 1 || .b = }",
            "{ .a = 1 } >> { .b = }",
            "{ span.",
            "} {",
        ] {
            assert_eq!(read(text), "nothing", "{text}");
        }
    }

    #[test]
    fn too_much_is_refused() {
        let or = vec![".a = 1"; 101].join(" || ");
        assert!(read(&format!("{{ {or} }}")).starts_with("too many condition groups"));
        let product = ["(.a = 1 || .b = 2)"; 7].join(" && ");
        assert!(read(&format!("{{ {product} }}")).starts_with("too many condition groups"));
        assert_eq!(read(&format!("{{ {}", "(".repeat(50_000))), "nothing");
        let deep = format!("{{ {} .a = 1 && ", "(".repeat(50_000));
        assert_eq!(read(&deep), "nothing");
    }
}
