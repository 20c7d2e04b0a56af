//! What is answered of a trace that was found. Not for finding it.

use std::collections::BTreeMap;
use std::sync::Arc;

use kymo_engine::traces::Value;

use super::super::answer::{FoundSpan, FoundSpanset, FoundTrace, ServiceStats};
use super::super::ast::{Attribute, Intrinsic, Static, Status};
use super::cell::Cell;
use super::error::EvalError;
use super::frame::Frame;
use super::pipeline::Kept;

/// Answers a trace by its number in the table with its spansets.
pub(super) fn found(
    frame: &Frame<'_>,
    attributes: &[Attribute],
    run: usize,
    sets: &[Kept<'_>],
    spans_max: usize,
) -> Result<FoundTrace, EvalError> {
    let trace = &frame.runs()?[run];
    let at_root = |operand: &super::operand::Operand<'_>| {
        let stored = operand.stored(trace.root? as usize)?;
        match stored {
            Value::String(text) => Some(text),
            _ => None,
        }
    };
    let mut spansets = Vec::with_capacity(sets.len());
    for set in sets {
        let shown = if spans_max == 0 { set.rows.len() } else { spans_max };
        let spans = set.rows.iter().take(shown);
        let spans: Result<Vec<FoundSpan>, EvalError> =
            spans.map(|row| span(frame, attributes, *row as usize)).collect();
        spansets.push(FoundSpanset {
            spans: spans?,
            matched: set.rows.len(),
            attributes: set.attributes.clone(),
        });
    }
    Ok(FoundTrace {
        id: trace.id,
        root_service: at_root(frame.services()?),
        root_name: at_root(frame.names()?),
        start: trace.start,
        duration: trace.end.saturating_sub(trace.start),
        spansets,
        services: services(frame, run)?,
    })
}

fn span(frame: &Frame<'_>, attributes: &[Attribute], row: usize) -> Result<FoundSpan, EvalError> {
    let mut shown: Vec<(Arc<str>, Value)> = Vec::new();
    let mut name = None;
    for (number, attribute) in attributes.iter().enumerate() {
        match attribute {
            Attribute::Intrinsic(Intrinsic::Name) => {
                name = match frame.operand(number)?.stored(row) {
                    Some(Value::String(text)) => Some(text),
                    _ => None,
                };
            }
            // The answer says these of every span or trace.
            Attribute::Intrinsic(
                Intrinsic::Duration
                | Intrinsic::TraceDuration
                | Intrinsic::TraceRootName
                | Intrinsic::TraceRootService
                | Intrinsic::TraceId
                | Intrinsic::SpanId,
            ) => {}
            attribute => {
                let Some(value) = frame.operand(number)?.stored(row) else {
                    continue;
                };
                let pair = (Arc::from(attribute.key()), value);
                if !shown.contains(&pair) {
                    shown.push(pair);
                }
            }
        }
    }
    Ok(FoundSpan {
        id: frame.table.span_ids()?[row],
        name,
        start: frame.starts()?[row],
        duration: frame.table.durations()?[row],
        attributes: shown,
    })
}

/// Counts the spans of a whole trace by service.
fn services(frame: &Frame<'_>, run: usize) -> Result<Vec<ServiceStats>, EvalError> {
    let (services, statuses) = (frame.services()?, frame.statuses()?);
    let mut counts: BTreeMap<Arc<str>, (u32, u32)> = BTreeMap::new();
    for row in frame.runs()?[run].rows.clone() {
        let Some(Value::String(service)) = services.stored(row as usize) else {
            continue;
        };
        let error = statuses.cell(row as usize) == Cell::One(Static::Status(Status::Error));
        let (spans, errors) = counts.entry(service).or_default();
        *spans += 1;
        *errors += u32::from(error);
    }
    let stats = |(service, (spans, errors))| ServiceStats {
        service,
        spans,
        errors,
    };
    Ok(counts.into_iter().map(stats).collect())
}
