//! `/loki/api/v1/patterns`: what lines of the same kind have in common, how many there are in each step, and of which level. A
//! pattern is a function of the line, so the counts are exact and the same wherever lines lie.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hashbrown::HashMap;
use kymo_engine::logs::{Patterns, Scan, StreamRows, Wanted};
use parking_lot::Mutex;

use super::JSON;
use super::ask::{Asking, OfStreams, ask};
use super::error::LokiError;
use super::params::step;
use crate::app::App;
use crate::http::ApiError;
use crate::http::caller::Caller;
use crate::http::document::Document;
use crate::http::json::{list, object};
use crate::http::params::Params;

/// Most patterns of an answer, those with the most lines first.
const PATTERNS_MAX: usize = 1000;

/// Most patterns that are counted; lines of further ones are left out.
const COUNTED_MAX: usize = 100_000;

/// Bytes of a pattern beside its text.
const PATTERN_BYTES: usize = 128;

/// The metadata with the level of an entry.
const LEVEL: &str = "detected_level";

const SECOND: i64 = 1_000_000_000;

/// Pattern and level.
type Key = (Box<[u8]>, Box<str>);

/// Lines by second at which their step begins.
type Counts = BTreeMap<i64, u64>;

pub(super) async fn patterns(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    params: Result<Params, ApiError>,
) -> Result<Response, LokiError> {
    let params = params?;
    let OfStreams {
        wanted,
        times,
        mut shown,
    } = OfStreams::read("logql_patterns", &params)?;
    let step = step(&params, times)?;
    shown.times.2 = step;
    let document = ask(&app, caller, shown, move |asking, cost| {
        let scan = Scan {
            matchers: wanted,
            from: times.0,
            until: times.1.saturating_add(1),
            wanted: Wanted {
                without_lines: false,
                metadata: Some(vec![LEVEL.to_owned()]),
            },
            ..Scan::default()
        };
        let found = asking.map(|asking| counted(asking, &scan, step)).transpose()?;
        let mut found: Vec<(Key, Counts)> = found.unwrap_or_default().into_iter().collect();
        let total = |counts: &Counts| counts.values().sum::<u64>();
        cost.samples_read = found.iter().map(|(_, counts)| total(counts)).sum();
        found.sort_by(|a, b| total(&b.1).cmp(&total(&a.1)).then_with(|| a.0.cmp(&b.0)));
        found.truncate(PATTERNS_MAX);
        Ok(Document::new(JSON, body(&found)))
    });
    Ok(document.await?.into_response())
}

fn body(found: &[(Key, Counts)]) -> Vec<u8> {
    let mut body = Vec::new();
    object(&mut body, |o| {
        o.text("status", "success");
        list(o.name("data"), found, |out, ((pattern, level), counts)| {
            object(out, |o| {
                o.text_even_empty("pattern", &String::from_utf8_lossy(pattern));
                o.text("level", level);
                list(o.name("samples"), counts, |out, (second, n)| {
                    out.extend_from_slice(format!("[{second},{n}]").as_bytes());
                });
            });
        });
    });
    body
}

/// Counts the lines of all parts.
fn counted(asking: &Asking<'_>, scan: &Scan, step: i64) -> Result<HashMap<Key, Counts>, ApiError> {
    let parts = asking.parts(scan)?;
    let all: Mutex<HashMap<Key, Counts>> = Mutex::default();
    let failed: Mutex<Option<ApiError>> = Mutex::default();
    let count = |n: usize| -> Result<(), ApiError> {
        if let Some(interrupted) = asking.interrupted() {
            return Err(interrupted);
        }
        let mut own = HashMap::new();
        let mut patterns = Patterns::default();
        for stream in (parts[n].load)()? {
            add(&stream, scan, step, &mut patterns, &mut own);
        }
        let mut all = all.lock();
        for (key, counts) in own {
            if !all.contains_key(&key) {
                if all.len() >= COUNTED_MAX {
                    continue;
                }
                asking.reserve(key.0.len() + PATTERN_BYTES)?;
            }
            let of = all.entry(key).or_default();
            counts
                .into_iter()
                .for_each(|(at, n)| *of.entry(at).or_default() += n);
        }
        Ok(())
    };
    asking.in_parallel(parts.len(), &|n| {
        if failed.lock().is_none()
            && let Err(error) = count(n)
        {
            failed.lock().get_or_insert(error);
        }
    });
    match failed.into_inner() {
        Some(error) => Err(error),
        None => Ok(all.into_inner()),
    }
}

fn add(stream: &StreamRows, scan: &Scan, step: i64, patterns: &mut Patterns, out: &mut HashMap<Key, Counts>) {
    let rows = &stream.rows;
    for row in rows.between(scan.from, scan.until) {
        let level = rows.metadata(row).find(|(name, _)| *name == LEVEL);
        let level = level.map_or("unknown", |(_, value)| value);
        let pattern = patterns.of(rows.line(row));
        let begins = rows.times()[row].div_euclid(step).saturating_mul(step);
        let key = (pattern.into(), level.into());
        *out.entry(key)
            .or_default()
            .entry(begins.div_euclid(SECOND))
            .or_default() += 1;
    }
}
