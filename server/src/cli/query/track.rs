//! `kymo query track`: what is known of a tracking id.

use axum::http::Method;
use clap::Args;
use serde_json::Value;

use super::traceql::moment;
use super::{metric_text, plain};
use crate::cli::reach::Target;
use crate::cli::table::table;
use crate::cli::{Outcome, say};

#[derive(Debug, Args)]
pub(crate) struct TrackArgs {
    /// The id of a trace in hex, of which zeros at the beginning may be left out, or another id.
    id: String,
    /// Print the API's JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

pub(super) fn track(args: &TrackArgs) -> Outcome {
    let path = format!("/api/v1/track/{}", args.id);
    let answer = args.target.call(Method::GET, &path, &[])?;
    let data = &answer["data"];
    if args.json {
        say(&data.to_string());
        return Ok(());
    }
    let trace = &data["trace"];
    if !trace.is_null() {
        show_trace(&data["traceId"], trace);
    } else if data["traces"].as_array().is_none_or(Vec::is_empty) {
        say(&format!("{}: no trace is stored", plain(&data["id"])));
    }
    for trace in data["traces"].as_array().into_iter().flatten() {
        show_trace(&trace["traceId"], trace);
    }
    for line in data["logs"].as_array().into_iter().flatten() {
        let labels = metric_text(&line["labels"]);
        say(&format!(
            "{} {labels} {}",
            moment(&line["timeUnixNano"]),
            plain(&line["line"])
        ));
    }
    if data["logsCut"] == true {
        say("and further lines");
    }
    let rows = exemplars(&data["exemplars"]);
    if !rows.is_empty() {
        say(&format!(
            "\nexemplars\n{}",
            table(&["series", "value", "time"], &rows)
        ));
    }
    Ok(())
}

fn show_trace(id: &Value, trace: &Value) {
    say(&format!(
        "trace {}, {}, {}",
        plain(id),
        moment(&trace["startTimeUnixNano"]),
        milliseconds(&trace["durationNanos"])
    ));
    say(&tree(&trace["spans"]));
}

fn milliseconds(nanos: &Value) -> String {
    let nanos: f64 = nanos.as_str().and_then(|text| text.parse().ok()).unwrap_or(0.0);
    format!("{} ms", (nanos / 1e3).round() / 1e3)
}

const COLUMNS: [&str; 6] = ["span", "service", "kind", "duration", "status", "id"];

/// The spans, each below and to the right of its parent, with the log lines that tell of errors in them.
fn tree(spans: &Value) -> String {
    let rows: Vec<Vec<String>> = spans
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|span| {
            let depth = span["depth"].as_u64().unwrap_or(0).min(40) as usize;
            let text = |name: &str| span[name].as_str().unwrap_or_default().to_owned();
            let orphan = if span["orphan"] == true {
                " (parent not received)"
            } else {
                ""
            };
            let own = vec![
                format!("{}{}{orphan}", "  ".repeat(depth), text("name")),
                text("service"),
                text("kind"),
                milliseconds(&span["durationNanos"]),
                format!("{} {}", text("status"), text("statusMessage"))
                    .trim()
                    .to_owned(),
                text("spanId"),
            ];
            let lines = span["events"].as_array().into_iter().flatten();
            let lines = lines.filter(|event| !event["line"].is_null());
            let errors = lines.map(move |event| {
                let mut row = vec![String::new(); COLUMNS.len()];
                row[0] = format!("{}! {}", "  ".repeat(depth + 1), plain(&event["line"]));
                row
            });
            std::iter::once(own).chain(errors).collect::<Vec<_>>()
        })
        .collect();
    table(&COLUMNS, &rows)
}

fn exemplars(found: &Value) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for series in found.as_array().into_iter().flatten() {
        let name = metric_text(&series["seriesLabels"]);
        for exemplar in series["exemplars"].as_array().into_iter().flatten() {
            rows.push(vec![
                name.clone(),
                plain(&exemplar["value"]),
                plain(&exemplar["timestamp"]),
            ]);
        }
    }
    rows
}
