//! Values of templates, how they print and which are true.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::date;
use crate::number;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
    /// All labels: the dot of a template.
    Labels,
    /// All labels with their values.
    Texts(BTreeMap<String, String>),
    /// Nanoseconds since 1970 in a zone.
    Time(i64, String),
}

impl Value {
    /// What `if` takes for true: everything but the zero values.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Value::Nil => false,
            Value::Bool(b) => *b,
            Value::Int(n) => *n != 0,
            Value::Float(n) => *n != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::List(list) => !list.is_empty(),
            Value::Map(map) => !map.is_empty(),
            Value::Texts(map) => !map.is_empty(),
            Value::Labels | Value::Time(..) => true,
        }
    }

    /// Appends the value as Go's `%v` prints it.
    pub(super) fn print(&self, out: &mut String) {
        match self {
            Value::Nil => out.push_str("<no value>"),
            Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
            Value::Int(n) => write!(out, "{n}").unwrap_or_default(),
            Value::Float(n) => out.push_str(&number::format_go(*n)),
            Value::Text(text) => out.push_str(text),
            Value::List(list) => {
                out.push('[');
                for (n, value) in list.iter().enumerate() {
                    if n > 0 {
                        out.push(' ');
                    }
                    value.print(out);
                }
                out.push(']');
            }
            Value::Map(map) => {
                print_map(map.iter(), &mut |value, out| value.print(out), out);
            }
            Value::Texts(map) => print_map(map.iter(), &mut |value, out| out.push_str(value), out),
            Value::Labels => out.push_str("map[]"),
            Value::Time(time, zone) => out.push_str(&date::format(
                *time,
                zone,
                "2006-01-02 15:04:05.999999999 -0700 MST",
            )),
        }
    }

    /// The value as text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        self.print(&mut text);
        text
    }

    /// As a whole number, as sprig casts: text that is no number is 0.
    pub(super) fn int(&self) -> i64 {
        match self {
            Value::Int(n) => *n,
            Value::Float(n) => *n as i64,
            Value::Bool(b) => i64::from(*b),
            Value::Text(text) => int_of(text),
            _ => 0,
        }
    }

    /// As a number, as sprig casts: text that is no number is 0.
    pub(super) fn float(&self) -> f64 {
        match self {
            Value::Int(n) => *n as f64,
            Value::Float(n) => *n,
            Value::Bool(b) => f64::from(u8::from(*b)),
            Value::Text(text) => text.parse().unwrap_or(0.0),
            _ => 0.0,
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Value::Nil => "nil",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float64",
            Value::Text(_) => "string",
            Value::List(_) => "[]interface {}",
            Value::Map(_) => "map[string]interface {}",
            Value::Labels | Value::Texts(_) => "map[string]string",
            Value::Time(..) => "time.Time",
        }
    }
}

fn print_map<'m, V: 'm>(
    map: impl Iterator<Item = (&'m String, V)>,
    print: &mut dyn FnMut(V, &mut String),
    out: &mut String,
) {
    out.push_str("map[");
    for (n, (key, value)) in map.enumerate() {
        if n > 0 {
            out.push(' ');
        }
        out.push_str(key);
        out.push(':');
        print(value, out);
    }
    out.push(']');
}

fn int_of(text: &str) -> i64 {
    text.parse::<i64>()
        .or_else(|_| text.parse::<f64>().map(|n| n as i64))
        .unwrap_or(0)
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Value {
        match json {
            serde_json::Value::Null => Value::Nil,
            serde_json::Value::Bool(b) => Value::Bool(b),
            // Go reads every JSON number as a float.
            serde_json::Value::Number(n) => Value::Float(n.as_f64().unwrap_or(f64::NAN)),
            serde_json::Value::String(text) => Value::Text(text),
            serde_json::Value::Array(list) => Value::List(list.into_iter().map(Value::from).collect()),
            serde_json::Value::Object(map) => {
                Value::Map(map.into_iter().map(|(k, v)| (k, Value::from(v))).collect())
            }
        }
    }
}
