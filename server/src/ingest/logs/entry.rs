//! An entry of a stream: what is wrong with it, and its level.

use std::borrow::Cow;

use super::Intake;
use super::level::{self, DETECTED, Found};
use super::names::{normalised, text};
use super::refused::Reason;
use super::stream::Open;
use crate::http::rfc3339;

/// An entry as it was sent.
#[derive(Debug)]
pub(super) struct Sent<'a> {
    /// Nanoseconds since 1970.
    pub(super) time: i64,
    pub(super) line: &'a [u8],
}

/// Metadata of an entry, its names normalised.
pub(super) type Metadata<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// A name and a value of metadata as they are kept.
pub(super) fn pair<'a>(name: &'a [u8], value: &'a [u8]) -> (Cow<'a, str>, Cow<'a, str>) {
    let name = match text(name) {
        Cow::Borrowed(name) => normalised(name),
        Cow::Owned(name) => Cow::Owned(normalised(&name).into_owned()),
    };
    (name, text(value))
}

impl Intake<'_> {
    /// Takes an entry, or notes why not.
    pub(super) fn push(&mut self, stream: &Open, sent: &Sent<'_>, metadata: &Metadata<'_>) {
        if let Err((reason, what)) = self.check(stream, sent, metadata) {
            let bytes = sent.line.len() as u64;
            return self.refused.add(reason, (1, bytes), what);
        }
        let set = self.set(stream, sent.line, metadata);
        self.builder.push(stream.number, sent.time, set, sent.line);
    }

    fn check(&self, stream: &Open, sent: &Sent<'_>, metadata: &Metadata<'_>) -> Result<(), (Reason, String)> {
        let (rules, of) = (&self.rules, &stream.text);
        if sent.time < rules.oldest {
            let (time, oldest) = (shown(sent.time), shown(rules.oldest));
            let what = format!(
                "entry for stream '{of}' has timestamp too old: {time}, oldest acceptable timestamp is: {oldest}"
            );
            return Err((Reason::TooOld, what));
        }
        if sent.time > rules.newest {
            let what = format!(
                "entry for stream '{of}' has timestamp too new: {}",
                shown(sent.time)
            );
            return Err((Reason::TooFarInFuture, what));
        }
        let (len, limit) = (sent.line.len() as u64, rules.settings.line_bytes_max);
        if len > limit {
            let what = format!(
                "max entry size '{limit}' bytes exceeded for stream '{of}' while adding an entry with length '{len}' bytes"
            );
            return Err((Reason::LineTooLong, what));
        }
        let bytes: usize = metadata
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        let refused = rules
            .allowance
            .and_then(|all| all.refuses_entry(stream.hash, of, len + bytes as u64));
        if let Some(what) = refused {
            return Err((Reason::StreamRate, what));
        }
        if metadata.is_empty() {
            return Ok(());
        }
        let limit = rules.settings.metadata_bytes_max;
        if bytes as u64 > limit {
            let what = format!(
                "stream '{of}' has structured metadata too large: '{bytes}' bytes, limit: '{limit}' bytes. Please see `limits_config.max_structured_metadata_size` or contact your Loki administrator to increase it"
            );
            return Err((Reason::MetadataTooLarge, what));
        }
        let (count, limit) = (metadata.len() as u64, rules.settings.metadata_names_max);
        if count > limit {
            let what = format!(
                "stream '{of}' has too many structured metadata labels: '{count}', limit: '{limit}'. Please see `limits_config.max_structured_metadata_entries_count` or contact your Loki administrator to increase it"
            );
            return Err((Reason::MetadataTooMany, what));
        }
        Ok(())
    }

    /// The set of an entry's metadata, with its level.
    fn set(&mut self, stream: &Open, line: &[u8], metadata: &Metadata<'_>) -> u32 {
        let pairs = metadata
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref()));
        if !self.rules.settings.detect_level || pairs.clone().any(|(name, _)| name == DETECTED) {
            return self.builder.set(stream.set, pairs);
        }
        let found = level::of(stream.level.as_deref(), pairs.clone(), line);
        let with_level = [(DETECTED, found.name())];
        let Found::Known(level) = found else {
            return self.builder.set(stream.set, pairs.chain(with_level));
        };
        if !metadata.is_empty() {
            return self.builder.set(stream.set, pairs.chain(with_level));
        }
        // Most entries have nothing but a level.
        let (builder, behind) = (&mut self.builder, stream.set);
        let known = self.leveled.entry((behind, level));
        *known.or_insert_with(|| builder.set(behind, with_level))
    }
}

fn shown(nanos: i64) -> String {
    rfc3339(nanos.div_euclid(1_000_000))
}
