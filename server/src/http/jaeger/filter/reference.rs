//! What a filter refers to: attributes by level and built-in fields, their values in a span, and constants.

use std::cmp::Ordering;

use kymo_engine::traces::{Attribute, Event, Link, Span, Trace, Value};

use crate::http::json::hex;

/// Where a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Span,
    Resource,
    Scope,
    Event,
    Link,
}

impl Level {
    pub(super) fn of(name: &str) -> Option<Level> {
        Some(match name {
            "span" => Level::Span,
            "resource" => Level::Resource,
            "scope" => Level::Scope,
            "event" => Level::Event,
            "link" => Level::Link,
            _ => return None,
        })
    }
}

/// What is referred to.
#[derive(Debug, Clone)]
pub(super) enum Reference {
    /// An attribute; without a level the span's and the resource's.
    Attribute(String, Option<Level>),
    Field(Field),
}

macro_rules! fields {
    ($($variant:ident $level:ident $name:literal $domain:ident,)*) => {
        /// A value that spans have beside attributes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Field { $($variant,)* }

        impl Field {
            /// The field of a level with a name.
            pub(super) fn of(level: Level, name: &str) -> Option<Field> {
                match (level, name) {
                    $((Level::$level, $name) => Some(Field::$variant),)*
                    _ => None,
                }
            }

            fn domain(self) -> Domain {
                match self { $(Field::$variant => Domain::$domain,)* }
            }
        }
    };
}

fields! {
    TraceId Span "traceID" Id,
    SpanId Span "spanID" Id,
    ParentSpanId Span "parentSpanID" Id,
    TraceState Span "traceState" Text,
    Name Span "name" Text,
    Kind Span "kind" Kind,
    StartTime Span "startTime" Instant,
    EndTime Span "endTime" Instant,
    Status Span "status" Status,
    StatusMessage Span "statusMessage" Text,
    Duration Span "duration" Duration,
    Service Resource "service" Text,
    ResourceSchema Resource "schemaURL" Text,
    ScopeName Scope "name" Text,
    ScopeVersion Scope "version" Text,
    ScopeSchema Scope "schemaURL" Text,
    EventName Event "name" Text,
    EventTime Event "time" Instant,
    EventSince Event "timeSinceStart" Duration,
    LinkTraceId Link "traceID" Id,
    LinkSpanId Link "spanID" Id,
    LinkTraceState Link "traceState" Text,
}

/// Which values belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Domain {
    /// Whatever was stored.
    Open,
    Text,
    Id,
    Kind,
    Status,
    Duration,
    Instant,
}

impl Domain {
    /// Whether values are text.
    pub(super) fn is_text(self) -> bool {
        !matches!(self, Domain::Duration | Domain::Instant)
    }

    /// Whether values have an order.
    pub(super) fn has_order(self) -> bool {
        !matches!(self, Domain::Kind | Domain::Status)
    }

    /// Whether values can be compared with those of another.
    pub(super) fn meets(self, other: Domain) -> bool {
        let open = self == Domain::Open || other == Domain::Open;
        open || self == other || (self.is_text() && other.is_text())
    }
}

impl Reference {
    pub(super) fn domain(&self) -> Domain {
        match self {
            Reference::Attribute(..) => Domain::Open,
            Reference::Field(field) => field.domain(),
        }
    }
}

/// A constant of a filter. Durations and instants are nanoseconds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Constant {
    /// A text that stands for whatever type the value has.
    Any(String),
    Text(String),
    Int(i64),
    Double(f64),
    Bool(bool),
}

impl Constant {
    /// Whether a value is the same.
    pub(super) fn equals(&self, value: &Value) -> bool {
        match (self, value) {
            (Constant::Any(text) | Constant::Text(text), Value::String(value)) => **text == **value,
            (Constant::Any(text), Value::Int(value)) => number(text) == Some(Number::Int(*value)),
            (Constant::Any(text), Value::Double(value)) => {
                number(text).is_some_and(|n| n.as_double() == *value)
            }
            (Constant::Any(text), Value::Bool(value)) => *text == value.to_string(),
            (Constant::Int(n), Value::Int(value)) => n == value,
            (Constant::Double(n), Value::Double(value)) => n == value,
            (Constant::Bool(b), Value::Bool(value)) => b == value,
            _ => false,
        }
    }

    /// How a value is to it, `None` where there is no order.
    pub(super) fn order(&self, value: &Value) -> Option<Ordering> {
        let own = match self {
            Constant::Any(text) | Constant::Text(text) => match value {
                Value::String(value) => return Some((**value).cmp(text)),
                _ if matches!(self, Constant::Text(_)) => return None,
                _ => number(text)?,
            },
            Constant::Int(n) => Number::Int(*n),
            Constant::Double(n) => Number::Double(*n),
            Constant::Bool(_) => return None,
        };
        match (value, own) {
            (Value::Int(value), Number::Int(own)) => Some(value.cmp(&own)),
            (Value::Int(value), own) => (*value as f64).partial_cmp(&own.as_double()),
            (Value::Double(value), own) => value.partial_cmp(&own.as_double()),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Number {
    Int(i64),
    Double(f64),
}

impl Number {
    fn as_double(self) -> f64 {
        match self {
            Number::Int(n) => n as f64,
            Number::Double(n) => n,
        }
    }
}

fn number(text: &str) -> Option<Number> {
    match text.parse() {
        Ok(n) => Some(Number::Int(n)),
        Err(_) => text
            .parse()
            .ok()
            .filter(|n: &f64| n.is_finite())
            .map(Number::Double),
    }
}

/// Where a predicate is tested: a span, and the event or link that is looked at.
#[derive(Clone, Copy)]
pub(super) struct Place<'t> {
    trace: &'t Trace,
    pub(super) span: &'t Span,
    event: Option<&'t Event>,
    link: Option<&'t Link>,
}

impl<'t> Place<'t> {
    pub(super) fn of(trace: &'t Trace, span: &'t Span) -> Place<'t> {
        Place {
            trace,
            span,
            event: None,
            link: None,
        }
    }

    pub(super) fn at_event(self, event: &'t Event) -> Place<'t> {
        Place {
            event: Some(event),
            ..self
        }
    }

    pub(super) fn at_link(self, link: &'t Link) -> Place<'t> {
        Place {
            link: Some(link),
            ..self
        }
    }

    fn events(&self) -> impl Iterator<Item = &'t Event> {
        let all = self.event.is_none().then_some(&self.span.events[..]);
        self.event.into_iter().chain(all.unwrap_or_default())
    }

    fn links(&self) -> impl Iterator<Item = &'t Link> {
        let all = self.link.is_none().then_some(&self.span.links[..]);
        self.link.into_iter().chain(all.unwrap_or_default())
    }

    /// All values of a reference; none when it is absent.
    pub(super) fn values(&self, reference: &Reference) -> Vec<Value> {
        match reference {
            Reference::Attribute(key, None) => {
                let mut all = self.attributes(key, Level::Span);
                all.extend(self.attributes(key, Level::Resource));
                all
            }
            Reference::Attribute(key, Some(level)) => self.attributes(key, *level),
            Reference::Field(field) => self.field(*field),
        }
    }

    fn attributes(&self, key: &str, level: Level) -> Vec<Value> {
        let of = |all: &[Attribute]| -> Vec<Value> {
            let found = all.iter().filter(|a| *a.key == *key);
            found.map(|a| a.value.clone()).collect()
        };
        match level {
            Level::Span => of(&self.span.attributes),
            Level::Resource => self.resource().map(|r| of(&r.attributes)).unwrap_or_default(),
            Level::Scope => self.scope().map(|s| of(&s.attributes)).unwrap_or_default(),
            Level::Event => self.events().flat_map(|e| of(&e.attributes)).collect(),
            Level::Link => self.links().flat_map(|l| of(&l.attributes)).collect(),
        }
    }

    fn resource(&self) -> Option<&'t kymo_engine::traces::Resource> {
        self.trace.resources.get(self.span.resource as usize)
    }

    fn scope(&self) -> Option<&'t kymo_engine::traces::Scope> {
        self.trace.scopes.get(self.span.scope as usize)
    }

    fn field(&self, field: Field) -> Vec<Value> {
        let span = self.span;
        match field {
            Field::TraceId => id(&self.trace.id),
            Field::SpanId => id(&span.id),
            Field::ParentSpanId => id(&span.parent),
            Field::TraceState => text(&span.trace_state),
            Field::Name => text(&span.name),
            Field::Kind => text(kind(span.kind)),
            Field::StartTime => vec![Value::Int(span.start)],
            Field::EndTime => vec![Value::Int(span.end)],
            Field::Status => text(status(span.status_code)),
            Field::StatusMessage => text(&span.status_message),
            Field::Duration => vec![Value::Int(span.end.saturating_sub(span.start))],
            Field::Service => self.attributes("service.name", Level::Resource),
            Field::ResourceSchema => self.resource().map(|r| text(&r.schema_url)).unwrap_or_default(),
            Field::ScopeName => self.scope().map(|s| text(&s.name)).unwrap_or_default(),
            Field::ScopeVersion => self.scope().map(|s| text(&s.version)).unwrap_or_default(),
            Field::ScopeSchema => self.scope().map(|s| text(&s.schema_url)).unwrap_or_default(),
            Field::EventName => self.events().flat_map(|e| text(&e.name)).collect(),
            Field::EventTime => self.events().map(|e| Value::Int(e.time)).collect(),
            Field::EventSince => {
                let since = |e: &Event| Value::Int(e.time.saturating_sub(span.start));
                self.events().map(since).collect()
            }
            Field::LinkTraceId => self.links().flat_map(|l| id(&l.trace_id)).collect(),
            Field::LinkSpanId => self.links().flat_map(|l| id(&l.span_id)).collect(),
            Field::LinkTraceState => self.links().flat_map(|l| text(&l.trace_state)).collect(),
        }
    }
}

/// A text, absent when empty.
fn text(value: &str) -> Vec<Value> {
    if value.is_empty() {
        Vec::new()
    } else {
        vec![Value::String(value.into())]
    }
}

/// An id in hex, absent when zero.
fn id(bytes: &[u8]) -> Vec<Value> {
    if bytes.iter().all(|b| *b == 0) {
        Vec::new()
    } else {
        vec![Value::String(hex(bytes).into())]
    }
}

pub(super) const KINDS: [&str; 6] = [
    "unspecified",
    "internal",
    "server",
    "client",
    "producer",
    "consumer",
];
pub(super) const STATUSES: [&str; 3] = ["unset", "ok", "error"];

fn kind(n: i32) -> &'static str {
    let known = usize::try_from(n).ok().and_then(|n| KINDS.get(n).copied());
    known.unwrap_or(KINDS[0])
}

fn status(n: i32) -> &'static str {
    let known = usize::try_from(n).ok().and_then(|n| STATUSES.get(n).copied());
    known.unwrap_or(STATUSES[0])
}
