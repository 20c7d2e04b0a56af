//! Expressions over one span and the attributes they name. Not for their values.

use super::operator::{BinaryOp, LogicOp, UnaryOp};
use super::statics::{Static, Type};

/// An expression over a span.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldExpr {
    /// A literal.
    Static(Static),
    /// An attribute or intrinsic.
    Attribute(Attribute),
    /// `!` or `-`.
    Unary {
        /// The operator.
        op: UnaryOp,
        /// Its operand.
        expr: Box<FieldExpr>,
    },
    /// `expr != nil`, or `expr = nil` when negated.
    Exists {
        /// What is asked for.
        expr: Box<FieldExpr>,
        /// True for `= nil`.
        absent: bool,
    },
    /// Arithmetic or comparison.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Left side.
        lhs: Box<FieldExpr>,
        /// Right side.
        rhs: Box<FieldExpr>,
    },
    /// A chain of one operator; at least two operands.
    Logic {
        /// The operator.
        op: LogicOp,
        /// In the order of the text.
        operands: Vec<FieldExpr>,
    },
}

impl FieldExpr {
    /// True when values of spans can make it divide a whole number by zero.
    pub(crate) fn may_divide_by_zero(&self) -> bool {
        match self {
            FieldExpr::Static(_) | FieldExpr::Attribute(_) => false,
            FieldExpr::Unary { expr, .. } | FieldExpr::Exists { expr, .. } => expr.may_divide_by_zero(),
            FieldExpr::Binary { op, lhs, rhs } => {
                let divides = matches!(op, BinaryOp::Div | BinaryOp::Mod);
                let by_literal = match &**rhs {
                    FieldExpr::Static(Static::Int(n)) => *n != 0,
                    FieldExpr::Static(_) => true,
                    _ => false,
                };
                (divides && !by_literal) || lhs.may_divide_by_zero() || rhs.may_divide_by_zero()
            }
            FieldExpr::Logic { operands, .. } => operands.iter().any(FieldExpr::may_divide_by_zero),
        }
    }
}

/// What an expression can ask of a span.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Attribute {
    /// Something every span has, or may have, beside its attributes.
    Intrinsic(Intrinsic),
    /// An attribute.
    Named {
        /// Where it is looked for.
        scope: Scope,
        /// Its key.
        name: String,
        /// Of the parent span.
        parent: bool,
    },
}

/// Where attributes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The first of span, resource, event, link and instrumentation that has it.
    Any,
    /// `resource.`.
    Resource,
    /// `span.`.
    Span,
    /// `event.`.
    Event,
    /// `link.`.
    Link,
    /// `instrumentation.`.
    Instrumentation,
}

impl Scope {
    /// How it is written before a name.
    pub fn prefix(self) -> &'static str {
        match self {
            Scope::Any => ".",
            Scope::Resource => "resource.",
            Scope::Span => "span.",
            Scope::Event => "event.",
            Scope::Link => "link.",
            Scope::Instrumentation => "instrumentation.",
        }
    }
}

/// What spans have beside attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Intrinsic {
    /// Duration of the span.
    Duration,
    /// Name of the span.
    Name,
    /// Status of the span.
    Status,
    /// Message of the status.
    StatusMessage,
    /// Kind of the span.
    Kind,
    /// The parent span, which has no value of its own.
    Parent,
    /// How many children have been received.
    ChildCount,
    /// Name of the trace's root span.
    TraceRootName,
    /// Service of the trace's root span.
    TraceRootService,
    /// From the first start to the last end of the trace.
    TraceDuration,
    /// Id of the trace in hex.
    TraceId,
    /// Id of the span in hex.
    SpanId,
    /// Id of the parent in hex, empty without one.
    ParentId,
    /// Number of the span when the trace is walked down.
    NestedSetLeft,
    /// Number of the span when the trace is walked up.
    NestedSetRight,
    /// The left number of the parent; -1 for a root.
    NestedSetParent,
    /// Name of an event.
    EventName,
    /// From the start of the span to an event.
    EventTimeSinceStart,
    /// Trace id of a link in hex.
    LinkTraceId,
    /// Span id of a link in hex.
    LinkSpanId,
    /// Name of the instrumentation scope.
    InstrumentationName,
    /// Version of the instrumentation scope.
    InstrumentationVersion,
}

impl Intrinsic {
    /// How messages and answers name it.
    pub fn text(self) -> &'static str {
        match self {
            Intrinsic::Duration => "duration",
            Intrinsic::Name => "name",
            Intrinsic::Status => "status",
            Intrinsic::StatusMessage => "statusMessage",
            Intrinsic::Kind => "kind",
            Intrinsic::Parent => "parent",
            Intrinsic::ChildCount => "span:childCount",
            Intrinsic::TraceRootName => "rootName",
            Intrinsic::TraceRootService => "rootServiceName",
            Intrinsic::TraceDuration => "traceDuration",
            Intrinsic::TraceId => "trace:id",
            Intrinsic::SpanId => "span:id",
            Intrinsic::ParentId => "span:parentID",
            Intrinsic::NestedSetLeft => "nestedSetLeft",
            Intrinsic::NestedSetRight => "nestedSetRight",
            Intrinsic::NestedSetParent => "nestedSetParent",
            Intrinsic::EventName => "event:name",
            Intrinsic::EventTimeSinceStart => "event:timeSinceStart",
            Intrinsic::LinkTraceId => "link:traceID",
            Intrinsic::LinkSpanId => "link:spanID",
            Intrinsic::InstrumentationName => "instrumentation:name",
            Intrinsic::InstrumentationVersion => "instrumentation:version",
        }
    }

    /// The intrinsic of a bare keyword.
    pub fn of(word: &str) -> Option<Intrinsic> {
        Some(match word {
            "duration" => Intrinsic::Duration,
            "name" => Intrinsic::Name,
            "status" => Intrinsic::Status,
            "statusMessage" => Intrinsic::StatusMessage,
            "kind" => Intrinsic::Kind,
            "parent" => Intrinsic::Parent,
            "rootName" => Intrinsic::TraceRootName,
            "rootServiceName" => Intrinsic::TraceRootService,
            "traceDuration" => Intrinsic::TraceDuration,
            "nestedSetLeft" => Intrinsic::NestedSetLeft,
            "nestedSetRight" => Intrinsic::NestedSetRight,
            "nestedSetParent" => Intrinsic::NestedSetParent,
            _ => return None,
        })
    }

    /// The intrinsic of a scope such as `trace:` and the keyword behind it.
    pub fn scoped(scope: &str, word: &str) -> Option<Intrinsic> {
        Some(match (scope, word) {
            ("trace:", "duration") => Intrinsic::TraceDuration,
            ("trace:", "rootName") => Intrinsic::TraceRootName,
            ("trace:", "rootService") => Intrinsic::TraceRootService,
            ("trace:", "id") => Intrinsic::TraceId,
            ("span:", "duration") => Intrinsic::Duration,
            ("span:", "name") => Intrinsic::Name,
            ("span:", "kind") => Intrinsic::Kind,
            ("span:", "status") => Intrinsic::Status,
            ("span:", "statusMessage") => Intrinsic::StatusMessage,
            ("span:", "id") => Intrinsic::SpanId,
            ("span:", "parentID") => Intrinsic::ParentId,
            ("span:", "childCount") => Intrinsic::ChildCount,
            ("event:", "name") => Intrinsic::EventName,
            ("event:", "timeSinceStart") => Intrinsic::EventTimeSinceStart,
            ("link:", "traceID") => Intrinsic::LinkTraceId,
            ("link:", "spanID") => Intrinsic::LinkSpanId,
            ("instrumentation:", "name") => Intrinsic::InstrumentationName,
            ("instrumentation:", "version") => Intrinsic::InstrumentationVersion,
            _ => return None,
        })
    }

    pub(crate) fn value_type(self) -> Type {
        match self {
            Intrinsic::Duration | Intrinsic::TraceDuration | Intrinsic::EventTimeSinceStart => Type::Duration,
            Intrinsic::Status => Type::Status,
            Intrinsic::Kind => Type::Kind,
            Intrinsic::Parent => Type::Nil,
            Intrinsic::ChildCount
            | Intrinsic::NestedSetLeft
            | Intrinsic::NestedSetRight
            | Intrinsic::NestedSetParent => Type::Int,
            _ => Type::String,
        }
    }
}

impl Attribute {
    /// The key under which answers show it: without its scope.
    pub fn key(&self) -> &str {
        match self {
            Attribute::Intrinsic(intrinsic) => intrinsic.text(),
            Attribute::Named { name, .. } => name,
        }
    }
}

impl FieldExpr {
    /// The type of its value as far as it is known without spans.
    pub(crate) fn value_type(&self) -> Type {
        match self {
            FieldExpr::Static(value) => value.value_type(),
            FieldExpr::Attribute(Attribute::Intrinsic(intrinsic)) => intrinsic.value_type(),
            FieldExpr::Attribute(Attribute::Named { .. }) => Type::Unknown,
            FieldExpr::Unary { op: UnaryOp::Not, .. }
            | FieldExpr::Exists { .. }
            | FieldExpr::Logic { .. } => Type::Bool,
            FieldExpr::Unary { expr, .. } => expr.value_type(),
            FieldExpr::Binary { op, .. } if op.is_comparison() => Type::Bool,
            FieldExpr::Binary { lhs, rhs, .. } => match lhs.value_type() {
                Type::Unknown => rhs.value_type(),
                known => known,
            },
        }
    }

    /// The direct operands in the order of the text.
    pub fn children(&self) -> Vec<&FieldExpr> {
        match self {
            FieldExpr::Static(_) | FieldExpr::Attribute(_) => Vec::new(),
            FieldExpr::Unary { expr, .. } | FieldExpr::Exists { expr, .. } => vec![expr],
            FieldExpr::Binary { lhs, rhs, .. } => vec![lhs, rhs],
            FieldExpr::Logic { operands, .. } => operands.iter().collect(),
        }
    }

    /// Shows every attribute in it, in the order of the text.
    pub fn attributes<'a>(&'a self, visit: &mut impl FnMut(&'a Attribute)) {
        if let FieldExpr::Attribute(attribute) = self {
            visit(attribute);
        }
        for child in self.children() {
            child.attributes(visit);
        }
    }

    /// True when its value depends on the span.
    pub fn references_span(&self) -> bool {
        let mut found = false;
        self.attributes(&mut |_| found = true);
        found
    }
}
