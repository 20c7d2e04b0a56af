//! `kymo query insights`: tables of log lines.

use clap::Args;
use kymo_query::insights::parse;
use serde_json::Value;

use super::plain;
use crate::cli::reach::Target;
use crate::cli::table::table;
use crate::cli::{Failure, Outcome, USAGE, say};

#[derive(Debug, Args)]
pub(crate) struct InsightsArgs {
    /// The query: commands between pipes.
    query: String,
    /// First time: seconds to nanoseconds since 1970 or RFC 3339; all there is by default.
    #[arg(long)]
    start: Option<String>,
    /// Last time.
    #[arg(long)]
    end: Option<String>,
    /// Most rows.
    #[arg(long)]
    limit: Option<String>,
    /// Streams to look at, as `{app="web"}`.
    #[arg(long)]
    selector: Option<String>,
    /// Print the API's JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

pub(super) fn insights(args: &InsightsArgs) -> Outcome {
    parse(&args.query).map_err(|error| Failure::new(USAGE, error.to_string()))?;
    let mut params = vec![("query", args.query.as_str())];
    for (name, value) in [
        ("start", &args.start),
        ("end", &args.end),
        ("limit", &args.limit),
        ("selector", &args.selector),
    ] {
        params.extend(value.as_deref().map(|value| (name, value)));
    }
    let answer = args.target.call_plain("/api/v1/insights/query", &params)?;
    if args.json {
        say(&answer.to_string());
        return Ok(());
    }
    say(&rows(&answer["results"]));
    Ok(())
}

/// Columns in the order in which they come up.
fn rows(results: &Value) -> String {
    let rows: Vec<&Vec<Value>> = results
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_array)
        .collect();
    let mut columns: Vec<&str> = Vec::new();
    for cell in rows.iter().copied().flatten() {
        let name = cell["field"].as_str().unwrap_or_default();
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    let value = |row: &[Value], name: &str| {
        let cell = row.iter().find(|cell| cell["field"] == name);
        cell.map_or_else(String::new, |cell| plain(&cell["value"]))
    };
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| columns.iter().map(|name| value(row, name)).collect())
        .collect();
    table(&columns, &cells)
}
