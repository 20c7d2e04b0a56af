//! Log lines that tell of errors, by the span that they name. Not for lines of other levels, which stand among the lines only.

use hashbrown::HashMap;

use super::lines::Line;
use crate::http::json::hex;
use kymo_engine::traces::{Span, SpanId};

/// Levels of errors.
const LEVELS: [&str; 3] = ["error", "fatal", "critical"];

/// Hexadecimal digits of a span's id.
const DIGITS: usize = 16;

/// Lines by the span that they name, in their order.
pub(super) fn by_span<'l>(spans: &[Span], lines: &'l [Line]) -> HashMap<SpanId, Vec<&'l Line>> {
    let ids: HashMap<String, SpanId> = spans.iter().map(|span| (hex(&span.id), span.id)).collect();
    let mut found: HashMap<SpanId, Vec<&Line>> = HashMap::new();
    for line in lines.iter().filter(|line| is_error(line)) {
        let texts = line.metadata.iter().map(|(_, value)| value.as_str());
        let mut named: Vec<SpanId> = texts
            .chain([line.line.as_str()])
            .flat_map(|text| text.split(|c: char| !c.is_ascii_hexdigit()))
            .filter(|digits| digits.len() == DIGITS)
            .filter_map(|digits| ids.get(&digits.to_ascii_lowercase()).copied())
            .collect();
        named.sort_unstable();
        named.dedup();
        for id in named {
            found.entry(id).or_default().push(line);
        }
    }
    found
}

fn is_error(line: &Line) -> bool {
    line.level()
        .is_some_and(|level| LEVELS.iter().any(|one| level.eq_ignore_ascii_case(one)))
}
