//! Single values: what a field or an expression has for a row, and how two of them compare. Not for where they come from.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use jiff::Timestamp;

use crate::number::format_plain;

/// Largest memory of one compiled expression, in bytes.
const REGEX_BYTES_MAX: usize = 10 << 20;

/// A value. Fields of lines are texts, whatever is written in them; they count as numbers where they read as one.
#[derive(Debug, Clone, Default)]
pub(super) enum Value {
    #[default]
    Missing,
    Bool(bool),
    Number(f64),
    /// Nanoseconds since 1970.
    Time(i64),
    Text(Arc<str>),
}

/// Compiles an expression that is looked for anywhere in a text.
pub(super) fn compile_regex(pattern: &str) -> Result<regex::Regex, String> {
    let regex = regex::RegexBuilder::new(pattern)
        .size_limit(REGEX_BYTES_MAX)
        .build();
    regex.map_err(|error| {
        // The last line says what is wrong; those before it show where.
        let text = error.to_string();
        let what = text.lines().last().unwrap_or_default();
        format!("invalid expression: {}", what.trim_start_matches("error: "))
    })
}

impl Value {
    pub(super) fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Value::Missing)
    }

    /// Only what is true; nothing else counts as true.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Value::Bool(truth) => *truth,
            Value::Text(text) => &**text == "true",
            _ => false,
        }
    }

    /// As a number: times in milliseconds since 1970.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(*number),
            Value::Time(nanos) => Some(nanos.div_euclid(1_000_000) as f64),
            Value::Text(text) => read_number(text),
            Value::Missing | Value::Bool(_) => None,
        }
    }

    /// As it is shown; `None` where there is nothing.
    pub(super) fn shown(&self) -> Option<Arc<str>> {
        Some(match self {
            Value::Missing => return None,
            Value::Bool(truth) => truth.to_string().into(),
            Value::Number(number) => format_plain(*number).into(),
            Value::Time(nanos) => show_time(*nanos).into(),
            Value::Text(text) => Arc::clone(text),
        })
    }

    /// Memory beside the value itself, in bytes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Value::Text(text) => text.len(),
            _ => 0,
        }
    }

    /// How two values compare, by size where both are numbers; none where one is missing.
    pub(super) fn compare(&self, other: &Value) -> Option<Ordering> {
        if let (Value::Time(a), Value::Time(b)) = (self, other) {
            return Some(a.cmp(b));
        }
        if let (Some(a), Some(b)) = (self.number(), other.number()) {
            return a.partial_cmp(&b);
        }
        Some(self.shown()?.cmp(&other.shown()?))
    }

    /// The order in which rows are sorted: numbers and times by size, then texts; what is missing comes last.
    pub(super) fn order(&self, other: &Value) -> Ordering {
        let rank = |value: &Value| match value {
            Value::Missing => 2,
            value if value.number().is_some() => 0,
            _ => 1,
        };
        let by_value = || match (self, other) {
            (Value::Time(a), Value::Time(b)) => a.cmp(b),
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                _ => self.shown().cmp(&other.shown()),
            },
        };
        rank(self).cmp(&rank(other)).then_with(by_value)
    }
}

/// Values that are the same value of a group or a set.
impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Missing, Value::Missing) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Number(a), Value::Number(b)) => a.to_bits() == b.to_bits(),
            (Value::Time(a), Value::Time(b)) => a == b,
            (Value::Text(a), Value::Text(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Value::Missing => {}
            Value::Bool(truth) => truth.hash(state),
            Value::Number(number) => number.to_bits().hash(state),
            Value::Time(nanos) => nanos.hash(state),
            Value::Text(text) => text.hash(state),
        }
    }
}

/// A decimal number; words such as `inf` and `nan` are none.
fn read_number(text: &str) -> Option<f64> {
    let digits = text.trim_start_matches(['-', '+', '.']);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// `2026-11-22 05:44:19.000`, in UTC.
fn show_time(nanos: i64) -> String {
    let millis = nanos.div_euclid(1_000_000);
    match Timestamp::from_millisecond(millis) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        // Nanoseconds in 64 bits end in 2262, which calendars know.
        Err(_) => millis.to_string(),
    }
}
