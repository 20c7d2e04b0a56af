//! Arithmetic, and quantities as texts.

use super::super::super::convert;
use super::super::value::Value;
use super::{Arguments, Found, decimal};

pub(super) fn call(name: &str, arguments: &mut Arguments) -> Found {
    Some(match name {
        "add" => ints(arguments, i64::wrapping_add),
        "mul" => ints(arguments, i64::wrapping_mul),
        "sub" => two_ints(arguments).map(|(a, b)| Value::Int(a.wrapping_sub(b))),
        "div" => two_ints(arguments).and_then(|(a, b)| a.checked_div(b).map(Value::Int).ok_or_else(divide)),
        "mod" => two_ints(arguments).and_then(|(a, b)| a.checked_rem(b).map(Value::Int).ok_or_else(divide)),
        "max" => ints(arguments, i64::max),
        "min" => ints(arguments, i64::min),
        "addf" | "subf" | "mulf" | "divf" => decimals(name, arguments),
        "maxf" => floats(arguments, |a, b| if a > b || a.is_nan() { a } else { b }),
        "minf" => floats(arguments, |a, b| if a < b || a.is_nan() { a } else { b }),
        "ceil" => arguments.float(0).map(|n| Value::Float(n.ceil())),
        "floor" => arguments.float(0).map(|n| Value::Float(n.floor())),
        "round" => round(arguments),
        "int" => arguments.int(0).map(Value::Int),
        "float64" => arguments.float(0).map(Value::Float),
        "bytes" => arguments
            .text(0)
            .and_then(|text| convert::bytes(&text).map(|bytes| Value::Float(bytes as f64))),
        "duration" | "duration_seconds" => arguments
            .text(0)
            .and_then(|text| convert::duration(&text).map(|nanos| Value::Float(nanos as f64 / 1e9))),
        _ => return None,
    })
}

fn divide() -> String {
    "runtime error: integer divide by zero".to_owned()
}

fn two_ints(arguments: &Arguments) -> Result<(i64, i64), String> {
    Ok((arguments.int(0)?, arguments.int(1)?))
}

fn ints(arguments: &Arguments, join: fn(i64, i64) -> i64) -> Result<Value, String> {
    let mut ints = arguments.list.iter().map(Value::int);
    let first = ints.next().unwrap_or(0);
    Ok(Value::Int(ints.fold(first, join)))
}

/// With decimal fractions, so that 0.1 and 0.2 are 0.3.
fn decimals(name: &str, arguments: &Arguments) -> Result<Value, String> {
    let op = match name {
        "addf" => decimal::Op::Add,
        "subf" => decimal::Op::Sub,
        "mulf" => decimal::Op::Mul,
        _ => decimal::Op::Div,
    };
    let mut floats = arguments.list.iter().map(Value::float);
    let first = floats.next().unwrap_or(0.0);
    decimal::fold(op, first, floats).map(Value::Float)
}

fn floats(arguments: &Arguments, join: fn(f64, f64) -> f64) -> Result<Value, String> {
    let first = arguments.float(0)?;
    Ok(Value::Float(
        arguments.list[1..].iter().fold(first, |a, b| join(a, b.float())),
    ))
}

/// Up at a decimal place where the fraction is a half or more, or the given one, and down otherwise: negative numbers always go down.
fn round(arguments: &Arguments) -> Result<Value, String> {
    let (number, places) = (arguments.float(0)?, arguments.count(1)?);
    let half = arguments.list.get(2).map_or(0.5, Value::float);
    let scale = 10f64.powi(i32::try_from(places).unwrap_or(0));
    let scaled = number * scale;
    let rounded = if scaled.fract() >= half {
        scaled.ceil()
    } else {
        scaled.floor()
    };
    Ok(Value::Float(rounded / scale))
}
