//! Values of the language. Not for the values of stored attributes, which are the engine's.

use std::sync::Arc;

/// A value: a literal of a query, or what an expression has for a span.
#[derive(Debug, Clone, PartialEq)]
pub enum Static {
    /// Absent.
    Nil,
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A text.
    String(Arc<str>),
    /// True or false.
    Bool(bool),
    /// Nanoseconds.
    Duration(i64),
    /// The status of a span.
    Status(Status),
    /// The kind of a span.
    Kind(Kind),
}

/// Status of a span, by OTLP's codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Not set, or a code that OTLP does not know.
    Unset,
    /// Fine.
    Ok,
    /// Failed.
    Error,
}

impl Status {
    /// From OTLP's code.
    pub fn of(code: i64) -> Status {
        match code {
            1 => Status::Ok,
            2 => Status::Error,
            _ => Status::Unset,
        }
    }

    /// The keyword.
    pub fn name(self) -> &'static str {
        match self {
            Status::Unset => "unset",
            Status::Ok => "ok",
            Status::Error => "error",
        }
    }
}

/// Kind of a span, by OTLP's codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Not told, or a code that OTLP does not know.
    Unspecified,
    /// Inside of an application.
    Internal,
    /// Serves a request.
    Server,
    /// Makes a request.
    Client,
    /// Sends a message.
    Producer,
    /// Receives a message.
    Consumer,
}

impl Kind {
    /// From OTLP's code.
    pub fn of(code: i64) -> Kind {
        match code {
            1 => Kind::Internal,
            2 => Kind::Server,
            3 => Kind::Client,
            4 => Kind::Producer,
            5 => Kind::Consumer,
            _ => Kind::Unspecified,
        }
    }

    /// The keyword.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Unspecified => "unspecified",
            Kind::Internal => "internal",
            Kind::Server => "server",
            Kind::Client => "client",
            Kind::Producer => "producer",
            Kind::Consumer => "consumer",
        }
    }
}

/// Types of values as far as they are known before there are spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    /// Of an attribute: known only for a span.
    Unknown,
    Nil,
    Int,
    Float,
    Duration,
    String,
    Bool,
    Status,
    Kind,
}

impl Type {
    pub(crate) fn is_numeric(self) -> bool {
        matches!(self, Type::Int | Type::Float | Type::Duration)
    }

    /// True when values of the two may stand beside each other.
    pub(crate) fn matches(self, other: Type) -> bool {
        self == Type::Unknown
            || other == Type::Unknown
            || self == other
            || (self.is_numeric() && other.is_numeric())
    }
}

impl Static {
    pub(crate) fn value_type(&self) -> Type {
        match self {
            Static::Nil => Type::Nil,
            Static::Int(_) => Type::Int,
            Static::Float(_) => Type::Float,
            Static::String(_) => Type::String,
            Static::Bool(_) => Type::Bool,
            Static::Duration(_) => Type::Duration,
            Static::Status(_) => Type::Status,
            Static::Kind(_) => Type::Kind,
        }
    }

    /// Integers, floats and durations (in nanoseconds) as a float.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Static::Int(n) | Static::Duration(n) => Some(*n as f64),
            Static::Float(x) => Some(*x),
            _ => None,
        }
    }
}
