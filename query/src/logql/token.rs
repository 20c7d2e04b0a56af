//! Tokens of LogQL. Not for their grammar.

use super::ast::{Conversion, RangeOp, VectorOp};
use super::error::ParseError;

/// Words that are always keywords.
pub(super) const KEYWORDS: &[&str] = &[
    "by",
    "without",
    "bool",
    "offset",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "or",
    "and",
    "unless",
    "json",
    "regexp",
    "logfmt",
    "unpack",
    "pattern",
    "line_format",
    "label_format",
    "unwrap",
    "decolorize",
    "drop",
    "keep",
];

/// Signs, longer ones before those they begin with.
pub(super) const SIGNS: &[&str] = &[
    "|=", "|~", "|>", "!=", "!~", "!>", "=~", "==", ">=", "<=", ",", ".", "{", "}", "(", ")", "=", "|", "+",
    "-", "*", "/", "%", "^", ">", "<",
];

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A name.
    Identifier(String),
    /// A literal text.
    Text(String),
    /// A number as it was written.
    Number(String),
    /// Nanoseconds.
    Duration(i64),
    /// Bytes.
    Bytes(u64),
    /// A window in brackets, in nanoseconds.
    Range(i64),
    /// `--strict` and the like.
    Flag(&'static str),
    /// A keyword.
    Word(&'static str),
    /// A function: a name that `(`, `by` or `without` follows.
    Function(Function),
    /// A sign.
    Sign(&'static str),
    /// The end of the text.
    End,
    /// What is wrong with the rest of the text, told where the grammar comes to it.
    Fault(Box<ParseError>),
}

/// Functions by name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Function {
    Range(RangeOp),
    Vector(VectorOp),
    Conversion(Conversion),
    Ip,
    LabelReplace,
    VectorOf,
}

impl Function {
    pub(super) fn of(name: &str) -> Option<Function> {
        let range = RangeOp::ALL.iter().find(|op| op.as_str() == name);
        let vector = VectorOp::ALL.iter().find(|op| op.as_str() == name);
        range
            .map(|op| Function::Range(*op))
            .or(vector.map(|op| Function::Vector(*op)))
            .or(match name {
                "bytes" => Some(Function::Conversion(Conversion::Bytes)),
                "duration" => Some(Function::Conversion(Conversion::Duration)),
                "duration_seconds" => Some(Function::Conversion(Conversion::DurationSeconds)),
                "ip" => Some(Function::Ip),
                "label_replace" => Some(Function::LabelReplace),
                "vector" => Some(Function::VectorOf),
                _ => None,
            })
    }

    /// How messages name it.
    fn token(self) -> String {
        match self {
            Function::Ip => self.name().to_owned(),
            Function::Conversion(_) => format!("{}_CONV", self.name().to_uppercase()),
            _ => self.name().to_uppercase(),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Function::Range(op) => op.as_str(),
            Function::Vector(op) => op.as_str(),
            Function::Conversion(conversion) => conversion.name().unwrap_or(""),
            Function::Ip => "ip",
            Function::LabelReplace => "label_replace",
            Function::VectorOf => "vector",
        }
    }
}

impl Kind {
    /// How messages name it.
    pub(super) fn name(&self) -> String {
        let name = match self {
            Kind::Identifier(_) => "IDENTIFIER",
            Kind::Text(_) => "STRING",
            Kind::Number(_) => "NUMBER",
            Kind::Duration(_) => "DURATION",
            Kind::Bytes(_) => "BYTES",
            Kind::Range(_) => "RANGE",
            Kind::Flag(_) => "FUNCTION_FLAG",
            Kind::Word(text) | Kind::Sign(text) => text,
            Kind::Function(function) => return function.token(),
            Kind::End | Kind::Fault(_) => "$end",
        };
        name.to_owned()
    }

    /// True for a token that is read in several pieces.
    pub(super) fn is_pieced(&self) -> bool {
        match self {
            Kind::Duration(_) | Kind::Bytes(_) | Kind::Range(_) | Kind::Flag(_) => true,
            Kind::Sign(sign) => sign.len() > 1,
            _ => false,
        }
    }
}

/// A token and where it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Line and column from 1.
    pub(super) place: (usize, usize),
    /// Bytes of the text.
    pub(super) start: usize,
    pub(super) end: usize,
}
