//! Segments of the log: their frames, and the records in them.

use std::path::{Path, PathBuf};

use kymo_engine::log::{frame, segment};
use kymo_engine::metrics::Metrics;
use kymo_engine::metrics::record::Record;
use kymo_engine::signal::Signal;
use kymo_engine::traces::Traces;
use serde_json::json;

use super::{Finding, read};
use crate::cli::table::{rows_as_json, table};
use crate::cli::{Failure, USAGE};

const HEADER: [&str; 8] = [
    "segment", "offset", "frame", "seq", "tenant", "signal", "bytes", "holds",
];

/// The rows of a table, one per record.
#[derive(Default)]
struct Records {
    rows: Vec<Vec<String>>,
    notes: Vec<String>,
    damaged: bool,
}

pub(crate) fn inspect(path: &Path) -> Result<Finding, Failure> {
    let mut records = Records::default();
    for file in segments(path)? {
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        records.segment(&name, &read(&file)?);
    }
    let json = rows_as_json(&HEADER, &records.rows);
    Ok(Finding {
        text: format!("{}\n{}", table(&HEADER, &records.rows), records.notes.join("\n")),
        json: json!({"records": json, "notes": records.notes}),
        damaged: records.damaged,
    })
}

fn segments(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let unreadable = |e| Failure::new(USAGE, format!("cannot read {}: {e}", path.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file
            .file_name()
            .and_then(|n| n.to_str())
            .and_then(segment::file_number)
            .is_some()
        {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

impl Records {
    fn segment(&mut self, name: &str, bytes: &[u8]) {
        let Some(header) = segment::SegmentHeader::parse(bytes) else {
            self.notes.push(format!("{name}: no segment header"));
            return;
        };
        let mut at = segment::HEADER_LEN as usize;
        while let Some(found) = bytes.get(at..).and_then(frame::Header::parse) {
            // A frame of another generation was here before the file was recycled.
            if found.generation != header.generation {
                break;
            }
            let stored = bytes
                .get(at + frame::HEADER_LEN..)
                .and_then(|b| b.get(..found.stored_len as usize));
            match stored.and_then(|stored| found.open(stored)) {
                Some(payload) => self.frame(name, at, &found, &payload),
                None => {
                    self.damaged = true;
                    self.notes.push(format!(
                        "{name}: frame {} at byte {at} does not read",
                        found.number
                    ));
                }
            }
            at += usize::try_from(found.frame_len()).unwrap_or(usize::MAX);
        }
        self.notes.push(format!(
            "{name}: version {}, generation {}, frames end at byte {at} of {}",
            header.version,
            header.generation,
            bytes.len()
        ));
    }

    fn frame(&mut self, name: &str, at: usize, header: &frame::Header, payload: &[u8]) {
        for (i, record) in frame::records(payload).enumerate() {
            let Ok(record) = record else {
                self.damaged = true;
                self.notes.push(format!(
                    "{name}: frame {} has a record that does not read",
                    header.number
                ));
                return;
            };
            self.rows.push(vec![
                name.to_owned(),
                at.to_string(),
                header.number.to_string(),
                (header.first_seq + i as u64).to_string(),
                record.owner.tenant.to_string(),
                signal_name(record.owner.signal),
                record.bytes.len().to_string(),
                content(record.owner.signal, record.bytes),
            ]);
        }
    }
}

fn signal_name(id: u8) -> String {
    match id {
        Metrics::ID => Metrics::NAME.to_owned(),
        Traces::ID => Traces::NAME.to_owned(),
        id => id.to_string(),
    }
}

fn content(signal: u8, bytes: &[u8]) -> String {
    match signal {
        Metrics::ID => samples(bytes),
        Traces::ID => match Traces::decode(bytes) {
            Ok(batch) => format!("{} spans", batch.len()),
            Err(malformed) => format!("does not decode: {}", malformed.0),
        },
        _ => "unknown".to_owned(),
    }
}

fn samples(bytes: &[u8]) -> String {
    match Record::decode(bytes) {
        Ok(record) => format!(
            "{} samples, {} histograms, {} exemplars, {} new series, {} metadata",
            record.samples.len(),
            record.histograms.len(),
            record.exemplars.len(),
            record.series.len(),
            record.metadata.len()
        ),
        Err(malformed) => format!("does not decode: {}", malformed.0),
    }
}
