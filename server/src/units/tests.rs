//! Durations and sizes: what is read, what is refused, and that what is written reads back.

use proptest::prelude::*;

use super::*;

#[test]
fn durations() {
    for (text, millis) in [
        ("0", 0),
        ("1h30m", 5_400_000),
        ("30d", 2_592_000_000),
        ("5m", 300_000),
        ("250ms", 250),
        ("1s5ms", 1005),
        ("1y", 31_536_000_000),
    ] {
        assert_eq!(parse_duration_ms(text), Some(millis), "{text}");
    }
    for text in [
        "",
        "5",
        "m",
        "1m1h",
        "1h1h",
        "-5m",
        "1.5h",
        "5 m",
        "1e3s",
        "999999999999y",
        "5us",
    ] {
        assert_eq!(parse_duration_ms(text), None, "{text}");
    }
}

#[test]
fn sizes() {
    for (text, bytes) in [
        ("0", 0),
        ("4096", 4096),
        ("64MiB", 64 << 20),
        ("10GB", 10 << 30),
        ("1 KiB", 1024),
        ("7B", 7),
    ] {
        assert_eq!(parse_size_bytes(text), Some(bytes), "{text}");
    }
    for text in ["", "MiB", "-1", "1.5GB", "1XB", "99999999TiB"] {
        assert_eq!(parse_size_bytes(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn texts_read_back(n in 0..u64::MAX / 4) {
        prop_assert_eq!(parse_size_bytes(&size_text(n)), Some(n));
        prop_assert_eq!(parse_duration_ms(&duration_text(n)), Some(n));
    }

    #[test]
    fn never_panics(text in ".{0,12}") {
        let _ = (parse_duration_ms(&text), parse_size_bytes(&text));
    }
}
