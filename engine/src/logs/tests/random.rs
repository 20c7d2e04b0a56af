//! Random entries: JSON, logfmt and plain lines with ids, numbers, dates and bytes that are no text, over a few streams.

use proptest::prelude::*;

use crate::labels::Labels;

pub(crate) const STEP_NS: i64 = 60_000_000_000;

/// An entry of a test.
#[derive(Debug, Clone)]
pub(crate) struct TestEntry {
    pub(crate) stream: u8,
    pub(crate) time: i64,
    pub(crate) line: Vec<u8>,
    pub(crate) metadata: Vec<(String, String)>,
}

impl TestEntry {
    pub(crate) fn labels(&self) -> Labels {
        Labels::from_pairs([("app", self.app()), ("pod", format!("p-{}", self.stream))])
    }

    pub(crate) fn app(&self) -> String {
        format!("app{}", self.stream % 2)
    }
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        (0u32..2_000).prop_map(|n| n.to_string()),
        (0u32..90).prop_map(|n| format!("{n:03}")),
        (-500i32..500, 0u32..1_000).prop_map(|(a, b)| format!("{a}.{b}")),
        Just("-0".to_owned()),
        Just("1e5".to_owned()),
        any::<u128>().prop_map(|n| format!("{n:032x}")),
        any::<u64>().prop_map(|n| format!("{n:016X}")),
        any::<u128>().prop_map(uuid),
        (0u32..4).prop_map(|n| ["info", "warn", "error", "debug"][n as usize].to_owned()),
        (0u32..200).prop_map(|n| format!("GET /api/v{}/orders/{n}?page=2", n % 3)),
        (0u32..255, 0u32..255).prop_map(|(a, b)| format!("10.0.{a}.{b}:8080")),
        (0i64..86_400).prop_map(|s| format!(
            "2026-01-02T{:02}:{:02}:{:02}.120Z",
            s / 3600,
            s / 60 % 60,
            s % 60
        )),
        "[a-zA-Z0-9 \u{fc}_.:=/-]{0,24}".prop_map(|s| s),
    ]
}

fn uuid(n: u128) -> String {
    let hex = format!("{n:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

fn json() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        (0i64..5_000).prop_map(|n| n.to_string()),
        Just("true".to_owned()),
        Just("null".to_owned()),
        Just("-1.50e3".to_owned()),
        Just("[1, \"a]\", {\"x\": []}]".to_owned()),
        Just("{}".to_owned()),
    ];
    let member = prop_oneof![
        ("[a-d]", value()).prop_map(|(k, v)| format!("\"{k}\":\"{v}\"")),
        ("[a-d]", value()).prop_map(|(k, v)| format!("\"{k}\" : \"{v}\\n\\u00e9\"")),
        ("[e-h]", number).prop_map(|(k, v)| format!("\"{k}\":{v}")),
        ("[e-h]", value()).prop_map(|(k, v)| format!("\"{k}\": {{\"in.ner\":\"{v}\"}}")),
    ];
    proptest::collection::vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(",")))
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => json().prop_map(String::into_bytes),
        1 => json().prop_map(|mut s| { s.pop(); s.into_bytes() }),
        3 => proptest::collection::vec(("[a-d.]{1,2}", value()), 1..5).prop_map(|pairs| {
            let pair = |(k, v): (String, String)| if v.contains(' ') { format!("{k}=\"{v}\"") } else { format!("{k}={v}") };
            pairs.into_iter().map(pair).collect::<Vec<_>>().join(" ").into_bytes()
        }),
        3 => (value(), value()).prop_map(|(a, b)| format!("request {a} took user={b} ms").into_bytes()),
        1 => proptest::collection::vec(any::<u8>(), 0..12),
        1 => Just(Vec::new()),
    ]
}

fn entry() -> impl Strategy<Value = TestEntry> {
    let metadata = proptest::collection::btree_map("trace_id|[x-z]", value(), 0..3);
    (0u8..6, 0i64..4_000, line(), metadata).prop_map(|(stream, step, line, metadata)| TestEntry {
        stream,
        time: step * STEP_NS,
        line,
        metadata: metadata.into_iter().collect(),
    })
}

/// Up to so many entries, over several days.
pub(crate) fn entries(most: usize) -> impl Strategy<Value = Vec<TestEntry>> {
    proptest::collection::vec(entry(), 1..most)
}
