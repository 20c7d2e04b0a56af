//! Durations as Go's `time` package reads them.

/// Reads a duration in nanoseconds: signed decimal numbers with units, such as `1h15m30.5s`.
pub fn parse_go_duration(text: &str) -> Option<i64> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut rest = rest;
    let mut total: i128 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest
            .bytes()
            .take_while(|b| b.is_ascii_digit() || *b == b'.')
            .count();
        let (number, after) = rest.split_at(digits);
        let letters = after
            .bytes()
            .take_while(|b| !b.is_ascii_digit() && *b != b'.')
            .count();
        let (unit, after) = after.split_at_checked(letters)?;
        total = total.checked_add(part(number, unit)?)?;
        rest = after;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

fn part(number: &str, unit: &str) -> Option<i128> {
    let scale: i128 = match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.len() + fraction.len() == 0 || fraction.contains('.') || whole.len() > 20 {
        return None;
    }
    let parsed = |digits: &str| match digits {
        "" => Some(0),
        _ => digits.parse::<i128>().ok(),
    };
    // Digits beyond what a nanosecond of an hour has are of no weight.
    let fraction = &fraction[..fraction.len().min(18)];
    let below = parsed(fraction)? * scale / 10_i128.pow(fraction.len() as u32);
    Some(parsed(whole)?.checked_mul(scale)? + below)
}

/// A duration as Go prints it: `24h0m0s`, `1.5s`, `0s`.
pub fn go_duration_text(millis: u64) -> String {
    let (hours, rest) = (millis / 3_600_000, millis % 3_600_000);
    let (minutes, rest) = (rest / 60_000, rest % 60_000);
    let seconds = rest as f64 / 1000.0;
    match (hours, minutes) {
        (0, 0) if millis > 0 && millis < 1000 => format!("{millis}ms"),
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests;
