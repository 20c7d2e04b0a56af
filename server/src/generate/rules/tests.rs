//! Names of labels and what a trace state says of sampling.

use super::*;

#[test]
fn labels_are_valid_and_do_not_take_those_of_others() {
    assert_eq!(label("http.status-code", &OPERATION_LABELS), "http_status_code");
    assert_eq!(label("span.name", &OPERATION_LABELS), "__span_name");
    assert_eq!(label("2xx", &OPERATION_LABELS), "_2xx");
}

#[test]
fn a_threshold_says_how_many_spans_one_stands_for() {
    assert_eq!(sampled("ot=th:0"), Some(1.0));
    assert_eq!(sampled("ot=th:8"), Some(2.0));
    assert_eq!(sampled("a=b, ot=rv:1;th:c0"), Some(4.0));
    for none in [
        "",
        "th:8",
        "ot=rv:8",
        "ot=th:",
        "ot=th:xy",
        "ot=th:123456789abcdef",
    ] {
        assert_eq!(sampled(none), None, "{none}");
    }
}
