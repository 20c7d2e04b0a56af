//! `kymo query logql`: lines, or series over lines, by what the query is.

use clap::Args;
use kymo_query::logql::{Expr, parse};
use serde_json::Value;

use super::traceql::moment;
use super::{plain, show};
use crate::cli::reach::Target;
use crate::cli::{Failure, Outcome, USAGE, say, warn};

#[derive(Debug, Args)]
pub(crate) struct LogqlArgs {
    /// The query.
    query: String,
    /// First time: seconds or nanoseconds since 1970 or RFC 3339; an hour before the last by default.
    #[arg(long)]
    start: Option<String>,
    /// Last time; now by default.
    #[arg(long)]
    end: Option<String>,
    /// Most lines.
    #[arg(long, default_value = "100")]
    limit: String,
    /// The oldest lines first.
    #[arg(long)]
    forward: bool,
    /// Distance of the samples of series.
    #[arg(long)]
    step: Option<String>,
    /// One value of each series, at the last time.
    #[arg(long, conflicts_with = "step")]
    instant: bool,
    /// Print the API's JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

pub(super) fn logql(args: &LogqlArgs) -> Outcome {
    let query = parse(&args.query).map_err(|error| Failure::new(USAGE, error.to_string()))?;
    let instant = args.instant && matches!(query, Expr::Metric(_));
    let mut params = vec![("query", args.query.as_str()), ("limit", args.limit.as_str())];
    let path = match instant {
        true => {
            params.extend(args.end.as_deref().map(|end| ("time", end)));
            "/loki/api/v1/query"
        }
        false => {
            params.extend(args.start.as_deref().map(|start| ("start", start)));
            params.extend(args.end.as_deref().map(|end| ("end", end)));
            params.extend(args.step.as_deref().map(|step| ("step", step)));
            params.extend(args.forward.then_some(("direction", "forward")));
            "/loki/api/v1/query_range"
        }
    };
    let answer = args.target.call_plain(path, &params)?;
    if args.json {
        say(&answer.to_string());
        return Ok(());
    }
    for text in answer["warnings"].as_array().into_iter().flatten() {
        warn(text.as_str().unwrap_or_default());
    }
    let data = &answer["data"];
    if data["resultType"] == "streams" {
        lines(&data["result"], args.forward);
    } else {
        show(data);
    }
    Ok(())
}

/// The lines of all streams in order of time, each behind its time and the labels of its stream.
fn lines(streams: &Value, forward: bool) {
    let mut all: Vec<(i64, String)> = Vec::new();
    for stream in streams.as_array().into_iter().flatten() {
        let labels = super::metric_text(&stream["stream"]);
        for entry in stream["values"].as_array().into_iter().flatten() {
            let time = plain(&entry[0]).parse().unwrap_or(0);
            all.push((
                time,
                format!("{} {labels} {}", moment(&entry[0]), plain(&entry[1])),
            ));
        }
    }
    all.sort_by_key(|(time, _)| if forward { *time } else { time.saturating_neg() });
    all.iter().for_each(|(_, line)| say(line));
}
