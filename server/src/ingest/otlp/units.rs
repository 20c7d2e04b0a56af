//! Units: from UCUM, which OTLP uses, to the words of Prometheus' metric names. The tables are those that Prometheus and
//! the OpenTelemetry Collector share (`otlptranslator`).

const UNITS: [(&str, &str); 26] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("1", ""),
    ("%", "percent"),
];

const PER_UNITS: [(&str, &str); 7] = [
    ("s", "second"),
    ("m", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

/// The words of a unit: what is counted (`bytes`), and per what (`per_second`); either may be empty.
pub(super) fn words(unit: &str) -> (String, String) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let main = word(main.trim(), &UNITS);
    let per = word(per.trim(), &PER_UNITS);
    let per = if per.is_empty() { per } else { format!("per_{per}") };
    (main, per)
}

/// Annotations in braces are no units.
fn word(unit: &str, table: &[(&str, &str)]) -> String {
    if unit.contains(['{', '}']) {
        return String::new();
    }
    let known = table.iter().find(|(name, _)| *name == unit);
    known.map_or(unit, |(_, word)| word).to_owned()
}
