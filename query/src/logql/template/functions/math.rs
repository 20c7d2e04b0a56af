//! Arithmetic, and quantities as texts.

use super::super::super::lexer::{bytes_of, duration_of};
use super::super::value::Value;
use super::{Arguments, Found};

pub(super) fn call(name: &str, arguments: &mut Arguments) -> Found {
    Some(match name {
        "add" => ints(arguments, i64::wrapping_add),
        "mul" => ints(arguments, i64::wrapping_mul),
        "sub" => two_ints(arguments).map(|(a, b)| Value::Int(a.wrapping_sub(b))),
        "div" => two_ints(arguments).and_then(|(a, b)| a.checked_div(b).map(Value::Int).ok_or_else(divide)),
        "mod" => two_ints(arguments).and_then(|(a, b)| a.checked_rem(b).map(Value::Int).ok_or_else(divide)),
        "max" => ints(arguments, i64::max),
        "min" => ints(arguments, i64::min),
        "addf" => floats(arguments, |a, b| a + b),
        "subf" => floats(arguments, |a, b| a - b),
        "mulf" => floats(arguments, |a, b| a * b),
        "divf" => floats(arguments, |a, b| a / b),
        "maxf" => floats(arguments, f64::max),
        "minf" => floats(arguments, f64::min),
        "ceil" => arguments.float(0).map(|n| Value::Float(n.ceil())),
        "floor" => arguments.float(0).map(|n| Value::Float(n.floor())),
        "round" => round(arguments),
        "int" => arguments.int(0).map(Value::Int),
        "float64" => arguments.float(0).map(Value::Float),
        "bytes" => arguments.text(0).and_then(|text| {
            let bytes = bytes_of(text.trim())
                .ok_or_else(|| format!("strconv.ParseFloat: parsing {text:?}: invalid syntax"))?;
            Ok(Value::Int(i64::try_from(bytes).unwrap_or(i64::MAX)))
        }),
        "duration" | "duration_seconds" => arguments.text(0).and_then(|text| {
            let (unsigned, sign) = text
                .strip_prefix('-')
                .map_or((text.as_str(), 1.0), |rest| (rest, -1.0));
            let nanos = duration_of(unsigned).ok_or_else(|| format!("time: invalid duration {text:?}"))?;
            Ok(Value::Float(sign * nanos as f64 / 1e9))
        }),
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
    let first = arguments.int(0)?;
    Ok(Value::Int(
        arguments.list[1..].iter().fold(first, |a, b| join(a, b.int())),
    ))
}

fn floats(arguments: &Arguments, join: fn(f64, f64) -> f64) -> Result<Value, String> {
    let first = arguments.float(0)?;
    Ok(Value::Float(
        arguments.list[1..].iter().fold(first, |a, b| join(a, b.float())),
    ))
}

/// Half away from zero at a decimal place, or from the given fraction on.
fn round(arguments: &Arguments) -> Result<Value, String> {
    let (number, places) = (arguments.float(0)?, arguments.int(1)?);
    let half = arguments.list.get(2).map_or(0.5, Value::float);
    let scale = 10f64.powi(i32::try_from(places).unwrap_or(0));
    let scaled = number * scale;
    let rounded = if scaled.abs().fract() >= half {
        scaled.abs().ceil()
    } else {
        scaled.abs().floor()
    };
    Ok(Value::Float(rounded.copysign(scaled) / scale))
}
