//! `kymo query`: questions in the query languages, and everything about one id, as a table or as JSON. PromQL here.

mod insights;
mod logql;
mod traceql;
mod track;

use axum::http::Method;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::reach::Target;
use super::table::table;
use super::{Failure, Outcome, USAGE, say, warn};

#[derive(Debug, Subcommand)]
pub(crate) enum QueryCommand {
    /// Evaluate a PromQL expression.
    Promql(PromqlArgs),
    /// Find traces, or compute series from spans, by TraceQL.
    Traceql(traceql::TraceqlArgs),
    /// Find log lines, or compute series from them, by LogQL.
    Logql(logql::LogqlArgs),
    /// Ask for tables of log lines, by commands between pipes as in CloudWatch Logs Insights.
    Insights(insights::InsightsArgs),
    /// Show what is known of a trace id: its spans as a tree, its log lines, and the exemplars that point to it.
    Track(track::TrackArgs),
}

#[derive(Debug, Args)]
pub(crate) struct PromqlArgs {
    /// The expression.
    expr: String,
    /// Time of an instant query: seconds or RFC 3339; now by default.
    #[arg(long, conflicts_with_all = ["start", "end", "step"])]
    time: Option<String>,
    /// First step of a range query.
    #[arg(long, requires = "end")]
    start: Option<String>,
    /// Last step of a range query.
    #[arg(long, requires = "start")]
    end: Option<String>,
    /// Distance of the steps of a range query.
    #[arg(long, default_value = "1m")]
    step: String,
    /// Print the API's JSON.
    #[arg(long)]
    json: bool,
    /// Show the plan and what it reads, told from the index, beside the result.
    #[arg(long)]
    explain: bool,
    /// Show the plan and what it would read, and do not run it.
    #[arg(long, conflicts_with = "explain")]
    estimate: bool,
    #[command(flatten)]
    target: Target,
}

pub(crate) fn query(command: &QueryCommand) -> Outcome {
    match command {
        QueryCommand::Promql(args) => promql(args),
        QueryCommand::Traceql(args) => traceql::traceql(args),
        QueryCommand::Logql(args) => logql::logql(args),
        QueryCommand::Insights(args) => insights::insights(args),
        QueryCommand::Track(args) => track::track(args),
    }
}

fn promql(args: &PromqlArgs) -> Outcome {
    let mut params = vec![("query", args.expr.as_str())];
    let path = match (&args.start, &args.end) {
        (Some(start), Some(end)) => {
            params.extend([("start", start.as_str()), ("end", end), ("step", &args.step)]);
            "/api/v1/query_range"
        }
        (None, None) => {
            params.extend(args.time.as_deref().map(|time| ("time", time)));
            "/api/v1/query"
        }
        _ => return Err(Failure::new(USAGE, "--start and --end belong together")),
    };
    if args.explain {
        params.push(("explain", "1"));
    } else if args.estimate {
        params.push(("explain", "only"));
    }
    let answer = args.target.call(Method::GET, path, &params)?;
    if args.json {
        say(&answer.to_string());
        return Ok(());
    }
    for name in ["warnings", "infos"] {
        for text in answer[name].as_array().into_iter().flatten() {
            warn(text.as_str().unwrap_or_default());
        }
    }
    show(&answer["data"]);
    Ok(())
}

fn show(data: &Value) {
    let result = &data["result"];
    let elements = || result.as_array().into_iter().flatten();
    match data["resultType"].as_str() {
        Some("vector") => {
            let rows: Vec<_> = elements()
                .map(|item| {
                    let point = item.get("value").unwrap_or(&item["histogram"]);
                    vec![metric_text(&item["metric"]), number(&point[1]), plain(&point[0])]
                })
                .collect();
            say(&table(&["series", "value", "time"], &rows));
        }
        Some("matrix") => {
            let points = |item: &Value| -> Vec<Vec<String>> {
                let series = metric_text(&item["metric"]);
                let of = |name: &str| item[name].as_array().cloned().unwrap_or_default();
                let mut points = [of("values"), of("histograms")].concat();
                points.sort_by(|a, b| {
                    a[0].as_f64()
                        .unwrap_or(0.0)
                        .total_cmp(&b[0].as_f64().unwrap_or(0.0))
                });
                points
                    .iter()
                    .map(|v| vec![series.clone(), plain(&v[0]), number(&v[1])])
                    .collect()
            };
            let rows: Vec<_> = elements().flat_map(points).collect();
            say(&table(&["series", "time", "value"], &rows));
        }
        Some(_) => say(&plain(&result[1])),
        None => {}
    }
    if let Some(lines) = data["explain"].as_array() {
        say("");
        for line in lines {
            say(&plain(line));
        }
    }
}

/// A value, or a histogram in the words of `count_values`.
fn number(value: &Value) -> String {
    if !value.is_object() {
        return plain(value);
    }
    let mut out = format!("{{count:{}, sum:{}", plain(&value["count"]), plain(&value["sum"]));
    for bucket in value["buckets"].as_array().into_iter().flatten() {
        let bounds = bucket[0].as_u64().unwrap_or(2);
        let open = if matches!(bounds, 1 | 3) { '[' } else { '(' };
        let close = if matches!(bounds, 0 | 3) { ']' } else { ')' };
        let [lower, upper, count] = [1, 2, 3].map(|i| plain(&bucket[i]));
        out.push_str(&format!(", {open}{lower},{upper}{close}:{count}"));
    }
    out.push('}');
    out
}

/// A JSON string without its quotes, anything else as it is.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn metric_text(metric: &Value) -> String {
    let name = metric["__name__"].as_str().unwrap_or("");
    let labels: Vec<_> = metric
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(label, _)| *label != "__name__")
        .map(|(label, value)| format!("{label}={value}"))
        .collect();
    format!("{name}{{{}}}", labels.join(", "))
}
