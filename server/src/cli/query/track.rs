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
    /// The id in hex; zeros at its beginning may be left out.
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
    if trace.is_null() {
        say(&format!("trace {}: none is stored", plain(&data["traceId"])));
    } else {
        say(&format!(
            "trace {}, {}, {}",
            plain(&data["traceId"]),
            moment(&trace["startTimeUnixNano"]),
            milliseconds(&trace["durationNanos"])
        ));
        say(&tree(&trace["spans"]));
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

fn milliseconds(nanos: &Value) -> String {
    let nanos: f64 = nanos.as_str().and_then(|text| text.parse().ok()).unwrap_or(0.0);
    format!("{} ms", (nanos / 1e3).round() / 1e3)
}

/// The spans, each below and to the right of its parent.
fn tree(spans: &Value) -> String {
    let rows: Vec<Vec<String>> = spans
        .as_array()
        .into_iter()
        .flatten()
        .map(|span| {
            let depth = span["depth"].as_u64().unwrap_or(0).min(40) as usize;
            let text = |name: &str| span[name].as_str().unwrap_or_default().to_owned();
            let orphan = if span["orphan"] == true {
                " (parent not received)"
            } else {
                ""
            };
            vec![
                format!("{}{}{orphan}", "  ".repeat(depth), text("name")),
                text("service"),
                text("kind"),
                milliseconds(&span["durationNanos"]),
                format!("{} {}", text("status"), text("statusMessage"))
                    .trim()
                    .to_owned(),
                text("spanId"),
            ]
        })
        .collect();
    table(&["span", "service", "kind", "duration", "status", "id"], &rows)
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
