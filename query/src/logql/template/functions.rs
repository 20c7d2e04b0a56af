//! The functions of templates: Go's own, sprig's and Loki's.

mod compare;
mod decimal;
mod math;
mod text;

use super::value::Value;
use super::{Context, date, printf};

/// What a function makes of its arguments; none when it is of another family.
type Found = Option<Result<Value, String>>;

const MANY: usize = usize::MAX;

/// Names, and how many arguments there are at least and at most.
const FUNCTIONS: &[(&str, usize, usize)] = &[
    ("and", 1, MANY),
    ("or", 1, MANY),
    ("not", 1, 1),
    ("eq", 1, MANY),
    ("ne", 2, 2),
    ("lt", 2, 2),
    ("le", 2, 2),
    ("gt", 2, 2),
    ("ge", 2, 2),
    ("index", 1, MANY),
    ("slice", 1, MANY),
    ("len", 1, 1),
    ("print", 0, MANY),
    ("printf", 1, MANY),
    ("println", 0, MANY),
    ("html", 0, MANY),
    ("js", 0, MANY),
    ("urlquery", 0, MANY),
    ("__line__", 0, 0),
    ("__timestamp__", 0, 0),
    ("ToLower", 1, 1),
    ("ToUpper", 1, 1),
    ("Replace", 4, 4),
    ("Trim", 2, 2),
    ("TrimLeft", 2, 2),
    ("TrimRight", 2, 2),
    ("TrimPrefix", 2, 2),
    ("TrimSuffix", 2, 2),
    ("TrimSpace", 1, 1),
    ("regexReplaceAll", 3, 3),
    ("regexReplaceAllLiteral", 3, 3),
    ("count", 2, 2),
    ("urldecode", 1, 1),
    ("urlencode", 1, 1),
    ("bytes", 1, 1),
    ("duration", 1, 1),
    ("duration_seconds", 1, 1),
    ("unixEpochMillis", 1, 1),
    ("unixEpochNanos", 1, 1),
    ("toDateInZone", 3, 3),
    ("unixToTime", 1, 1),
    ("alignLeft", 2, 2),
    ("alignRight", 2, 2),
    ("b64dec", 1, 1),
    ("b64enc", 1, 1),
    ("lower", 1, 1),
    ("upper", 1, 1),
    ("title", 1, 1),
    ("trunc", 2, 2),
    ("substr", 3, 3),
    ("contains", 2, 2),
    ("hasPrefix", 2, 2),
    ("hasSuffix", 2, 2),
    ("indent", 2, 2),
    ("nindent", 2, 2),
    ("replace", 3, 3),
    ("repeat", 2, 2),
    ("trim", 1, 1),
    ("trimAll", 2, 2),
    ("trimSuffix", 2, 2),
    ("trimPrefix", 2, 2),
    ("int", 1, 1),
    ("float64", 1, 1),
    ("add", 0, MANY),
    ("sub", 2, 2),
    ("mul", 1, MANY),
    ("div", 2, 2),
    ("mod", 2, 2),
    ("addf", 0, MANY),
    ("subf", 1, MANY),
    ("mulf", 1, MANY),
    ("divf", 1, MANY),
    ("max", 1, MANY),
    ("min", 1, MANY),
    ("maxf", 1, MANY),
    ("minf", 1, MANY),
    ("ceil", 1, 1),
    ("floor", 1, 1),
    ("round", 2, MANY),
    ("fromJson", 1, 1),
    ("date", 2, 2),
    ("toDate", 2, 2),
    ("now", 0, 0),
    ("unixEpoch", 1, 1),
    ("default", 1, MANY),
];

fn find(name: &str) -> Option<(usize, usize)> {
    let found = FUNCTIONS.iter().find(|(of, ..)| *of == name);
    found.map(|(_, least, most)| (*least, *most))
}

pub(super) fn is_function(name: &str) -> bool {
    find(name).is_some()
}

/// What Go says of a call with too many or too few arguments.
fn miscounted(name: &str, (least, most): (usize, usize), count: usize) -> Option<String> {
    let at_least = if most == MANY { "at least " } else { "" };
    (!(least..=most).contains(&count))
        .then(|| format!("wrong number of args for {name}: want {at_least}{least} got {count}"))
}

/// Calls a function.
pub(super) fn call(name: &str, arguments: Vec<Value>, context: &Context<'_>) -> Result<Value, String> {
    let counts = find(name).unwrap_or((0, MANY));
    if let Some(fault) = miscounted(name, counts, arguments.len()) {
        return Err(fault);
    }
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
            let default = arguments.take(0)?;
            let given = arguments.list.get(1).filter(|given| given.is_true()).cloned();
            Ok(given.unwrap_or(default))
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
                Value::Int(seconds) => (seconds.saturating_mul(1_000_000_000), "UTC".to_owned()),
                // What is no time is the present.
                _ => (context.now, "UTC".to_owned()),
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
            Value::Nil => Err("invalid value; expected string".to_owned()),
            other => Err(format!(
                "wrong type for value; expected string; got {}",
                other.kind()
            )),
        }
    }

    /// A whole number that is no text: a number of characters or of times.
    fn count(&self, n: usize) -> Result<i64, String> {
        match self.get(n)? {
            Value::Int(count) => Ok(*count),
            Value::Float(count) if count.fract() == 0.0 => Ok(*count as i64),
            other => Err(format!(
                "wrong type for value; expected int; got {}",
                other.kind()
            )),
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
