//! Tokens of PromQL and how messages name them. Not for cutting text into tokens (see `lexer`).

use super::ast::{AggregateOp, BinaryOp};
use crate::lex::{Span, string};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    End,
    /// The lexer gave up here; its message is beside the tokens.
    Error,
    Identifier,
    /// A name with a colon.
    MetricIdentifier,
    Number,
    Duration,
    String,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    Comma,
    Colon,
    At,
    /// `=`
    Assign,
    /// `=~`
    EqualRegex,
    /// `!~`
    NotEqualRegex,
    Op(BinaryOp),
    Aggregate(AggregateOp),
    Keyword(Keyword),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    Offset,
    By,
    Without,
    On,
    Ignoring,
    GroupLeft,
    GroupRight,
    Bool,
    Fill,
    FillLeft,
    FillRight,
    Anchored,
    Smoothed,
    Start,
    End,
    Step,
    Range,
    MinOf,
    MaxOf,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

/// The kind of a bare word, by Prometheus' table of keywords; they are found in any case.
pub(super) fn word_kind(word: &str) -> Kind {
    let lower = word.to_ascii_lowercase();
    if let Some(op) = AggregateOp::ALL.into_iter().find(|op| op.as_str() == lower) {
        return Kind::Aggregate(op);
    }
    match lower.as_str() {
        "and" => Kind::Op(BinaryOp::And),
        "or" => Kind::Op(BinaryOp::Or),
        "unless" => Kind::Op(BinaryOp::Unless),
        "atan2" => Kind::Op(BinaryOp::Atan2),
        "inf" | "nan" => Kind::Number,
        "offset" => Kind::Keyword(Keyword::Offset),
        "by" => Kind::Keyword(Keyword::By),
        "without" => Kind::Keyword(Keyword::Without),
        "on" => Kind::Keyword(Keyword::On),
        "ignoring" => Kind::Keyword(Keyword::Ignoring),
        "group_left" => Kind::Keyword(Keyword::GroupLeft),
        "group_right" => Kind::Keyword(Keyword::GroupRight),
        "bool" => Kind::Keyword(Keyword::Bool),
        "fill" => Kind::Keyword(Keyword::Fill),
        "fill_left" => Kind::Keyword(Keyword::FillLeft),
        "fill_right" => Kind::Keyword(Keyword::FillRight),
        "anchored" => Kind::Keyword(Keyword::Anchored),
        "smoothed" => Kind::Keyword(Keyword::Smoothed),
        "start" => Kind::Keyword(Keyword::Start),
        "end" => Kind::Keyword(Keyword::End),
        "step" => Kind::Keyword(Keyword::Step),
        "range" => Kind::Keyword(Keyword::Range),
        "min_of" => Kind::Keyword(Keyword::MinOf),
        "max_of" => Kind::Keyword(Keyword::MaxOf),
        _ if word.contains(':') => Kind::MetricIdentifier,
        _ => Kind::Identifier,
    }
}

impl Kind {
    /// True when the word can name a metric where an expression is expected.
    pub(super) fn names_metric(self) -> bool {
        match self {
            Kind::Identifier | Kind::MetricIdentifier | Kind::Aggregate(_) => true,
            Kind::Op(op) => op.is_set(),
            Kind::Keyword(keyword) => !matches!(
                keyword,
                Keyword::On | Keyword::Ignoring | Keyword::GroupLeft | Keyword::GroupRight | Keyword::Bool
            ),
            _ => false,
        }
    }

    /// True when the word can name a label in `by (...)` and its like.
    pub(super) fn names_label(self) -> bool {
        match self {
            Kind::Identifier | Kind::MetricIdentifier | Kind::Aggregate(_) | Kind::Keyword(_) => true,
            Kind::Op(op) => op.is_set() || op == BinaryOp::Atan2,
            _ => false,
        }
    }
}

/// The name of a token in `unexpected ...`.
pub(super) fn describe(kind: Kind, text: &str) -> String {
    let shown = || {
        if text.len() > 10 {
            format!("{}...", string::quote(&text.chars().take(10).collect::<String>()))
        } else {
            string::quote(text)
        }
    };
    match kind {
        Kind::End => "end of input".to_owned(),
        Kind::Identifier => format!("identifier {}", string::quote(text)),
        Kind::MetricIdentifier => format!("metric identifier {}", string::quote(text)),
        Kind::Number => format!("number {}", shown()),
        Kind::Duration => format!("duration {}", shown()),
        Kind::String => format!("string {}", shown()),
        Kind::Op(_) | Kind::EqualRegex | Kind::NotEqualRegex | Kind::At => format!("<op:{text}>"),
        Kind::Aggregate(_) => format!("<aggr:{text}>"),
        Kind::Keyword(_) => format!("<{text}>"),
        _ => shown(),
    }
}
