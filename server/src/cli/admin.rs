//! `kymo admin`: state, flush, compaction, blocks and verification of a server or a data directory.

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
    /// List the blocks.
    Blocks,
    /// Read every block and check every checksum.
    Verify,
}

pub(crate) fn admin(args: &AdminArgs) -> Outcome {
    let (method, path) = match args.command {
        AdminCommand::Status => (Method::GET, "/api/v1/admin/status"),
        AdminCommand::Flush => (Method::POST, "/api/v1/admin/flush"),
        AdminCommand::Compact => (Method::POST, "/api/v1/admin/compact"),
        AdminCommand::Blocks => (Method::GET, "/api/v1/admin/blocks"),
        AdminCommand::Verify => (Method::GET, "/api/v1/admin/verify"),
    };
    let answer = args.target.call(method, path, &[("wait", "true")])?;
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
        AdminCommand::Blocks => say(&rows_table(&data["blocks"])),
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
        AdminCommand::Flush | AdminCommand::Compact => say("done"),
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
