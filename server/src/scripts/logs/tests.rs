//! Queries answered from columns give what the same queries give when every line is put together and taken through the stages.

use kymo_query::logql::eval::metric::{Grid, Value};
use kymo_query::logql::eval::{Direction, RangeOptions, SelectOptions, range, select};
use kymo_query::logql::{Expr, parse};
use kymo_query::logqltest::memory::MemoryLoader;
use kymo_query::promql::eval::Budget;
use proptest::prelude::*;

use super::*;

mod insights;

const QUERIES: &[&str] = &[
    r#"{app=~".+"}"#,
    r#"{app=~".+"} | json | status >= 500"#,
    r#"{app=~".+"} | json | status >= 300 and user_id != "u-1""#,
    r#"{app="a"} |= "one" | json | level="error""#,
    r#"{app=~".+"} | logfmt | took > 20ms"#,
    r#"{app=~".+"} | logfmt | level=~"warn|error" or took < 5ms | line_format "{{.took}}""#,
    r#"{app=~".+"} != "one" |~ "t[a-z]o""#,
    r#"{app=~".+"} |= "one two""#,
    r#"{app=~".+"} |= "u-1" or "42""#,
    r#"{app=~".+"} | detected_level="error""#,
    r#"{app=~".+"} | json | __error__!="""#,
    r#"{app=~".+"} | json | drop status | status = """#,
    r#"sum by (status) (count_over_time({app=~".+"} | json [20s]))"#,
    r#"sum by (status, level) (count_over_time({app=~".+"} | json | __error__="" [20s]))"#,
    r#"sum by (detected_level) (count_over_time({app=~".+"}[20s]))"#,
    r#"sum by (app) (rate({app=~".+"} | detected_level="error" [7s]))"#,
    r#"sum(count_over_time({app=~".+"} |= "two" [20s]))"#,
    r#"sum(count_over_time({app=~".+"} != "text" [20s]))"#,
    r#"sum(count_over_time({app=~".+"} |= "nowhere" [20s]))"#,
    r#"sum(count_over_time({app=~".+"} |= "e" [40s]))"#,
    r#"sum(count_over_time({app=~".+"} |~ "t[a-z]o" [40s]))"#,
    r#"sum by (app) (count_over_time({app=~".+"} |~ "(^|[ ,])n=[3-5]|text 1.* two" [20s]))"#,
    r#"sum by (level) (count_over_time({app=~".+"} !~ "took=[1-3]|\"status\":4" | logfmt | __error__="" [5s]))"#,
    r#"count_over_time({app="a"} |~ "^plain .*text [0-9]+ two1" [20s])"#,
    r#"{app=~".+"} |~ "[0-4]x$" !~ "one .*3""#,
    r#"{app=~".+"} |~ "u-[12]\",.n.:[0-9]{2}" |= "level""#,
    r#"sum(count_over_time({app=~".+"} |= "ms n" [20s]))"#,
    r#"sum by (level) (count_over_time({app=~".+"} |= "one" != "two" | logfmt | __error__="" [20s]))"#,
    r#"sum(sum_over_time({app=~".+"} | logfmt | unwrap n | __error__="" [40s]))"#,
    r#"sum by (app) (rate({app=~".+"} |= "took" | logfmt | unwrap n [3s]))"#,
    r#"sum by (app) (sum_over_time({app=~".+"} | json | unwrap status | __error__="" [20s]))"#,
    r#"quantile_over_time(0.9, {app=~".+"} | logfmt | unwrap duration(took) | __error__="" [20s]) by (app)"#,
    r#"avg_over_time({app=~".+"} | logfmt | unwrap n | n > 3 | __error__="" [20s]) by (app)"#,
    r#"max_over_time({app=~".+"} | json | unwrap user_n | __error__="" [20s]) by (level)"#,
    r#"sum by (user_id) (count_over_time({app=~".+"} | json | user_id=~"u-.*" [3s]))"#,
    r#"sum by (lvl) (count_over_time({app=~".+"} | json | label_format lvl=level [20s]))"#,
    r#"count_over_time({app="a"} | json | keep level [20s])"#,
    r#"bytes_over_time({app="a"} | json | level="info" [20s])"#,
    r#"absent_over_time({app="a"} | json | level="none" [2s])"#,
];

fn line() -> impl Strategy<Value = String> {
    let word = || prop::sample::select(vec!["one", "two", "one two", "a \\\"b\\\" c", "", "x=1", "u-1"]);
    let level = || prop::sample::select(vec!["info", "warn", "error", "null"]);
    prop_oneof![
        5 => (level(), 0u32..700, 0u32..4, word(), -5i32..400).prop_map(|(level, status, user, msg, n)| {
            format!(r#"{{"level":"{level}","status":{status},"user":{{"id":"u-{user}","n":{n}.5}},"msg":"{msg}"}}"#)
        }),
        1 => (level(), word()).prop_map(|(level, msg)| format!(r#"{{"msg": "{msg}", "level":{level:?}, "status":null, "tags":["one",1]}}"#)),
        4 => (level(), 0u32..60, 0u32..9).prop_map(|(level, took, n)| format!("level={level} took={took}ms n={n} msg=\"one two\"")),
        1 => (word(), 0u32..60).prop_map(|(msg, took)| format!("took={took} level=\"{msg}\" app=z status=")),
        2 => (word(), 0u32..60).prop_map(|(msg, n)| format!("plain {msg} text {n} two{n}x")),
        1 => Just("{\"broken\": one".to_owned()),
        1 => (level(), 0u32..9).prop_map(|(level, n)| format!("the level was {level}, status={n} \"as told\" [1, 2]")),
        1 => Just("[{\"level\":\"warn\"}, 7]".to_owned()),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    let pair = prop::sample::select(vec![
        ("detected_level", "error"),
        ("detected_level", "info"),
        ("status", "999"),
    ]);
    let app = prop::sample::select(vec!["a", "b", "c"]);
    let metadata = prop::option::of(pair);
    (app, 0i64..30_000, line(), metadata).prop_map(|(app, ms, line, metadata)| Entry {
        labels: vec![("app".to_owned(), app.to_owned())],
        time: ms * 1_000_000,
        line,
        metadata: metadata
            .into_iter()
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .collect(),
    })
}

/// What a query gives, as text.
fn answer(query: &str, loader: &dyn Loader, grid: Grid, direction: Direction, limit: usize) -> String {
    let store = |scan: &Scan| loader.parts(scan);
    let budget = Budget::default();
    match parse(query).unwrap() {
        Expr::Log(log) => {
            let options = SelectOptions {
                from: grid.start,
                until: grid.end,
                limit,
                direction,
                interval: 0,
                now: 0,
            };
            // Which of several lines an error names is not told.
            let lines = select(&log, &store, &options, &budget).map_err(|_| "an error");
            format!("{:#?}", lines.map(|lines| lines.entries))
        }
        Expr::Metric(metric) => {
            let options = RangeOptions {
                grid,
                max_series: 0,
                partial: false,
                now: 0,
            };
            match range(&metric, &store, &options, &budget).map(|numbers| numbers.value) {
                Ok(Value::Series(mut series)) => {
                    series.sort_by(|a, b| a.labels.cmp(&b.labels));
                    format!("{series:#?}")
                }
                Ok(other) => format!("{other:?}"),
                Err(_) => "an error".to_owned(),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn columns_tell_what_lines_tell(
        entries in prop::collection::vec(entry(), 1..400),
        start in 0i64..20,
        len in 1i64..20,
        step in 1i64..9,
        limit in 1usize..60,
        forward in any::<bool>(),
        apps in 1usize..4,
    ) {
        let mut entries = entries;
        // A group of one stream only is counted in other ways than one of several.
        for label in entries.iter_mut().flat_map(|entry| &mut entry.labels) {
            if apps < 3 && label.1.as_str() > ["a", "b"][apps - 1] {
                label.1 = "a".to_owned();
            }
        }
        // Entries of one time and stream may come back in either order of arrival.
        entries.sort_by(|a, b| (a.time, &a.labels).cmp(&(b.time, &b.labels)));
        entries.dedup_by(|a, b| (a.time, &a.labels) == (b.time, &b.labels));
        let grid = Grid { start: start * 1_000_000_000, end: (start + len) * 1_000_000_000, step: step * 1_000_000_000 };
        let direction = if forward { Direction::Forward } else { Direction::Backward };
        let mut memory = MemoryLoader::new(2);
        memory.load(entries.clone()).unwrap();
        for layout in [Layout::Blocks, Layout::Merged] {
            let mut stored = LogStoreLoader::new(layout).unwrap();
            stored.load(entries.clone()).unwrap();
            for query in QUERIES {
                let wanted = answer(query, &memory, grid, direction, limit);
                prop_assert_eq!(answer(query, &stored, grid, direction, limit), wanted, "{} {:?}", query, layout);
            }
        }
    }
}
