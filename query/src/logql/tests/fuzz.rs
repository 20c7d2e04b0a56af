//! Texts and lines that nobody would write: nothing panics, and what parses survives being printed.

use kymo_engine::labels::Labels;
use proptest::prelude::*;

use crate::logql::pipeline::{Clock, Pipeline, Run};
use crate::logql::{Expr, parse, pretty};

const QUERIES: &[&str] = &[
    r#"{a="b", c=~"d.+"} |= "x" or ip("10.0.0.0/8") !~ "y" |> "<_> z" | json | logfmt --strict e, f="g" | took >= 1.5s and n<2KB or h!=ip("::1")"#,
    r#"{a="b"} | regexp `(?P<x>\w+)` | pattern `<y> - <_>` | unpack | line_format "{{.x}}" | label_format p=q, r="{{ .y | lower }}" | drop s, t="u" | keep v"#,
    r#"sum by (a, b.c[0].d) (quantile_over_time(0.5, {a="b"} | json v="w[0].x" | unwrap duration(took) | __error__="" [5m] offset -1h)) / on (a) group_left (e) topk(3, rate({f="g"}[1m]))"#,
    r#"|= "x" | fields a.b, "c d" | stats count() as n, pct(took, 95) by e | sort n desc | dedup f | limit 3"#,
    r#"label_replace(vector(1), "a", "$1", "b", "(.*)") unless -2 ^ 3 > bool 1"#,
];

const LINES: &[&str] = &[
    r#"{"a":{"b":[1,{"c":"d\u00e9\n"}]},"e":null,"f":-1.5e3,"g h":true,"_entry":"x=1"}"#,
    r#"level=info msg="a \"quoted\" \x41 text" took=1.5s =odd "bare" n=\u00e9 ip=10.0.0.1:80 2001:db8::1"#,
    "1.2.3.4 - - [now] \"GET /\u{e9} HTTP/1.1\" 200 \u{1b}[31mred\u{1b}[0m \u{9b}1;2",
];

/// A text with a few bytes changed, cut out or doubled.
fn mutated(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 1..6);
    (prop::sample::select(texts), edits).prop_map(|(text, edits)| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, byte, how) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, byte),
                _ => bytes.truncate(at),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn run(query: &str, line: &[u8]) {
    let Ok(Expr::Log(log)) = parse(query) else {
        return;
    };
    let Ok(pipeline) = Pipeline::compile(&log.stages) else {
        return;
    };
    let mut run = Run::default();
    run.begin(&Labels::from_pairs([("a", "b"), ("took", "x")]));
    let clock = Clock { time: 1, now: 2 };
    pipeline.run(&mut run, clock, line, [("n", "1"), ("took", "2s")].into_iter());
    run.fields().by_kind();
    run.line(line);
}

proptest! {
    #[test]
    fn changed_queries_do_not_panic_and_survive_being_printed(text in mutated(QUERIES)) {
        if let Ok(expr) = parse(&text) {
            for printed in [expr.to_string(), pretty(&expr)] {
                let again = parse(&printed);
                prop_assert_eq!(again.as_ref(), Ok(&expr), "{}", printed);
            }
        }
    }

    #[test]
    fn random_queries_do_not_panic(text in "\\PC{0,60}") {
        let _ = parse(&text);
    }

    #[test]
    fn changed_lines_do_not_panic(line in mutated(LINES), query in prop::sample::select(QUERIES)) {
        run(query, line.as_bytes());
        for stage in ["json", "logfmt", "logfmt --strict --keep-empty a, b=\"c\"", "unpack", "decolorize", "json a=\"a.b[1].c\"", "pattern `<a> <b>`"] {
            run(&format!("|= `` | {stage} | line_format `{{{{.a}}}}` | logfmt"), line.as_bytes());
        }
        run(r#"|= ip("10.0.0.0/8")"#, line.as_bytes());
    }

    #[test]
    fn random_lines_do_not_panic(line in prop::collection::vec(any::<u8>(), 0..80), query in prop::sample::select(QUERIES)) {
        run(query, &line);
    }
}
