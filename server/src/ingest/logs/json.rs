//! Loki's push request as JSON, today's form and the one before (`/api/prom/push`).

use std::borrow::Cow;
use std::fmt;

use kymo_proto::loki::put_labels;
use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Intake;
use super::entry::{Sent, pair};
use super::push::open_text;
use super::stream::{Open, StreamFault};
use crate::ingest::Fault;

#[derive(Deserialize)]
struct Push<'a> {
    #[serde(borrow, default)]
    streams: Vec<Stream<'a>>,
}

#[derive(Deserialize)]
struct Stream<'a> {
    #[serde(borrow)]
    stream: Option<Pairs<'a>>,
    #[serde(borrow, default)]
    values: Vec<Entry<'a>>,
    #[serde(borrow)]
    labels: Option<Text<'a>>,
    #[serde(borrow, default)]
    entries: Vec<OldEntry<'a>>,
}

#[derive(Deserialize)]
struct OldEntry<'a> {
    #[serde(borrow)]
    ts: Text<'a>,
    #[serde(borrow)]
    line: Text<'a>,
}

/// A string, in place where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Names and values in their order.
struct Pairs<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

struct Entry<'a> {
    time: i64,
    line: Cow<'a, str>,
    metadata: Pairs<'a>,
}

/// Takes in a body.
pub(super) fn read(body: &[u8], intake: &mut Intake<'_>) -> Result<(), Fault> {
    let push: Push<'_> = serde_json::from_slice(body).map_err(|error| Fault::Bad(error.to_string()))?;
    for stream in push.streams {
        intake.streams += 1;
        match opened(&stream, intake) {
            Ok(open) => add(&stream, &open, intake)?,
            Err((reason, text)) => {
                let new = stream.values.iter().map(|entry| entry.line.len());
                let old = stream.entries.iter().map(|entry| entry.line.0.len());
                let bytes: usize = new.chain(old).sum();
                let count = stream.values.len() + stream.entries.len();
                intake.refused.add(reason, (count as u64, bytes as u64), text);
            }
        }
    }
    Ok(())
}

fn opened(stream: &Stream<'_>, intake: &mut Intake<'_>) -> Result<Open, StreamFault> {
    let pairs = match (&stream.stream, &stream.labels) {
        (None, Some(text)) => return open_text(&text.0, intake),
        (pairs, _) => pairs.iter().flat_map(|pairs| &pairs.0),
    };
    let is_plain = |name: &str| {
        name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    if !pairs.clone().all(|(name, _)| is_plain(name)) {
        // A name that no selector can have is refused as it is in the text of labels.
        let mut text = String::new();
        put_labels(
            &mut text,
            pairs.map(|(name, value)| (name.as_ref(), value.as_ref())),
        );
        return open_text(&text, intake);
    }
    let pairs = pairs.map(|(name, value)| (name.as_ref(), Cow::Borrowed(value.as_ref())));
    intake.open_plain(pairs.collect())
}

fn add(stream: &Stream<'_>, open: &Open, intake: &mut Intake<'_>) -> Result<(), Fault> {
    let mut metadata = Vec::new();
    for entry in &stream.values {
        metadata.clear();
        let pairs = entry.metadata.0.iter();
        metadata.extend(pairs.map(|(name, value)| pair(name.as_bytes(), value.as_bytes())));
        let line = entry.line.as_bytes();
        intake.push(
            open,
            &Sent {
                time: entry.time,
                line,
            },
            &metadata,
        );
    }
    for entry in &stream.entries {
        let time = entry.ts.0.parse::<jiff::Timestamp>();
        let time = time.map_err(|error| Fault::Bad(format!("timestamp {:?}: {error}", entry.ts.0)))?;
        let time = i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX);
        let line = entry.line.0.as_bytes();
        intake.push(open, &Sent { time, line }, &Vec::new());
    }
    Ok(())
}

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Pairs<'a>, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some((Text(name), Text(value))) = map.next_entry::<Text<'de>, Text<'de>>()? {
                    pairs.push((name, value));
                }
                Ok(Pairs(pairs))
            }
        }
        from.deserialize_map(Read)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Entry<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Entry<'a>, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Entry<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of a time, a line and, if there is some, metadata")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Entry<'de>, A::Error> {
                let Some(Text(time)) = seq.next_element()? else {
                    return Err(de::Error::invalid_length(0, &self));
                };
                let time = time
                    .parse()
                    .map_err(|_| de::Error::custom(format!("time {time:?} is no number of nanoseconds")))?;
                let Some(Text(line)) = seq.next_element()? else {
                    return Err(de::Error::invalid_length(1, &self));
                };
                let metadata = seq.next_element()?.unwrap_or(Pairs(Vec::new()));
                match seq.next_element::<IgnoredAny>()? {
                    None => Ok(Entry { time, line, metadata }),
                    Some(_) => Err(de::Error::invalid_length(4, &self)),
                }
            }
        }
        from.deserialize_seq(Read)
    }
}
