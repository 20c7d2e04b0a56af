//! `kymo query traceql`: traces that match, or series over spans, by what the query is.

use clap::Args;
use kymo_query::traceql::ast::Body;
use kymo_query::traceql::parse;
use serde_json::Value;

use super::plain;
use crate::cli::reach::Target;
use crate::cli::table::table;
use crate::cli::{Failure, Outcome, USAGE, say, warn};
use crate::http::{parse_time, rfc3339};

#[derive(Debug, Args)]
pub(crate) struct TraceqlArgs {
    /// The query.
    query: String,
    /// First time: seconds since 1970 or RFC 3339. Without times a search looks at everything, series at the last hour.
    #[arg(long, requires = "end")]
    start: Option<String>,
    /// Last time.
    #[arg(long, requires = "start")]
    end: Option<String>,
    /// Most traces of a search.
    #[arg(long, default_value = "20")]
    limit: String,
    /// Most spans of each set of a search, 0 for all.
    #[arg(long, default_value = "3")]
    spans: String,
    /// Distance of the samples of series.
    #[arg(long)]
    step: Option<String>,
    /// One value of each series over all the time.
    #[arg(long, conflicts_with = "step")]
    instant: bool,
    /// Print the API's JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

pub(super) fn traceql(args: &TraceqlArgs) -> Outcome {
    let query =
        parse(&args.query).map_err(|error| Failure::new(USAGE, format!("invalid TraceQL query: {error}")))?;
    let time = |text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => parse_time(text)
            .map(Some)
            .map_err(|cause| Failure::new(USAGE, cause)),
    };
    let range = time(&args.start)?.zip(time(&args.end)?);
    let answer = match query.body {
        Body::Search(_) => search(args, range)?,
        Body::Metrics(_) => series(args, range)?,
    };
    if args.json {
        say(&answer.to_string());
        return Ok(());
    }
    if let Some(text) = answer["message"].as_str() {
        warn(text);
    }
    match answer.get("traces") {
        Some(traces) => show_traces(traces),
        None => show_series(&answer["series"]),
    }
    Ok(())
}

fn search(args: &TraceqlArgs, range: Option<(i64, i64)>) -> Result<Value, Failure> {
    let seconds = range.map(|(start, end)| {
        let end = end.div_euclid(1000).max(start.div_euclid(1000) + 1);
        (start.div_euclid(1000).to_string(), end.to_string())
    });
    let mut params = vec![
        ("q", args.query.as_str()),
        ("limit", &args.limit),
        ("spss", &args.spans),
    ];
    if let Some((start, end)) = &seconds {
        params.extend([("start", start.as_str()), ("end", end)]);
    }
    args.target.call_plain("/tempo/api/search", &params)
}

fn series(args: &TraceqlArgs, range: Option<(i64, i64)>) -> Result<Value, Failure> {
    let nanos = range.map(|(start, end)| (format!("{start}000000"), format!("{end}000000")));
    let mut params = vec![("q", args.query.as_str())];
    if let Some((start, end)) = &nanos {
        params.extend([("start", start.as_str()), ("end", end)]);
    }
    params.extend(args.step.as_deref().map(|step| ("step", step)));
    let path = match args.instant {
        true => "/tempo/api/metrics/query",
        false => "/tempo/api/metrics/query_range",
    };
    args.target.call_plain(path, &params)
}

fn show_traces(traces: &Value) {
    let rows: Vec<Vec<String>> = traces
        .as_array()
        .into_iter()
        .flatten()
        .map(|trace| {
            let sets = trace["spanSets"].as_array().into_iter().flatten();
            let matched: u64 = sets.filter_map(|set| set["matched"].as_u64()).sum();
            let text = |name: &str| trace[name].as_str().unwrap_or_default().to_owned();
            vec![
                format!("{:0>32}", text("traceID")),
                text("rootServiceName"),
                text("rootTraceName"),
                moment(&trace["startTimeUnixNano"]),
                format!("{} ms", trace["durationMs"].as_u64().unwrap_or(0)),
                matched.to_string(),
            ]
        })
        .collect();
    let header = ["trace", "service", "name", "start", "duration", "spans"];
    say(&table(&header, &rows));
}

/// Nanoseconds since 1970 in quotes as a time people read.
pub(super) fn moment(nanos: &Value) -> String {
    let nanos: i64 = nanos.as_str().and_then(|text| text.parse().ok()).unwrap_or(0);
    rfc3339(nanos.div_euclid(1_000_000))
}

fn show_series(series: &Value) {
    let mut rows = Vec::new();
    for one in series.as_array().into_iter().flatten() {
        let labels = one["labels"].as_array().into_iter().flatten();
        let label = |label: &Value| {
            let value = label["value"].as_object().and_then(|value| value.values().next());
            format!(
                "{}={}",
                plain(&label["key"]),
                plain(value.unwrap_or(&Value::Null))
            )
        };
        let name = format!("{{{}}}", labels.map(label).collect::<Vec<_>>().join(", "));
        let number = |of: &Value| of.get("value").map_or_else(|| "0".to_owned(), plain);
        let Some(samples) = one["samples"].as_array() else {
            rows.push(vec![name, String::new(), number(one)]);
            continue;
        };
        for sample in samples {
            let millis: i64 = plain(&sample["timestampMs"]).parse().unwrap_or(0);
            rows.push(vec![name.clone(), rfc3339(millis), number(sample)]);
        }
    }
    say(&table(&["series", "time", "value"], &rows));
}
