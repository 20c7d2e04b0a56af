//! A stream of a request: which of its labels stay, what becomes of the others, and what is wrong with them.

use std::borrow::Cow;

use kymo_engine::labels::Labels;
use kymo_engine::logs::NO_SET;
use kymo_proto::loki::put_labels;

use super::level::is_level_name;
use super::refused::Reason;
use super::{Intake, Rules};

/// The label that tells the service.
const SERVICE_NAME: &str = "service_name";

/// Its value where nothing tells it.
const UNKNOWN_SERVICE: &str = "unknown_service";

/// A stream that takes entries.
#[derive(Debug, Clone)]
pub(super) struct Open {
    /// Its number in the batch.
    pub(super) number: u32,
    /// Metadata of all its entries.
    pub(super) set: u32,
    /// Its labels, for texts of errors.
    pub(super) text: String,
    /// Hash of its labels.
    pub(super) hash: u64,
    /// The level that its labels or that metadata tell.
    pub(super) level: Option<String>,
}

/// Why a stream is refused.
pub(super) type StreamFault = (Reason, String);

impl Intake<'_> {
    /// Opens a stream of these labels, in any order, whose entries all have the metadata of `parent`.
    ///
    /// # Errors
    /// What is wrong with the labels.
    pub(super) fn open(
        &mut self,
        mut pairs: Vec<(&str, Cow<'_, str>)>,
        parent: u32,
    ) -> Result<Open, StreamFault> {
        if pairs.is_empty() {
            let text = "error at least one label pair is required per stream".to_owned();
            return Err((Reason::MissingLabels, text));
        }
        pairs.retain(|(_, value)| !value.is_empty());
        pairs.sort_by(|a, b| a.0.cmp(b.0));
        check(&pairs, &self.rules)?;
        let high = &self.rules.settings.high_cardinality;
        let is_high = |name: &str| high.iter().any(|one| one == name);
        let moved: Vec<_> = pairs.extract_if(.., |(name, _)| is_high(name)).collect();
        self.refused.moved_labels += moved.len() as u64;
        let set = self
            .builder
            .set(parent, moved.iter().map(|(name, value)| (*name, value.as_ref())));
        let service = service(&pairs, &self.rules.settings.service_name_from);
        if let Some(service) = service {
            pairs.push((SERVICE_NAME, Cow::Owned(service)));
        }
        let level = pairs.iter().find(|(name, _)| is_level_name(name));
        let level = level.map(|(_, value)| value.clone().into_owned());
        let labels = Labels::from_pairs(pairs.iter().map(|(name, value)| (*name, value.as_ref())));
        let mut text = String::new();
        put_labels(&mut text, labels.iter());
        if let Some(allowance) = &self.rules.allowance
            && allowance.is_fresh(&labels)
            && !self.fresh.contains(&labels)
        {
            if let Some(what) = allowance.refuses_stream(&labels, self.fresh.len(), &text) {
                return Err((Reason::StreamLimit, what));
            }
            self.fresh.insert(labels.clone());
        }
        Ok(Open {
            hash: labels.hash64(),
            number: self.builder.stream(labels),
            set,
            text,
            level,
        })
    }

    /// The same without metadata of its own.
    ///
    /// # Errors
    /// What is wrong with the labels.
    pub(super) fn open_plain(&mut self, pairs: Vec<(&str, Cow<'_, str>)>) -> Result<Open, StreamFault> {
        self.open(pairs, NO_SET)
    }
}

/// Checks labels that are sorted by name.
fn check(pairs: &[(&str, Cow<'_, str>)], rules: &Rules<'_>) -> Result<(), StreamFault> {
    let shown = || {
        let mut text = String::new();
        put_labels(
            &mut text,
            pairs.iter().map(|(name, value)| (*name, value.as_ref())),
        );
        text
    };
    let (count, limit) = (pairs.len() as u64, rules.settings.labels_max);
    if count > limit {
        let text = format!(
            "entry for stream '{}' has {count} label names; limit {limit}",
            shown()
        );
        return Err((Reason::TooManyLabels, text));
    }
    let mut last = "";
    for (name, value) in pairs {
        if name.len() > rules.label_name_bytes_max {
            let text = format!("stream '{}' has label name too long: '{name}'", shown());
            return Err((Reason::LabelNameTooLong, text));
        }
        if value.len() > rules.label_value_bytes_max {
            let text = format!("stream '{}' has label value too long: '{value}'", shown());
            return Err((Reason::LabelValueTooLong, text));
        }
        if *name == last {
            let text = format!("stream '{}' has duplicate label name: '{name}'", shown());
            return Err((Reason::DuplicateLabel, text));
        }
        last = name;
    }
    Ok(())
}

/// The service of a stream whose labels do not name it; `None` when they do, or nobody asks.
fn service(pairs: &[(&str, Cow<'_, str>)], from: &[String]) -> Option<String> {
    if from.is_empty() || pairs.iter().any(|(name, _)| *name == SERVICE_NAME) {
        return None;
    }
    let of = |wanted: &String| pairs.iter().find(|(name, _)| name == wanted);
    let found = from.iter().find_map(of);
    Some(found.map_or_else(
        || UNKNOWN_SERVICE.to_owned(),
        |(_, value)| value.clone().into_owned(),
    ))
}
