//! Loki's push request as protobuf.

use std::borrow::Cow;

use kymo_proto::loki::{Push, Stream, parse_labels};

use super::Intake;
use super::entry::{Sent, pair};
use super::refused::Reason;
use super::stream::{Open, StreamFault};
use crate::ingest::Fault;

/// Takes in a body that is not compressed any more.
pub(super) fn read(body: &[u8], intake: &mut Intake<'_>) -> Result<(), Fault> {
    let mut push = Push::new(body);
    while let Some(mut stream) = push.next_stream()? {
        intake.streams += 1;
        match opened(stream.labels, intake) {
            Ok(open) => add(stream, &open, intake)?,
            Err((reason, text)) => {
                let mut all = (0, 0);
                while let Some(entry) = stream.next_entry()? {
                    all = (all.0 + 1, all.1 + entry.line.len() as u64);
                }
                intake.refused.add(reason, all, text);
            }
        }
    }
    Ok(())
}

fn add(mut stream: Stream<'_>, open: &Open, intake: &mut Intake<'_>) -> Result<(), Fault> {
    let mut metadata = Vec::new();
    while let Some(mut entry) = stream.next_entry()? {
        metadata.clear();
        while let Some((name, value)) = entry.metadata.next_pair()? {
            metadata.push(pair(name, value));
        }
        let (time, line) = (entry.time, entry.line);
        intake.push(open, &Sent { time, line }, &metadata);
    }
    Ok(())
}

fn opened(labels: &[u8], intake: &mut Intake<'_>) -> Result<Open, StreamFault> {
    let text = String::from_utf8_lossy(labels);
    open_text(&text, intake)
}

/// Opens a stream by the text of its labels.
pub(super) fn open_text(text: &str, intake: &mut Intake<'_>) -> Result<Open, StreamFault> {
    let pairs: Vec<(&str, Cow<'_, str>)> = parse_labels(text).map_err(|error| {
        let text = format!("error parsing labels '{text}' with error: {error}");
        (Reason::InvalidLabels, text)
    })?;
    intake.open_plain(pairs)
}
