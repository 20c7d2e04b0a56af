//! The functions of templates: Go's own, sprig's and Loki's.

mod compare;
mod math;
mod text;

use super::value::Value;
use super::{Context, date, printf};

/// What a function makes of its arguments; none when it is of another family.
type Found = Option<Result<Value, String>>;

const NAMES: &[&str] = &[
    "and",
    "or",
    "not",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "index",
    "slice",
    "len",
    "print",
    "printf",
    "println",
    "html",
    "js",
    "urlquery",
    "__line__",
    "__timestamp__",
    "ToLower",
    "ToUpper",
    "Replace",
    "Trim",
    "TrimLeft",
    "TrimRight",
    "TrimPrefix",
    "TrimSuffix",
    "TrimSpace",
    "regexReplaceAll",
    "regexReplaceAllLiteral",
    "count",
    "urldecode",
    "urlencode",
    "bytes",
    "duration",
    "duration_seconds",
    "unixEpochMillis",
    "unixEpochNanos",
    "toDateInZone",
    "unixToTime",
    "alignLeft",
    "alignRight",
    "b64dec",
    "b64enc",
    "lower",
    "upper",
    "title",
    "trunc",
    "substr",
    "contains",
    "hasPrefix",
    "hasSuffix",
    "indent",
    "nindent",
    "replace",
    "repeat",
    "trim",
    "trimAll",
    "trimSuffix",
    "trimPrefix",
    "int",
    "float64",
    "add",
    "sub",
    "mul",
    "div",
    "mod",
    "addf",
    "subf",
    "mulf",
    "divf",
    "max",
    "min",
    "maxf",
    "minf",
    "ceil",
    "floor",
    "round",
    "fromJson",
    "date",
    "toDate",
    "now",
    "unixEpoch",
    "default",
];

pub(super) fn is_function(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Calls a function.
pub(super) fn call(name: &str, arguments: Vec<Value>, context: &Context<'_>) -> Result<Value, String> {
    let mut arguments = Arguments { list: arguments };
    let found = compare::call(name, &mut arguments)
        .or_else(|| text::call(name, &mut arguments))
        .or_else(|| math::call(name, &mut arguments))
        .or_else(|| times(name, &mut arguments, context));
    if let Some(found) = found {
        return found;
    }
    match name {
        "__line__" => Ok(Value::Text(context.line.to_owned())),
        "printf" => printf::printf(arguments.list),
        "print" => Ok(Value::Text(printf::print(&arguments.list))),
        "println" => Ok(Value::Text(printf::println(&arguments.list))),
        "fromJson" => {
            let text = arguments.text(0)?;
            Ok(serde_json::from_str::<serde_json::Value>(&text).map_or(Value::Nil, Value::from))
        }
        "default" => {
            let (default, given) = (arguments.take(0)?, arguments.list.pop().unwrap_or(Value::Nil));
            Ok(if given.is_true() { given } else { default })
        }
        _ => Err(format!("function {name:?} not defined")),
    }
}

fn times(name: &str, arguments: &mut Arguments, context: &Context<'_>) -> Found {
    Some((|| match name {
        "__timestamp__" => Ok(Value::Time(context.time, "UTC".to_owned())),
        "now" => Ok(Value::Time(context.now, "UTC".to_owned())),
        "unixEpoch" => Ok(Value::Text(
            (arguments.time(0)?.div_euclid(1_000_000_000)).to_string(),
        )),
        "unixEpochMillis" => Ok(Value::Text(
            (arguments.time(0)?.div_euclid(1_000_000)).to_string(),
        )),
        "unixEpochNanos" => Ok(Value::Text(arguments.time(0)?.to_string())),
        "date" => {
            let layout = arguments.text(0)?;
            let (time, zone) = match arguments.get(1)? {
                Value::Time(time, zone) => (*time, zone.clone()),
                other => (other.int().saturating_mul(1_000_000_000), "UTC".to_owned()),
            };
            Ok(Value::Text(date::format(time, &zone, &layout)))
        }
        "toDate" => {
            let (layout, text) = (arguments.text(0)?, arguments.text(1)?);
            // What does not parse is the zero time, as in Go.
            Ok(Value::Time(
                date::parse(&layout, &text, "UTC").unwrap_or(date::ZERO),
                "UTC".to_owned(),
            ))
        }
        "toDateInZone" => {
            let (layout, zone, text) = (arguments.text(0)?, arguments.text(1)?, arguments.text(2)?);
            let time = date::parse(&layout, &text, &zone).unwrap_or(date::ZERO);
            Ok(Value::Time(time, zone))
        }
        "unixToTime" => {
            let text = arguments.text(0)?;
            let n: i64 = text
                .parse()
                .map_err(|_| format!("unable to parse time '{text}'"))?;
            let scale = match text.len() {
                5 => 86_400_000_000_000,
                10 => 1_000_000_000,
                13 => 1_000_000,
                16 => 1_000,
                19 => 1,
                _ => return Err(format!("unable to parse time '{text}': unsupported precision")),
            };
            Ok(Value::Time(n.saturating_mul(scale), "UTC".to_owned()))
        }
        _ => Err(String::new()),
    })())
    .filter(|found| !matches!(found, Err(e) if e.is_empty()))
}

/// Arguments of a call.
struct Arguments {
    list: Vec<Value>,
}

impl Arguments {
    fn get(&self, n: usize) -> Result<&Value, String> {
        self.list.get(n).ok_or_else(|| {
            format!(
                "wrong number of args: want at least {} got {}",
                n + 1,
                self.list.len()
            )
        })
    }

    fn take(&mut self, n: usize) -> Result<Value, String> {
        self.get(n)?;
        Ok(std::mem::replace(&mut self.list[n], Value::Nil))
    }

    fn text(&self, n: usize) -> Result<String, String> {
        match self.get(n)? {
            Value::Text(text) => Ok(text.clone()),
            Value::Nil => Ok(String::new()),
            other => Ok(other.text()),
        }
    }

    fn int(&self, n: usize) -> Result<i64, String> {
        Ok(self.get(n)?.int())
    }

    fn float(&self, n: usize) -> Result<f64, String> {
        Ok(self.get(n)?.float())
    }

    fn time(&self, n: usize) -> Result<i64, String> {
        match self.get(n)? {
            Value::Time(time, _) => Ok(*time),
            other => Err(format!("expected time.Time; found {}", other.kind())),
        }
    }
}
