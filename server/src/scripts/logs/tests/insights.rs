//! Tables made from columns are those that lines give.

use kymo_query::insights::{self, QueryOptions};

use super::*;

const QUERIES: &[&str] = &[
    "fields @timestamp, @message | limit 7",
    "fields @message, level, status | sort @timestamp asc | limit 9",
    "filter @message like 'one' | limit 5",
    "filter @message not like 'one' and @message like 'two'",
    "filter @message like /t[a-z]o/ | fields status",
    "filter status >= 500 | fields @message, user.id",
    "filter user.n > 3.25 and level = 'error' | limit 11",
    "filter level = 'error' or status = '999'",
    "filter tags.0 = 'one' | fields tags, user",
    "filter @message like 'x=1' and took < 30 | limit 3",
    "filter ispresent(user) and not ispresent(status)",
    "filter @level in ['error', 'null'] | stats count(*) by @level",
    "stats count(*) as n, count(status), count_distinct(user.id) by level | sort n desc, level",
    "stats count(*) by bin(3s), level",
    "stats sum(n), avg(status), min(status), max(status), pct(status, 90), stddev(user.n) by app",
    "stats min(took), max(took), count(took), sum(took)",
    "stats max(user.n), min(user.n) by bin(2s), user.id",
    "filter @message like 'user' | stats avg(user.n) by bin(5s)",
    "filter status > 300 | stats count(*) by level, user.id, app, msg, took",
    "filter bin(4s) > 8000 | stats count(*) by app",
    "fields bin(4s) as b, concat(level, '/', app) as la | filter la != 'info/a' | stats count(*), max(b) by la",
    "parse msg '* *' as first, second | stats count(*) by first, second",
    "parse @message 'msg=*' as rest | stats count(*) by rest",
    "fields user.n as n | stats sum(n), max(n) by level",
    "stats earliest(status), latest(user.id) by app",
    "stats count(*) as n by level | filter n > 3 | stats sum(n)",
    "stats count(level), sum(msg), min(level), max(msg) by detected_level",
    "sort status desc | limit 8",
    "dedup level | fields level, @message",
    "stats count(*) by @logStream, strlen(msg)",
];

/// What a query gives, as text.
fn table(query: &str, loader: &dyn Loader, times: (i64, i64), limit: usize) -> String {
    let store = |scan: &Scan| loader.parts(scan);
    let options = QueryOptions {
        selector: Vec::new(),
        from: times.0,
        until: times.1,
        limit,
    };
    let query = insights::parse(query).unwrap();
    let answer = insights::query(&query, &store, &options, &Budget::default()).unwrap();
    format!("{:?} {:#?}", answer.columns, answer.rows)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn columns_give_the_tables_of_lines(
        entries in prop::collection::vec(entry(), 1..400),
        start in 0i64..20,
        len in 1i64..20,
        limit in 1usize..60,
    ) {
        let mut entries = entries;
        entries.sort_by(|a, b| (a.time, &a.labels).cmp(&(b.time, &b.labels)));
        entries.dedup_by(|a, b| (a.time, &a.labels) == (b.time, &b.labels));
        let times = (start * 1_000_000_000, (start + len) * 1_000_000_000);
        let mut memory = MemoryLoader::new(2);
        memory.load(entries.clone()).unwrap();
        for layout in [Layout::Blocks, Layout::Merged] {
            let mut stored = LogStoreLoader::new(layout).unwrap();
            stored.load(entries.clone()).unwrap();
            for query in QUERIES {
                let wanted = table(query, &memory, times, limit);
                prop_assert_eq!(table(query, &stored, times, limit), wanted, "{} {:?}", query, layout);
            }
        }
    }
}
