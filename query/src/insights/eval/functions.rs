//! Functions of values. What has no sense for a value has no result. Not for aggregates (see `totals`).

use super::super::ast::Function;
use super::super::value::Value;

/// Longest text that a function makes, in bytes.
const TEXT_BYTES_MAX: usize = 16 << 20;

/// The result of a function; `period` is its length of time, `now` the time of the row.
pub(super) fn call(function: Function, period: i64, now: i64, args: &[Value]) -> Value {
    let first = args.first().unwrap_or(&Value::Missing);
    match function {
        Function::Bin => floor(now, period),
        Function::DateFloor => time(first).map_or(Value::Missing, |t| floor(t, period)),
        Function::DateCeil => time(first).map_or(Value::Missing, |t| match floor(t, period) {
            Value::Time(below) if below < t => Value::Time(below.saturating_add(period)),
            floored => floored,
        }),
        Function::FromMillis => match first.number() {
            Some(ms) => Value::Time((ms * 1e6) as i64),
            None => Value::Missing,
        },
        Function::ToMillis => {
            time(first).map_or(Value::Missing, |t| Value::Number(t.div_euclid(1_000_000) as f64))
        }
        Function::IsPresent => Value::Bool(!first.is_missing()),
        Function::IsEmpty => Value::Bool(first.shown().is_none_or(|text| text.is_empty())),
        Function::IsBlank => Value::Bool(first.shown().is_none_or(|text| text.trim().is_empty())),
        Function::Coalesce => args
            .iter()
            .find(|value| !value.is_missing())
            .cloned()
            .unwrap_or_default(),
        Function::Greatest => args
            .iter()
            .fold(Value::Missing, |best, value| better(best, value, true)),
        Function::Least => args
            .iter()
            .fold(Value::Missing, |best, value| better(best, value, false)),
        Function::Abs | Function::Ceil | Function::Floor | Function::Log | Function::Sqrt => {
            number(function, first)
        }
        _ => text(function, args).unwrap_or_default(),
    }
}

fn floor(time: i64, period: i64) -> Value {
    Value::Time(time.saturating_sub(time.rem_euclid(period.max(1))))
}

/// Nanoseconds of a time, or of a number of milliseconds.
fn time(value: &Value) -> Option<i64> {
    match value {
        Value::Time(nanos) => Some(*nanos),
        other => other.number().map(|ms| (ms * 1e6) as i64),
    }
}

/// The better of two values; what is missing is never better.
pub(super) fn better(best: Value, value: &Value, largest: bool) -> Value {
    if value.is_missing() {
        return best;
    }
    let order = value.order(&best).then_with(|| value.shown().cmp(&best.shown()));
    match best.is_missing() || (order.is_gt() == largest && order.is_ne()) {
        true => value.clone(),
        false => best,
    }
}

fn number(function: Function, value: &Value) -> Value {
    let Some(x) = value.number() else {
        return Value::Missing;
    };
    let result = match function {
        Function::Abs => x.abs(),
        Function::Ceil => x.ceil(),
        Function::Floor => x.floor(),
        Function::Log => x.ln(),
        _ => x.sqrt(),
    };
    match result.is_finite() {
        true => Value::Number(result),
        false => Value::Missing,
    }
}

fn text(function: Function, args: &[Value]) -> Option<Value> {
    let shown = |at: usize| args.get(at).and_then(Value::shown);
    if function == Function::Concat {
        let texts: Vec<_> = args.iter().filter_map(Value::shown).collect();
        return Some(Value::text(&texts.concat()));
    }
    let first = shown(0)?;
    Some(match function {
        Function::StrLen => Value::Number(first.chars().count() as f64),
        Function::ToUpper => Value::text(&first.to_uppercase()),
        Function::ToLower => Value::text(&first.to_lowercase()),
        Function::Trim => Value::text(first.trim()),
        Function::LTrim => Value::text(first.trim_start()),
        Function::RTrim => Value::text(first.trim_end()),
        Function::StrContains => Value::Bool(first.contains(&*shown(1)?)),
        Function::Replace => {
            let (from, to) = (shown(1)?, shown(2)?);
            let found = if from.is_empty() {
                0
            } else {
                first.matches(&*from).count()
            };
            match found {
                0 => Value::Text(first),
                n if first.len() + n.saturating_mul(to.len()) > TEXT_BYTES_MAX => return None,
                _ => Value::text(&first.replace(&*from, &to)),
            }
        }
        Function::Substr => {
            let place = |at: usize| args.get(at).and_then(Value::number).filter(|n| *n >= 0.0);
            let most = match args.get(2) {
                Some(_) => place(2)? as usize,
                None => usize::MAX,
            };
            let cut: String = first.chars().skip(place(1)? as usize).take(most).collect();
            Value::text(&cut)
        }
        _ => return None,
    })
}
