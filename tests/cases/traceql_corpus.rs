//! The TraceQL of Tempo's tests and documents: every query is read or refused as Tempo's own parser says, most refusals in its
//! very words.
//! Reads `../shared/queries/traceql.jsonl` beside the repository; absent, it says so and passes.

use kymo_query::traceql::parse;
use kymo_tests::{note, shared};
use serde_json::Value;

const REFUSAL: &str = "400 invalid TraceQL query: ";

/// What Tempo reads and then calls unsupported is answered here: arithmetic and comparison of aggregates, and of
/// `(pipeline | aggregate)`.
const SUPERSET: [&str; 2] = [
    "scalar filter lhs of type (%v) not yet supported",
    "scalar filter rhs of type (%v) not yet supported",
];

struct Row {
    query: String,
    valid: bool,
    /// Tempo's words where it refuses.
    refusal: String,
}

fn corpus() -> Option<Vec<Row>> {
    let text = std::fs::read_to_string(shared("queries/traceql.jsonl")?).unwrap();
    let rows = text.lines().map(|line| {
        let row: Value = serde_json::from_str(line).unwrap();
        let refusal = row["tempo_search"].as_str().unwrap_or_default();
        Row {
            query: row["query"].as_str().unwrap().to_owned(),
            valid: row["valid"] == "yes",
            refusal: refusal.trim_start_matches(REFUSAL).to_owned(),
        }
    });
    Some(rows.collect())
}

#[test]
fn every_query_of_the_corpus_is_read_or_refused_as_tempo_does() {
    let Some(rows) = corpus() else { return };
    let (mut wrong, mut other_words, mut superset, mut refused) = (Vec::new(), Vec::new(), 0, 0);
    for Row {
        query,
        valid,
        refusal,
    } in &rows
    {
        match parse(query) {
            Ok(_) if *valid => {}
            Ok(_) if SUPERSET.contains(&refusal.as_str()) => superset += 1,
            Ok(read) => wrong.push(format!("{query}\n  read as {read}\n  Tempo: {refusal}")),
            Err(error) if *valid => wrong.push(format!("{query}\n  {error}")),
            Err(error) => {
                refused += 1;
                if error.to_string() != *refusal {
                    other_words.push(format!("{query}\n  {error}\n  Tempo: {refusal}"));
                }
            }
        }
    }
    note(&format!(
        "{} queries, {refused} refused, {} of them in other words, {superset} answered beyond Tempo",
        rows.len(),
        other_words.len()
    ));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(other_words.is_empty(), "{}", other_words.join("\n"));
}
