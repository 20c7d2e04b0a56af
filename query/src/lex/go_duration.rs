//! Go's durations such as `1.5h` and `2us`: parsing, and printing as `1h30m0s`.
//! Not for Prometheus' own form with days and weeks (see [`super::duration`]).

const UNITS: [(&str, i64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Parses an unsigned duration to nanoseconds, as Go's `time.ParseDuration` does: a sum of decimal numbers with units.
/// `None` for other texts and beyond 2^63 nanoseconds.
pub fn parse(text: &str) -> Option<i64> {
    if text == "0" {
        return Some(0);
    }
    let (mut rest, mut total) = (text, 0i64);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest
            .bytes()
            .take_while(|b| b.is_ascii_digit() || *b == b'.')
            .count();
        let (number, tail) = rest.split_at(digits);
        let len = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, next) = tail.split_at(len);
        let size = UNITS.iter().find(|(name, _)| *name == unit)?.1;
        total = total.checked_add(scaled(number, size)?)?;
        rest = next;
    }
    Some(total)
}

/// A decimal number times `size`, the fraction rounded down.
fn scaled(number: &str, size: i64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let whole = if whole.is_empty() {
        0
    } else {
        whole.parse::<i64>().ok()?
    };
    let mut part = 0i128;
    let mut scale = 1i128;
    for digit in fraction.bytes().take(18) {
        part = part * 10 + i128::from(digit - b'0');
        scale *= 10;
    }
    let part = i64::try_from(part * i128::from(size) / scale).ok()?;
    whole.checked_mul(size)?.checked_add(part)
}

/// Prints nanoseconds as Go's `Duration.String` does: `1h0m0s`, `1.5s`, `100ms`, `2us` with the Greek letter, `0s`.
pub fn format(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let n = nanos.unsigned_abs();
    match n {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{n}ns"),
        1_000..1_000_000 => format!("{sign}{}\u{b5}s", fixed(n, 1_000)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", fixed(n, 1_000_000)),
        _ => {
            let minutes = n / 60_000_000_000;
            let seconds = fixed(n % 60_000_000_000, 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, m) => format!("{sign}{m}m{seconds}s"),
                (h, m) => format!("{sign}{h}h{m}m{seconds}s"),
            }
        }
    }
}

/// `n / size` as a decimal without trailing zeros; `size` is a power of ten.
fn fixed(n: u64, size: u64) -> String {
    let width = size.ilog10() as usize;
    let text = format!("{}.{:0width$}", n / size, n % size);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, nanos) in [
            ("1.5s", 1_500_000_000),
            ("10us", 10_000),
            ("10\u{b5}s", 10_000),
            ("3ns", 3),
            ("1h30m", 5_400_000_000_000),
            (".5m", 30_000_000_000),
            ("30m1h", 5_400_000_000_000),
        ] {
            assert_eq!(parse(text), Some(nanos), "{text}");
        }
        for text in ["", "1", "s", "1.2.3s", "1x", "9999999999h", "."] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn durations_print_as_go_prints_them() {
        for (nanos, text) in [
            (0, "0s"),
            (3, "3ns"),
            (1_500, "1.5\u{b5}s"),
            (100_000_000, "100ms"),
            (1_500_000_000, "1.5s"),
            (3_600_000_000_000, "1h0m0s"),
            (-61_000_000_000, "-1m1s"),
        ] {
            assert_eq!(format(nanos), text);
        }
    }
}
