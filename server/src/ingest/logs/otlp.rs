//! Log records of OTLP as Loki takes them: some attributes of the resource are labels, all others are structured metadata,
//! those of resource and scope kept once for all their records.

use std::borrow::Cow;

use kymo_engine::logs::NO_SET;
use kymo_proto::otlp::logs::{Record, Request, ResourceLogs, Scope, ScopeLogs};
use kymo_proto::otlp::{AnyValue, KeyValues};

use super::Intake;
use super::entry::{Metadata, Sent};
use super::names::{label_name, text};
use super::stream::{Open, StreamFault};
use crate::http::hex;
use crate::ingest::Fault;
use crate::ingest::otlp::value_text;

/// Maps within maps that are flattened; what lies deeper is one value.
const DEPTH_MAX: usize = 16;

/// A name and a value.
type Pair = (String, String);

/// Takes in a body.
pub(super) fn read(body: &[u8], intake: &mut Intake<'_>) -> Result<(), Fault> {
    let mut request = Request::new(body);
    while let Some(resource) = request.next_resource()? {
        intake.add_resource(resource)?;
    }
    Ok(())
}

/// What the records of a scope share.
struct Around {
    /// Labels of the resource.
    labels: Vec<Pair>,
    /// Metadata of resource and scope.
    set: u32,
    /// The stream, where all records are of the same.
    stream: Option<Result<Open, StreamFault>>,
}

impl Intake<'_> {
    fn add_resource(&mut self, mut logs: ResourceLogs<'_>) -> Result<(), Fault> {
        let (mut labels, mut metadata) = (Vec::new(), Vec::new());
        let mut attributes = logs.resource.attributes.clone();
        let settings = self.rules.settings;
        while let Some(found) = attributes.next_value()? {
            let name = text(found.key);
            if settings.otlp_dropped.iter().any(|dropped| *dropped == name) {
                continue;
            }
            match settings.otlp_labels.iter().any(|label| *label == name) {
                true => labels.push((label_name(&name), valued(found.value))),
                false => flatten(&name, found.value, 0, &mut metadata)?,
            }
        }
        let set = self.shared_set(NO_SET, &metadata);
        while let Some(scope) = logs.next_scope()? {
            let set = self.scope_set(&scope.scope, set)?;
            let stream = (!self.splits_records()).then(|| self.open_pairs(&labels, set));
            let labels = labels.clone();
            self.add_scope(scope, &Around { labels, set, stream })?;
        }
        Ok(())
    }

    /// True when records of one resource may be of several streams.
    fn splits_records(&self) -> bool {
        let settings = self.rules.settings;
        settings.severity_text_as_label || !settings.otlp_record_labels.is_empty()
    }

    fn shared_set(&mut self, parent: u32, pairs: &[Pair]) -> u32 {
        let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        self.builder.set(parent, pairs)
    }

    fn scope_set(&mut self, scope: &Scope<'_>, parent: u32) -> Result<u32, Fault> {
        let mut metadata = Vec::new();
        for (name, value) in [("scope_name", scope.name), ("scope_version", scope.version)] {
            if !value.is_empty() {
                metadata.push((name.to_owned(), text(value).into_owned()));
            }
        }
        if scope.dropped_attributes > 0 {
            let count = scope.dropped_attributes.to_string();
            metadata.push(("scope_dropped_attributes_count".to_owned(), count));
        }
        self.flatten_all(scope.attributes.clone(), &mut metadata)?;
        Ok(self.shared_set(parent, &metadata))
    }

    /// Appends all attributes that are kept.
    fn flatten_all(&self, mut attributes: KeyValues<'_>, into: &mut Vec<Pair>) -> Result<(), Fault> {
        while let Some(found) = attributes.next_value()? {
            let name = text(found.key);
            if !self
                .rules
                .settings
                .otlp_dropped
                .iter()
                .any(|dropped| *dropped == name)
            {
                flatten(&name, found.value, 0, into)?;
            }
        }
        Ok(())
    }

    fn open_pairs(&mut self, labels: &[Pair], set: u32) -> Result<Open, StreamFault> {
        self.streams += 1;
        let mut pairs: Vec<(&str, Cow<'_, str>)> = Vec::with_capacity(labels.len());
        for (name, value) in labels {
            // Names that are spelled the same with underscores are one; the first has it.
            if !pairs.iter().any(|(known, _)| known == name) {
                pairs.push((name, Cow::Borrowed(value)));
            }
        }
        if pairs.iter().all(|(_, value)| value.is_empty()) {
            pairs = vec![("service_name", Cow::Borrowed("unknown_service"))];
        }
        self.open(pairs, set)
    }

    fn add_scope(&mut self, mut logs: ScopeLogs<'_>, around: &Around) -> Result<(), Fault> {
        while let Some(record) = logs.next_record()? {
            let mut metadata = Vec::new();
            fields(&record, &mut metadata);
            let own;
            let stream = match &around.stream {
                Some(stream) => stream,
                None => {
                    own = self.record_stream(&record, around)?;
                    &own
                }
            };
            self.flatten_kept(&record, &mut metadata)?;
            let line = valued(record.body.clone());
            match stream {
                Ok(open) => {
                    let time = self.time(&record);
                    let metadata: Metadata<'_> = metadata
                        .iter()
                        .map(|(name, value)| (Cow::Borrowed(name.as_str()), Cow::Borrowed(value.as_str())))
                        .collect();
                    let line = line.as_bytes();
                    self.push(open, &Sent { time, line }, &metadata);
                }
                Err((reason, text)) => self.refused.add(*reason, (1, line.len() as u64), text.clone()),
            }
        }
        Ok(())
    }

    /// The attributes of a record that do not become labels.
    fn flatten_kept(&self, record: &Record<'_>, into: &mut Vec<Pair>) -> Result<(), Fault> {
        let promoted = &self.rules.settings.otlp_record_labels;
        if promoted.is_empty() {
            return self.flatten_all(record.attributes.clone(), into);
        }
        let mut attributes = record.attributes.clone();
        while let Some(found) = attributes.next_value()? {
            let name = text(found.key);
            let dropped = &self.rules.settings.otlp_dropped;
            if !promoted.iter().chain(dropped).any(|other| *other == name) {
                flatten(&name, found.value, 0, into)?;
            }
        }
        Ok(())
    }

    /// The stream of a record that has labels of its own.
    fn record_stream(
        &mut self,
        record: &Record<'_>,
        around: &Around,
    ) -> Result<Result<Open, StreamFault>, Fault> {
        let mut labels = around.labels.clone();
        if self.rules.settings.severity_text_as_label && !record.severity_text.is_empty() {
            labels.push((
                "severity_text".to_owned(),
                text(record.severity_text).into_owned(),
            ));
        }
        let mut attributes = record.attributes.clone();
        while let Some(found) = attributes.next_value()? {
            let name = text(found.key);
            if self
                .rules
                .settings
                .otlp_record_labels
                .iter()
                .any(|label| *label == name)
            {
                labels.push((label_name(&name), valued(found.value)));
            }
        }
        Ok(self.open_pairs(&labels, around.set))
    }

    /// When a record happened, was seen, or came here.
    fn time(&self, record: &Record<'_>) -> i64 {
        match (record.time, record.observed_time) {
            (0, 0) => self.rules.now,
            (0, time) | (time, _) => i64::try_from(time).unwrap_or(i64::MAX),
        }
    }
}

/// What a record has beside body and attributes.
fn fields(record: &Record<'_>, into: &mut Vec<Pair>) {
    let mut put = |name: &str, value: String| into.push((name.to_owned(), value));
    if record.time != 0 && record.observed_time != 0 {
        put("observed_timestamp", record.observed_time.to_string());
    }
    let numbers = [
        ("severity_number", i64::from(record.severity)),
        ("dropped_attributes_count", i64::from(record.dropped_attributes)),
        ("flags", i64::from(record.flags)),
    ];
    for (name, number) in numbers {
        if number != 0 {
            put(name, number.to_string());
        }
    }
    for (name, value) in [
        ("severity_text", record.severity_text),
        ("event_name", record.event_name),
    ] {
        if !value.is_empty() {
            put(name, text(value).into_owned());
        }
    }
    for (name, id) in [("trace_id", record.trace_id), ("span_id", record.span_id)] {
        if id.iter().any(|byte| *byte != 0) {
            put(name, hex(id));
        }
    }
}

/// Appends an attribute, each member of a map by itself.
fn flatten(name: &str, value: AnyValue<'_>, depth: usize, into: &mut Vec<Pair>) -> Result<(), Fault> {
    match value {
        AnyValue::Map(mut members) if depth < DEPTH_MAX => {
            while let Some(member) = members.next_value()? {
                let name = format!("{name}_{}", text(member.key));
                flatten(&name, member.value, depth + 1, into)?;
            }
        }
        value => into.push((label_name(name), valued(value))),
    }
    Ok(())
}

/// A value as text, with spaces for what is no UTF-8.
fn valued(value: AnyValue<'_>) -> String {
    match value {
        AnyValue::String(bytes) => text(bytes).into_owned(),
        value => value_text(value).unwrap_or_default(),
    }
}
