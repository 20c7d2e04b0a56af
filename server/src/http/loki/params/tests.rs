//! Times, ranges and steps as Loki reads them.

use super::*;

const NOW: i64 = 1_700_000_000_000_000_000;

#[test]
fn times_are_seconds_nanoseconds_or_dates() {
    let cases = [
        ("1700000000", Some(NOW)),
        ("1700000000.5", Some(NOW + 500_000_000)),
        ("1700000000.0004", Some(NOW)),
        ("1700000000000000001", Some(NOW + 1)),
        ("2023-11-14T22:13:20.000000002Z", Some(NOW + 2)),
        ("4000000000", Some(4_000_000_000 * SECOND)),
        ("soon", None),
    ];
    for (text, nanos) in cases {
        assert_eq!(parse_time(text), nanos, "{text}");
    }
    let error = time(&Params::of(&[("start", "soon")]), "start", 0).unwrap_err();
    assert_eq!(
        error.text,
        "could not parse 'start' parameter: cannot parse \"soon\" to a valid time"
    );
}

#[test]
fn ranges_end_now_and_last_an_hour_where_nothing_is_said() {
    let of = |pairs: &[(&str, &str)]| range(&Params::of(pairs), NOW).map_err(|e| e.text);
    assert_eq!(of(&[]), Ok((NOW - 3600 * SECOND, NOW)));
    assert_eq!(of(&[("since", "5m")]), Ok((NOW - 300 * SECOND, NOW)));
    assert_eq!(
        of(&[("end", "4000000000")]),
        Ok((NOW - 3600 * SECOND, 4_000_000_000 * SECOND))
    );
    assert_eq!(
        of(&[("start", "5"), ("end", "4")]),
        Err("end timestamp must not be before or equal to start time".to_owned())
    );
}

#[test]
fn steps_are_chosen_read_and_bounded() {
    let of =
        |text: &str| step(&Params::of(&[("step", text)]), (NOW, NOW + 500_000 * SECOND)).map_err(|e| e.text);
    assert_eq!(of(""), Ok(2000 * SECOND));
    assert_eq!(of("60"), Ok(60 * SECOND));
    assert_eq!(of("90000ms"), Ok(90 * SECOND));
    assert_eq!(of("1d"), Ok(86_400 * SECOND));
    assert!(of("0").unwrap_err().starts_with("zero or negative"));
    assert!(of("1").unwrap_err().starts_with("exceeded maximum resolution"));
    assert_eq!(of("x").unwrap_err(), "cannot parse \"x\" to a valid duration");
}
