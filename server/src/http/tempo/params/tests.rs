//! Ids and ranges.

use super::*;

#[test]
fn ids_may_be_short() {
    let mut wanted = [0; 16];
    assert_eq!(trace_id("").unwrap(), wanted);
    wanted[15] = 0x0f;
    assert_eq!(trace_id("f").unwrap(), wanted);
    assert_eq!(trace_id("000F").unwrap(), wanted);
    assert_eq!(trace_id(&format!("{:032x}", 15)).unwrap(), wanted);
    assert_eq!(
        trace_id("12x4").unwrap_err(),
        "trace IDs can only contain hex characters: invalid character 'x' at position 3"
    );
    assert_eq!(
        trace_id(&"0".repeat(33)).unwrap_err(),
        "trace IDs can't be larger than 128 bits"
    );
}

#[test]
fn times_have_four_forms() {
    let wanted = 1_700_000_000 * SECOND;
    for text in [
        "1700000000",
        "1700000000.0",
        "1700000000000000000",
        "2023-11-14T22:13:20Z",
    ] {
        assert_eq!(parse_time(text), Some(wanted), "{text}");
    }
    assert_eq!(parse_time("x"), None);
    assert_eq!(parse_step("15"), Some(15_000_000_000));
    assert_eq!(parse_step("0.5"), Some(500_000_000));
    assert_eq!(parse_step("1m30s"), Some(90_000_000_000));
    assert_eq!(parse_step("0"), None);
    assert_eq!(parse_step("-5s"), None);
}
