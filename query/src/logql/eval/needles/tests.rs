//! What queries are narrowed by.

use super::*;
use crate::logql::parse_log;

/// The questions of a query: matchers beyond the selector, then the texts.
fn shown(query: &str) -> Vec<String> {
    let log = parse_log(query).unwrap();
    let scans = scans(&log, 0, 1);
    let show = |scan: &Scan| {
        let own = scan.matchers[log.selector.len()..].iter();
        let own: Vec<String> = own
            .map(|m| format!("{}{}{:?}", m.name(), m.op().as_str(), m.value()))
            .collect();
        let needles: Vec<String> = scan.needles.iter().map(|n| n.any.join("|")).collect();
        format!("{}: {}", own.join(" "), needles.join(" & "))
    };
    scans.iter().map(show).collect()
}

#[test]
fn conditions_of_lines_narrow() {
    assert_eq!(
        shown(r#"{a="1"} |= "x" or "y" |= "" != "z" |> "<_> u <_>v""#),
        [": x|y &  u  & v"]
    );
    assert_eq!(shown(r#"{a="1"} | line_format "{{.m}}" |= "x""#), [": "]);
    assert_eq!(
        shown(r#"{a="1"} |~ "ab+c(d|ef)g*|h" |~ "(?i)Error: .*done""#),
        [": c|h & error:  & done"]
    );
    assert_eq!(shown(r#"{a="1"} |~ "^x.*(foo|bar)+$""#), [": x & foo|bar"]);
}

#[test]
fn labels_narrow_where_they_are_not_of_the_stream() {
    assert_eq!(
        shown(r#"{a="1"} |= "x" | json | trace_id="abc" and n>5"#),
        [r#"trace_id!="": x"#, r#"trace_id="": x & abc"#]
    );
    assert_eq!(
        shown(r#"{a="1"} | logfmt | t=~"abc|def" | s="x y" or u="z""#),
        [r#"t!="": "#, r#"t="": abc|def"#]
    );
    assert_eq!(shown(r#"{a="1"} | label_format t=u | t="abc""#), [": "]);
}

#[test]
fn the_form_of_traces_to_logs_narrows() {
    let query = r#"{a="1"} | label_format c=`{{ contains "0af7" __line__  }}` | c="true" OR trace_id="0af7""#;
    assert_eq!(shown(query), [r#"trace_id!="": "#, r#"trace_id="": 0af7|0af7"#]);
}
