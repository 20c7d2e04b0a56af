//! Expressions made ready for many tables: attributes numbered, patterns compiled, ids spelled in full. Not for their values.

use kymo_engine::metrics::re2::{Anchored, compile_anchored};

use super::super::ast::{Attribute, BinaryOp, FieldExpr, Intrinsic, LogicOp, Static, UnaryOp};
use super::error::EvalError;

/// A compiled expression.
pub(super) enum Compiled {
    Static(Static),
    /// By number.
    Attribute(usize),
    Not(Box<Compiled>),
    Negate(Box<Compiled>),
    Exists {
        expr: Box<Compiled>,
        absent: bool,
    },
    Match {
        expr: Box<Compiled>,
        pattern: Box<Anchored>,
        /// `!~`.
        negated: bool,
    },
    Binary {
        op: BinaryOp,
        lhs: Box<Compiled>,
        rhs: Box<Compiled>,
    },
    Logic {
        op: LogicOp,
        operands: Vec<Compiled>,
    },
}

/// The attributes of a query by number.
#[derive(Default)]
pub(super) struct Attributes {
    pub(super) list: Vec<Attribute>,
}

impl Attributes {
    /// The number of an attribute.
    pub(super) fn number(&mut self, attribute: &Attribute) -> usize {
        if let Some(known) = self.list.iter().position(|a| a == attribute) {
            return known;
        }
        self.list.push(attribute.clone());
        self.list.len() - 1
    }

    pub(super) fn compile(&mut self, expr: &FieldExpr) -> Result<Compiled, EvalError> {
        Ok(match expr {
            FieldExpr::Static(value) => Compiled::Static(value.clone()),
            FieldExpr::Attribute(attribute) => Compiled::Attribute(self.number(attribute)),
            FieldExpr::Unary { op, expr } => {
                let expr = Box::new(self.compile(expr)?);
                match op {
                    UnaryOp::Not => Compiled::Not(expr),
                    UnaryOp::Negate => Compiled::Negate(expr),
                }
            }
            FieldExpr::Exists { expr, absent } => Compiled::Exists {
                expr: Box::new(self.compile(expr)?),
                absent: *absent,
            },
            FieldExpr::Binary { op, lhs, rhs } if op.is_regex() => Compiled::Match {
                expr: Box::new(self.compile(lhs)?),
                pattern: Box::new(pattern(rhs)?),
                negated: *op == BinaryOp::NotRegex,
            },
            FieldExpr::Binary { op, lhs, rhs } => Compiled::Binary {
                op: *op,
                lhs: Box::new(self.side(lhs, rhs)?),
                rhs: Box::new(self.side(rhs, lhs)?),
            },
            FieldExpr::Logic { op, operands } => {
                let operands: Result<Vec<Compiled>, EvalError> =
                    operands.iter().map(|o| self.compile(o)).collect();
                Compiled::Logic {
                    op: *op,
                    operands: operands?,
                }
            }
        })
    }

    /// One side of a comparison; a literal beside an id is spelled as ids are.
    fn side(&mut self, expr: &FieldExpr, other: &FieldExpr) -> Result<Compiled, EvalError> {
        if let (FieldExpr::Static(Static::String(text)), FieldExpr::Attribute(Attribute::Intrinsic(id))) =
            (expr, other)
        {
            return Ok(Compiled::Static(Static::String(id_literal(*id, text).into())));
        }
        self.compile(expr)
    }
}

/// Ids of traces may be written without their leading zeros.
pub(super) fn id_literal(intrinsic: Intrinsic, text: &str) -> String {
    match intrinsic {
        Intrinsic::TraceId | Intrinsic::LinkTraceId => {
            let digits = text.trim_start_matches('0').to_ascii_lowercase();
            format!("{digits:0>32}")
        }
        Intrinsic::SpanId | Intrinsic::ParentId | Intrinsic::LinkSpanId => text.to_ascii_lowercase(),
        _ => text.to_owned(),
    }
}

fn pattern(expr: &FieldExpr) -> Result<Anchored, EvalError> {
    let FieldExpr::Static(Static::String(text)) = expr else {
        return Err(EvalError::Pattern(expr.to_string()));
    };
    compile_anchored(text).ok_or_else(|| EvalError::Pattern(expr.to_string()))
}

impl Compiled {
    /// Shows the numbers of its attributes.
    pub(super) fn attributes(&self, visit: &mut impl FnMut(usize)) {
        match self {
            Compiled::Static(_) => {}
            Compiled::Attribute(number) => visit(*number),
            Compiled::Not(expr) | Compiled::Negate(expr) => expr.attributes(visit),
            Compiled::Exists { expr, .. } | Compiled::Match { expr, .. } => expr.attributes(visit),
            Compiled::Binary { lhs, rhs, .. } => {
                lhs.attributes(visit);
                rhs.attributes(visit);
            }
            Compiled::Logic { operands, .. } => operands.iter().for_each(|o| o.attributes(visit)),
        }
    }
}
