//! Durations and sizes as people write them (`1h30m`, `64MiB`), for the config and for API parameters.
//! Not for PromQL's own durations, which the query language parses.

mod go;

pub use go::{go_duration_text, parse_go_duration};

/// Milliseconds of each unit, largest first.
const DURATION_UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

const SIZE_UNITS: [(&str, u64); 13] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1 << 40),
    ("GB", 1 << 30),
    ("MB", 1 << 20),
    ("KB", 1 << 10),
    ("T", 1 << 40),
    ("G", 1 << 30),
    ("M", 1 << 20),
    ("K", 1 << 10),
    ("B", 1),
];

/// Milliseconds of a duration such as `1h30m`: units `y w d h m s ms`, each at most once, largest first; `0` needs none
/// (Prometheus `model.ParseDuration`).
pub fn parse_duration_ms(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let (mut rest, mut total, mut units) = (text, 0u64, &DURATION_UNITS[..]);
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let count: u64 = rest[..digits].parse().ok()?;
        let unit_len = rest[digits..]
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len() - digits);
        let unit = &rest[digits..digits + unit_len];
        let at = units.iter().position(|(name, _)| *name == unit)?;
        total = total.checked_add(count.checked_mul(units[at].1)?)?;
        units = &units[at + 1..];
        rest = &rest[digits + unit_len..];
    }
    (!text.is_empty() && total <= i64::MAX as u64).then_some(total)
}

/// A duration in the form [`parse_duration_ms`] reads, with as few units as are exact.
pub fn duration_text(millis: u64) -> String {
    let mut rest = millis;
    let mut out = String::new();
    for (unit, size) in DURATION_UNITS {
        // Prometheus prints years and weeks only when nothing is left over.
        let whole_only = matches!(unit, "y" | "w");
        if rest >= size && (!whole_only || rest.is_multiple_of(size)) {
            out.push_str(&format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

/// Bytes of a size such as `64MiB`, `10GB` or `4096`. Units are powers of 1024 with or without the `i`, as Prometheus
/// reads them.
pub fn parse_size_bytes(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let count: u64 = text[..digits].parse().ok()?;
    let unit = text[digits..].trim_start();
    if unit.is_empty() {
        return Some(count);
    }
    let (_, size) = SIZE_UNITS.iter().find(|(name, _)| *name == unit)?;
    count.checked_mul(*size)
}

/// A size in the form [`parse_size_bytes`] reads, in the largest unit that is exact.
pub fn size_text(bytes: u64) -> String {
    SIZE_UNITS[..4]
        .iter()
        .find(|(_, size)| bytes > 0 && bytes.is_multiple_of(*size))
        .map_or_else(
            || bytes.to_string(),
            |(unit, size)| format!("{}{unit}", bytes / size),
        )
}

#[cfg(test)]
mod tests;
