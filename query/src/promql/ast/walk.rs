//! Visiting a syntax tree, and what every node knows: its type and its place. Not for evaluation.

use super::{Expr, ValueType};
use crate::lex::Span;

impl Expr {
    /// The type of the value.
    pub fn value_type(&self) -> ValueType {
        match self {
            Expr::Number(_) => ValueType::Scalar,
            Expr::String(_) => ValueType::String,
            Expr::Paren(paren) => paren.expr.value_type(),
            Expr::Unary(unary) => unary.expr.value_type(),
            Expr::Binary(binary) => {
                let scalar = |e: &Expr| e.value_type() == ValueType::Scalar;
                if scalar(&binary.lhs) && scalar(&binary.rhs) {
                    ValueType::Scalar
                } else {
                    ValueType::Vector
                }
            }
            Expr::Call(call) => call.function.returns,
            Expr::Aggregate(_) | Expr::Vector(_) => ValueType::Vector,
            Expr::Matrix(_) | Expr::Subquery(_) => ValueType::Matrix,
        }
    }

    /// Where the expression lies in the query's text.
    pub fn span(&self) -> Span {
        match self {
            Expr::Number(number) => number.span,
            Expr::String(string) => string.span,
            Expr::Paren(paren) => paren.span,
            Expr::Unary(unary) => Span::new(unary.start, unary.expr.span().end),
            Expr::Binary(binary) => binary.lhs.span().to(binary.rhs.span()),
            Expr::Call(call) => call.span,
            Expr::Aggregate(aggregate) => aggregate.span,
            Expr::Vector(selector) => selector.span,
            Expr::Matrix(matrix) => matrix.span,
            Expr::Subquery(subquery) => Span::new(subquery.expr.span().start, subquery.end),
        }
    }

    /// The expression without enclosing parentheses.
    pub fn unwrapped(&self) -> &Expr {
        match self {
            Expr::Paren(paren) => paren.expr.unwrapped(),
            other => other,
        }
    }

    /// The direct operands in the order of the text.
    pub fn children(&self) -> Vec<&Expr> {
        match self {
            Expr::Number(_) | Expr::String(_) | Expr::Vector(_) | Expr::Matrix(_) => Vec::new(),
            Expr::Paren(paren) => vec![&paren.expr],
            Expr::Unary(unary) => vec![&unary.expr],
            Expr::Binary(binary) => vec![&binary.lhs, &binary.rhs],
            Expr::Call(call) => call.args.iter().collect(),
            Expr::Aggregate(aggregate) => aggregate.param.iter().chain([&aggregate.expr]).collect(),
            Expr::Subquery(subquery) => vec![&subquery.expr],
        }
    }

    /// Calls `visit` for this expression and everything below it, parents first, in the order of the text.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    /// As [`Expr::walk`], with the right to change what is visited.
    pub fn walk_mut(&mut self, visit: &mut dyn FnMut(&mut Expr)) {
        visit(self);
        match self {
            Expr::Number(_) | Expr::String(_) | Expr::Vector(_) | Expr::Matrix(_) => {}
            Expr::Paren(paren) => paren.expr.walk_mut(visit),
            Expr::Unary(unary) => unary.expr.walk_mut(visit),
            Expr::Binary(binary) => {
                binary.lhs.walk_mut(visit);
                binary.rhs.walk_mut(visit);
            }
            Expr::Call(call) => call.args.iter_mut().for_each(|arg| arg.walk_mut(visit)),
            Expr::Aggregate(aggregate) => {
                if let Some(param) = &mut aggregate.param {
                    param.walk_mut(visit);
                }
                aggregate.expr.walk_mut(visit);
            }
            Expr::Subquery(subquery) => subquery.expr.walk_mut(visit),
        }
    }
}
