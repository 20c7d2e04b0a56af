//! What comes with a span that matches.

use kymo_engine::traces::NO_PARENT;

use super::*;

#[test]
fn generations_come_with_matches() {
    // 0 - 1 - 2 - 3 - 4, and 5 beside 1.
    let parents = [NO_PARENT, 0, 1, 2, 3, 0];
    let matches = [false, false, true, false, false, false];
    let rows = |pairs: &[(&str, &str)]| {
        let pairs = [&[("q", "{}")], pairs].concat();
        let kept = Kept::of(&Params::of(&pairs)).unwrap().unwrap();
        let kept = kept.kept(&matches, &parents);
        (0..kept.len()).filter(|row| kept[*row]).collect::<Vec<_>>()
    };
    assert_eq!(rows(&[]), [2]);
    assert_eq!(rows(&[("keep_hierarchy", "true")]), [0, 1, 2]);
    assert_eq!(
        rows(&[("keep_hierarchy", "true"), ("ancestor_depth", "1")]),
        [1, 2]
    );
    assert_eq!(rows(&[("match_depth", "1")]), [2, 3]);
    assert_eq!(rows(&[("match_depth", "-1")]), [2, 3, 4]);
}

#[test]
fn only_one_filter_is_taken() {
    let of = |text: &str| Kept::of(&Params::of(&[("q", text)])).map_err(|error| error.text);
    assert_eq!(of("").unwrap(), None);
    assert!(of("{ .a = 1 }").unwrap().is_some());
    for bad in ["{} | count() > 1", "{} >> {}", "{} | rate()", "{ x"] {
        assert!(
            of(bad).unwrap_err().starts_with("invalid TraceQL query: "),
            "{bad}"
        );
    }
}
