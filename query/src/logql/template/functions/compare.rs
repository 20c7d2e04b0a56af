//! Comparisons, and what looks into lists, maps and texts.

use std::cmp::Ordering;

use super::super::value::Value;
use super::{Arguments, Found};

pub(super) fn call(name: &str, arguments: &mut Arguments) -> Found {
    Some(match name {
        "not" => arguments.get(0).map(|v| Value::Bool(!v.is_true())),
        "eq" => equal(arguments),
        "ne" => equal(arguments).map(|v| Value::Bool(!v.is_true())),
        "lt" => ordered(arguments, |o| o == Ordering::Less),
        "le" => ordered(arguments, |o| o != Ordering::Greater),
        "gt" => ordered(arguments, |o| o == Ordering::Greater),
        "ge" => ordered(arguments, |o| o != Ordering::Less),
        "len" => arguments.get(0).and_then(len),
        "index" => index(arguments),
        "slice" => slice(arguments),
        _ => return None,
    })
}

/// True when the first equals one of the others.
fn equal(arguments: &Arguments) -> Result<Value, String> {
    let first = arguments.get(0)?;
    arguments.get(1)?;
    let mut found = false;
    for other in &arguments.list[1..] {
        found |= match (first, other) {
            (Value::Int(a), Value::Float(b)) | (Value::Float(b), Value::Int(a)) => {
                return Err(format!("incompatible types for comparison: {a} and {b}"));
            }
            (Value::Text(_), Value::Text(_))
            | (Value::Int(_), Value::Int(_))
            | (Value::Bool(_), Value::Bool(_)) => first == other,
            (Value::Float(a), Value::Float(b)) => a == b,
            (Value::Nil, other) | (other, Value::Nil) => *other == Value::Nil,
            _ => return Err("incompatible types for comparison".to_owned()),
        };
    }
    Ok(Value::Bool(found))
}

fn ordered(arguments: &Arguments, holds: impl Fn(Ordering) -> bool) -> Result<Value, String> {
    let order = match (arguments.get(0)?, arguments.get(1)?) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => match a.partial_cmp(b) {
            Some(order) => order,
            None => return Ok(Value::Bool(false)),
        },
        _ => return Err("incompatible types for comparison".to_owned()),
    };
    Ok(Value::Bool(holds(order)))
}

fn len(value: &Value) -> Result<Value, String> {
    let len = match value {
        Value::Text(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        Value::Texts(map) => map.len(),
        other => return Err(format!("len of type {}", other.kind())),
    };
    Ok(Value::Int(len as i64))
}

fn index(arguments: &mut Arguments) -> Result<Value, String> {
    let mut value = arguments.take(0)?;
    for n in 1..arguments.list.len() {
        let key = arguments.get(n)?;
        value = match value {
            Value::Map(mut map) => map.remove(&key.text()).unwrap_or(Value::Nil),
            Value::Texts(mut map) => Value::Text(map.remove(&key.text()).unwrap_or_default()),
            Value::List(mut list) => {
                let at = usize::try_from(key.int()).ok().filter(|at| *at < list.len());
                list.swap_remove(at.ok_or_else(|| format!("index out of range: {}", key.text()))?)
            }
            Value::Text(text) => {
                let byte = usize::try_from(key.int())
                    .ok()
                    .and_then(|at| text.as_bytes().get(at).copied());
                Value::Int(
                    byte.ok_or_else(|| format!("index out of range: {}", key.text()))?
                        .into(),
                )
            }
            other => return Err(format!("can't index item of type {}", other.kind())),
        };
    }
    Ok(value)
}

fn slice(arguments: &mut Arguments) -> Result<Value, String> {
    let bound = |n: usize, default: usize| match arguments.list.get(n) {
        None => Ok(default),
        Some(value) => {
            usize::try_from(value.int()).map_err(|_| format!("index out of range: {}", value.int()))
        }
    };
    let out_of_range = |from: usize, to: usize| format!("index out of range: {from}:{to}");
    match arguments.get(0)? {
        Value::Text(text) => {
            let (from, to) = (bound(1, 0)?, bound(2, text.len())?);
            text.get(from..to)
                .map(|s| Value::Text(s.to_owned()))
                .ok_or_else(|| out_of_range(from, to))
        }
        Value::List(list) => {
            let (from, to) = (bound(1, 0)?, bound(2, list.len())?);
            list.get(from..to)
                .map(|s| Value::List(s.to_vec()))
                .ok_or_else(|| out_of_range(from, to))
        }
        other => Err(format!("can't slice item of type {}", other.kind())),
    }
}
