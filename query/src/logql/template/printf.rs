//! Go's `fmt`: `print`, `println` and `printf`.

use super::value::Value;

/// Widest field.
const WIDTH_MAX: usize = 4_096;

/// Blanks stand between operands when neither is a text.
pub(super) fn print(values: &[Value]) -> String {
    let mut out = String::new();
    for (n, value) in values.iter().enumerate() {
        let both_plain =
            n > 0 && !matches!(value, Value::Text(_)) && !matches!(values[n - 1], Value::Text(_));
        if both_plain {
            out.push(' ');
        }
        value.print(&mut out);
    }
    out
}

/// Blanks stand between all operands.
pub(super) fn println(values: &[Value]) -> String {
    let texts: Vec<String> = values.iter().map(Value::text).collect();
    texts.join(" ") + "\n"
}

/// A verb with its flags.
#[derive(Debug, Default, Clone, Copy)]
struct Verb {
    minus: bool,
    plus: bool,
    zero: bool,
    space: bool,
    sharp: bool,
    width: usize,
    precision: Option<usize>,
}

/// The first value says how the others are printed.
pub(super) fn printf(values: Vec<Value>) -> Result<Value, String> {
    let mut values = values.into_iter();
    let format = match values.next() {
        Some(Value::Text(format)) => format,
        Some(other) => {
            return Err(format!(
                "wrong type for value; expected string; got {}",
                other.kind()
            ));
        }
        None => return Err("wrong number of args for printf: want at least 1 got 0".to_owned()),
    };
    let mut out = String::new();
    let mut rest = format.as_str();
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let verb = verb(&mut rest, &mut values);
        let Some(kind) = rest.chars().next() else {
            out.push_str("%!(NOVERB)");
            break;
        };
        rest = &rest[kind.len_utf8()..];
        if kind == '%' {
            out.push('%');
            continue;
        }
        match values.next() {
            Some(value) => verb.put(kind, &value, &mut out),
            None => out.push_str(&format!("%!{kind}(MISSING)")),
        }
    }
    out.push_str(rest);
    let extra: Vec<String> = values.map(|v| format!("{}={}", v.kind(), v.text())).collect();
    if !extra.is_empty() {
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    Ok(Value::Text(out))
}

fn verb(rest: &mut &str, values: &mut impl Iterator<Item = Value>) -> Verb {
    let mut verb = Verb::default();
    while let Some(flag) = rest.chars().next() {
        match flag {
            '-' => verb.minus = true,
            '+' => verb.plus = true,
            '0' => verb.zero = true,
            ' ' => verb.space = true,
            '#' => verb.sharp = true,
            _ => break,
        }
        *rest = &rest[1..];
    }
    verb.width = count(rest, values).unwrap_or(0).min(WIDTH_MAX);
    if let Some(behind) = rest.strip_prefix('.') {
        *rest = behind;
        verb.precision = Some(count(rest, values).unwrap_or(0).min(WIDTH_MAX));
    }
    verb
}

fn count(rest: &mut &str, values: &mut impl Iterator<Item = Value>) -> Option<usize> {
    if let Some(behind) = rest.strip_prefix('*') {
        *rest = behind;
        return values.next().and_then(|v| usize::try_from(v.int()).ok());
    }
    let len = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, behind) = rest.split_at(len);
    *rest = behind;
    digits.parse().ok()
}

impl Verb {
    fn put(self, kind: char, value: &Value, out: &mut String) {
        let (text, is_number) = match (kind, value) {
            ('v', Value::Float(n)) => (signed(self, crate::number::format_go(*n)), true),
            ('v', Value::Int(n)) => (signed(self, n.to_string()), true),
            ('v' | 's', Value::Text(text)) => (self.cut(text), false),
            ('v', other) => (other.text(), false),
            ('s', Value::List(_) | Value::Map(_) | Value::Time(..)) => (value.text(), false),
            ('q', Value::Text(text)) => (crate::lex::string::quote(text), false),
            ('T', other) => (other.kind().to_owned(), false),
            ('t', Value::Bool(b)) => (b.to_string(), false),
            ('d', Value::Int(n)) => (signed(self, n.to_string()), true),
            ('b', Value::Int(n)) => (radix(*n, 2), true),
            ('o', Value::Int(n)) => (radix(*n, 8), true),
            ('x', Value::Int(n)) => (prefixed(self, "0x", radix(*n, 16)), true),
            ('X', Value::Int(n)) => (prefixed(self, "0X", radix(*n, 16).to_uppercase()), true),
            ('c', Value::Int(n)) => (
                u32::try_from(*n)
                    .ok()
                    .and_then(char::from_u32)
                    .unwrap_or('\u{fffd}')
                    .to_string(),
                false,
            ),
            ('U', Value::Int(n)) => (format!("U+{n:04X}"), false),
            ('x', Value::Text(text)) => (text.bytes().map(|b| format!("{b:02x}")).collect(), false),
            ('X', Value::Text(text)) => (text.bytes().map(|b| format!("{b:02X}")).collect(), false),
            ('f' | 'F', Value::Float(n)) => (signed(self, fixed(*n, self.precision.unwrap_or(6))), true),
            ('e' | 'E', Value::Float(n)) => (
                signed(self, exponent(*n, self.precision.unwrap_or(6), kind)),
                true,
            ),
            ('g' | 'G', Value::Float(n)) => (signed(self, crate::number::format_go(*n)), true),
            (_, Value::Nil) => (format!("%!{kind}(<nil>)"), false),
            (_, other) => (format!("%!{kind}({}={})", other.kind(), other.text()), false),
        };
        self.pad(&text, is_number, out);
    }

    fn cut(self, text: &str) -> String {
        match self.precision {
            Some(most) => text.chars().take(most).collect(),
            None => text.to_owned(),
        }
    }

    fn pad(self, text: &str, is_number: bool, out: &mut String) {
        let missing = self.width.saturating_sub(text.chars().count());
        match (self.minus, self.zero) {
            (true, _) => {
                out.push_str(text);
                out.push_str(&" ".repeat(missing));
            }
            (false, true) => {
                let sign = usize::from(is_number && text.starts_with(['-', '+']));
                out.push_str(&text[..sign]);
                out.push_str(&"0".repeat(missing));
                out.push_str(&text[sign..]);
            }
            (false, false) => {
                out.push_str(&" ".repeat(missing));
                out.push_str(text);
            }
        }
    }
}

fn signed(verb: Verb, text: String) -> String {
    match text.starts_with('-') {
        false if verb.plus => format!("+{text}"),
        false if verb.space => format!(" {text}"),
        _ => text,
    }
}

fn prefixed(verb: Verb, prefix: &str, text: String) -> String {
    if verb.sharp {
        format!("{prefix}{text}")
    } else {
        text
    }
}

fn radix(n: i64, base: u64) -> String {
    let mut rest = n.unsigned_abs();
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit((rest % base) as u32, base as u32).unwrap_or('0'));
        rest /= base;
        if rest == 0 {
            break;
        }
    }
    let sign = if n < 0 { "-" } else { "" };
    sign.chars().chain(digits.into_iter().rev()).collect()
}

fn fixed(n: f64, places: usize) -> String {
    match n.is_finite() {
        true => format!("{n:.places$}"),
        false => crate::number::format_go(n),
    }
}

/// Go writes at least two digits of the exponent, with a sign.
fn exponent(n: f64, places: usize, kind: char) -> String {
    if !n.is_finite() {
        return crate::number::format_go(n);
    }
    let text = format!("{n:.places$e}");
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = power
        .strip_prefix('-')
        .map_or(('+', power), |digits| ('-', digits));
    format!("{mantissa}{kind}{sign}{digits:0>2}")
}
