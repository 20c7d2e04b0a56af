//! `kymo admin`: state, flush, compaction, blocks, verification, deletion, snapshots and cardinality of a server or a data
//! directory.

use axum::http::Method;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::reach::Target;
use super::table::table;
use super::{Failure, Outcome, say};

#[derive(Debug, Args)]
pub(crate) struct AdminArgs {
    #[command(subcommand)]
    command: AdminCommand,
    #[command(flatten)]
    target: Target,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// Show tenants, heads, blocks and the state of the store.
    Status,
    /// Write what the heads hold to blocks.
    Flush,
    /// Merge blocks until nothing is left to merge.
    Compact,
    /// Drop the blocks past retention now; at a data directory nothing is, unless told.
    Retention(RetentionArgs),
    /// List the blocks.
    Blocks,
    /// Read every block and check every checksum.
    Verify,
    /// Delete samples of series; what is written later is not deleted.
    Delete(DeleteArgs),
    /// Take what was deleted out of the blocks.
    Clean,
    /// Make a snapshot below `snapshots/` in the data directory, which opens as a data directory.
    Snapshot,
    /// Show which metrics and labels make the most series.
    Cardinality(CardinalityArgs),
    /// Make metrics anew of what is stored.
    #[command(subcommand)]
    Recompute(Recompute),
    /// List the queries that run or wait.
    Queries,
    /// End a query that runs or waits.
    Kill(KillArgs),
    /// Show which queries cost most lately.
    TopQueries(TopQueriesArgs),
}

#[derive(Debug, Subcommand)]
enum Recompute {
    /// Rates, errors and durations of operations and of calls between services, from the stored spans.
    SpanMetrics(RecomputeArgs),
}

#[derive(Debug, Args)]
struct RecomputeArgs {
    /// From when on: RFC 3339 or seconds since 1970. Counters begin anew there.
    #[arg(long)]
    from: String,
    /// Up to when at least; what is behind it is made anew too, because counters go on.
    #[arg(long)]
    to: Option<String>,
}

#[derive(Debug, Args)]
struct KillArgs {
    /// The query's id, as `queries` lists it.
    id: String,
}

#[derive(Debug, Args)]
struct TopQueriesArgs {
    /// Rows of each table.
    #[arg(long, default_value = "10")]
    limit: String,
    /// How far back to look.
    #[arg(long, default_value = "10m", value_name = "DURATION")]
    within: String,
}

#[derive(Debug, Args)]
struct RetentionArgs {
    /// Drop what is older, like 30d, instead of what the settings say.
    #[arg(long, value_name = "DURATION")]
    older_than: Option<String>,
    /// Drop the oldest days above this size of all blocks, like 100GiB.
    #[arg(long, value_name = "SIZE")]
    size: Option<String>,
}

#[derive(Debug, Args)]
struct DeleteArgs {
    /// Selector of the series; may be given several times.
    #[arg(long = "match", required = true, value_name = "SELECTOR")]
    selectors: Vec<String>,
    /// First time deleted: RFC 3339 or seconds since 1970.
    #[arg(long)]
    start: Option<String>,
    /// Last time deleted.
    #[arg(long)]
    end: Option<String>,
}

#[derive(Debug, Args)]
struct CardinalityArgs {
    /// Selector of the series to count; may be given several times.
    #[arg(long = "match", value_name = "SELECTOR")]
    selectors: Vec<String>,
    /// Rows of each table.
    #[arg(long, default_value = "10")]
    limit: String,
    /// First time looked at: RFC 3339 or seconds since 1970.
    #[arg(long)]
    start: Option<String>,
    /// Last time looked at.
    #[arg(long)]
    end: Option<String>,
}

/// The parameters of a question about series between two times.
fn params<'a>(
    selectors: &'a [String],
    start: Option<&'a String>,
    end: Option<&'a String>,
) -> Vec<(&'a str, &'a str)> {
    let mut params: Vec<_> = selectors.iter().map(|s| ("match[]", s.as_str())).collect();
    params.extend(start.map(|t| ("start", t.as_str())));
    params.extend(end.map(|t| ("end", t.as_str())));
    params
}

pub(crate) fn admin(args: &AdminArgs) -> Outcome {
    let mut sent = vec![("wait", "true")];
    match &args.command {
        AdminCommand::Delete(a) => sent = params(&a.selectors, a.start.as_ref(), a.end.as_ref()),
        AdminCommand::Retention(a) => {
            sent.extend(a.older_than.as_ref().map(|t| ("older_than", t.as_str())));
            sent.extend(a.size.as_ref().map(|n| ("size", n.as_str())));
        }
        AdminCommand::Cardinality(a) => {
            sent = params(&a.selectors, a.start.as_ref(), a.end.as_ref());
            sent.push(("limit", &a.limit));
        }
        AdminCommand::Recompute(Recompute::SpanMetrics(a)) => {
            sent = vec![("from", a.from.as_str())];
            sent.extend(a.to.as_ref().map(|t| ("to", t.as_str())));
        }
        AdminCommand::Kill(a) => sent = vec![("id", a.id.as_str())],
        AdminCommand::TopQueries(a) => {
            sent = vec![("topN", a.limit.as_str()), ("maxLifetime", &a.within)];
        }
        _ => {}
    }
    let (method, path) = match args.command {
        AdminCommand::Status => (Method::GET, "/api/v1/admin/status"),
        AdminCommand::Flush => (Method::POST, "/api/v1/admin/flush"),
        AdminCommand::Compact => (Method::POST, "/api/v1/admin/compact"),
        AdminCommand::Recompute(_) => (Method::POST, "/api/v1/admin/recompute/span-metrics"),
        AdminCommand::Retention(_) => (Method::POST, "/api/v1/admin/retention"),
        AdminCommand::Blocks => (Method::GET, "/api/v1/admin/blocks"),
        AdminCommand::Verify => (Method::GET, "/api/v1/admin/verify"),
        AdminCommand::Delete(_) => (Method::POST, "/api/v1/admin/tsdb/delete_series"),
        AdminCommand::Clean => (Method::POST, "/api/v1/admin/tsdb/clean_tombstones"),
        AdminCommand::Snapshot => (Method::POST, "/api/v1/admin/tsdb/snapshot"),
        AdminCommand::Cardinality(_) => (Method::GET, "/api/v1/status/tsdb"),
        AdminCommand::Queries => (Method::GET, "/api/v1/status/active_queries"),
        AdminCommand::Kill(_) => (Method::POST, "/api/v1/status/active_queries/kill"),
        AdminCommand::TopQueries(_) => (Method::GET, "/api/v1/status/top_queries"),
    };
    let answer = args.target.call(method, path, &sent)?;
    let data = &answer["data"];
    if args.json {
        say(&data.to_string());
    } else {
        show(&args.command, data);
    }
    let errors = data["errors"].as_array().map_or(0, Vec::len);
    match errors {
        0 => Ok(()),
        n => Err(Failure::failed(format!("{n} blocks are damaged"))),
    }
}

fn show(command: &AdminCommand, data: &Value) {
    match command {
        AdminCommand::Blocks => {
            say(&rows_table(&data["blocks"]));
            if data["traceBlocks"].as_array().is_some_and(|all| !all.is_empty()) {
                say(&format!("\ntraces\n{}", rows_table(&data["traceBlocks"])));
            }
        }
        AdminCommand::Status => {
            say(&format!("state: {}", plain(&data["state"])));
            say(&rows_table(&data["tenants"]));
        }
        AdminCommand::Verify => {
            for error in data["errors"].as_array().into_iter().flatten() {
                say(&plain(error));
            }
            say(&format!("{} blocks checked", data["checked"]));
        }
        AdminCommand::Flush | AdminCommand::Compact | AdminCommand::Delete(_) | AdminCommand::Clean => {
            say("done")
        }
        AdminCommand::Recompute(_) => {
            say(&format!(
                "{} spans counted, up to {}",
                data["spans"],
                plain(&data["until"])
            ));
        }
        AdminCommand::Retention(_) => say(&format!("{} blocks dropped", data["droppedBlocks"])),
        AdminCommand::Snapshot => say(&plain(&data["name"])),
        AdminCommand::Queries => {
            say(&rows_table(&data["active"]));
            if data["unfinished"].as_array().is_some_and(|all| !all.is_empty()) {
                say(&format!(
                    "\nrunning when the process before this one ended\n{}",
                    rows_table(&data["unfinished"])
                ));
            }
        }
        AdminCommand::Kill(_) => say(&format!("killed: {}", plain(&data["killed"]["query"]))),
        AdminCommand::TopQueries(_) => {
            for (title, key) in [
                ("by count", "topByCount"),
                ("by time in all", "topBySumDuration"),
                ("by time on average", "topByAvgDuration"),
                ("by peak memory", "topByPeakMemory"),
                ("by samples read", "topBySamplesRead"),
            ] {
                say(&format!("{title}\n{}\n", rows_table(&data[key])));
            }
        }
        AdminCommand::Cardinality(_) => {
            say(&format!(
                "{} series, {} label pairs",
                data["headStats"]["numSeries"], data["headStats"]["numLabelPairs"]
            ));
            for (title, key) in [
                ("series by metric", "seriesCountByMetricName"),
                ("values by label", "labelValueCountByLabelName"),
                ("series by label and value", "seriesCountByLabelValuePair"),
            ] {
                say(&format!("\n{title}\n{}", rows_table(&data[key])));
            }
        }
    }
}

/// A table of JSON objects that all have the keys of the first.
fn rows_table(rows: &Value) -> String {
    let objects: Vec<_> = rows
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .collect();
    let Some(first) = objects.first() else {
        return "none".to_owned();
    };
    let header: Vec<&str> = first.keys().map(String::as_str).collect();
    let cells: Vec<Vec<String>> = objects
        .iter()
        .map(|object| object.values().map(plain).collect())
        .collect();
    table(&header, &cells)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
