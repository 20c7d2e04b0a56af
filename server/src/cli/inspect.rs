//! `kymo inspect`: what a log segment, a manifest or a block really holds. It reads the file alone, takes no lock and
//! changes nothing, so it also works beside a running server.

mod block;
mod wal;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use kymo_engine::manifest;
use kymo_engine::storage::{MemoryStorage, Storage};
use serde_json::{Value, json};

use super::table::{rows_as_json, table};
use super::{Failure, Outcome, USAGE, say};
use crate::http::rfc3339;

/// The name under which the inspected file is known to the engine's readers.
const FILE_NAME: &str = "file";

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// What the file is.
    kind: Kind,
    /// The file; for a log also its directory.
    path: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// A segment of the log, or the directory of all.
    Wal,
    /// The list of live blocks.
    Manifest,
    /// A block.
    Block,
}

/// What was found: JSON for programs, text for people.
struct Finding {
    json: Value,
    text: String,
    damaged: bool,
}

pub(crate) fn inspect(args: &InspectArgs) -> Outcome {
    let finding = match args.kind {
        Kind::Wal => wal::inspect(&args.path)?,
        Kind::Manifest => manifest(&args.path)?,
        Kind::Block => block::inspect(&args.path)?,
    };
    say(&if args.json {
        finding.json.to_string()
    } else {
        finding.text
    });
    if finding.damaged {
        return Err(Failure::failed(format!("{} is damaged", args.path.display())));
    }
    Ok(())
}

fn manifest(path: &Path) -> Result<Finding, Failure> {
    let storage = loaded(path)?;
    let (live, end) = manifest::read(&storage, FILE_NAME).map_err(Failure::failed)?;
    let rows: Vec<Vec<String>> = live
        .blocks
        .values()
        .map(|b| {
            let numbers = [b.id, u64::from(b.level), b.groups, b.rows, b.bytes];
            let mut row: Vec<String> = numbers.iter().map(u64::to_string).collect();
            row.extend([rfc3339(b.min_time), rfc3339(b.max_time)]);
            row
        })
        .collect();
    let header = [
        "block", "level", "series", "samples", "bytes", "min time", "max time",
    ];
    let text = format!(
        "log flushed through {}, head generation {}, next block {}, {end} bytes of edits\n{}",
        live.flushed,
        live.head_generation,
        live.next_block,
        table(&header, &rows)
    );
    let blocks = rows_as_json(&header, &rows);
    Ok(Finding {
        json: json!({
            "flushed": live.flushed, "headGeneration": live.head_generation, "nextBlock": live.next_block,
            "blocks": blocks,
        }),
        text,
        damaged: false,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|e| Failure::new(USAGE, format!("cannot read {}: {e}", path.display())))
}

/// The file in a storage of its own, for readers that want one.
fn loaded(path: &Path) -> Result<MemoryStorage, Failure> {
    let storage = MemoryStorage::new();
    let bytes = read(path)?;
    storage
        .create(FILE_NAME)
        .and_then(|file| file.write_at(0, &bytes))
        .map_err(Failure::failed)?;
    Ok(storage)
}
