//! The recorded remote write of a real Prometheus and the answers of Prometheus 3.14 over it.

use std::io::{BufRead, BufReader, Read};

use serde_json::Value;

use crate::shared;

/// The bodies in the order they were received; `None` when the recording is absent.
///
/// # Panics
/// When the recording does not read.
pub fn bodies() -> Option<Vec<Vec<u8>>> {
    let path = shared("data/recording/remote-write-part1.tar.zst")?;
    let file = std::fs::File::open(path).expect("the recording opens");
    let mut archive = tar::Archive::new(zstd::Decoder::new(file).expect("the recording is zstd"));
    let mut files = std::collections::BTreeMap::new();
    for entry in archive.entries().expect("the recording is a tar") {
        let mut entry = entry.expect("a readable entry");
        let name = entry.path().expect("a path").to_string_lossy().into_owned();
        if name.ends_with(".bin") {
            let mut body = Vec::new();
            entry.read_to_end(&mut body).expect("a readable entry");
            files.insert(name, body);
        }
    }
    Some(files.into_values().collect())
}

/// One stored answer: the query and what Prometheus answered.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its id.
    pub id: String,
    /// The query.
    pub query: String,
    /// The instant answer: `time`, `resultType`, `result`.
    pub instant: Value,
    /// The range answer: `start`, `end`, `step`, `resultType`, `result`.
    pub range: Value,
}

/// All stored answers; `None` when they are absent.
///
/// # Panics
/// When a file does not read.
pub fn answers() -> Option<Vec<Stored>> {
    let mut all = Vec::new();
    for name in [
        "prometheus-3.14-answers.jsonl.zst",
        "compliance-3.14-answers.jsonl.zst",
    ] {
        let path = shared(&format!("data/recording/{name}"))?;
        let file = std::fs::File::open(path).expect("the answers open");
        let lines = BufReader::new(zstd::Decoder::new(file).expect("the answers are zstd")).lines();
        for line in lines {
            let mut row: Value = serde_json::from_str(&line.expect("a line")).expect("JSON lines");
            let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
            all.push(Stored {
                id: text(&row, "id"),
                query: text(&row, "query"),
                instant: row["instant"].take(),
                range: row["range"].take(),
            });
        }
    }
    Some(all)
}
