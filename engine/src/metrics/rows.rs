//! Joins what several parts have of one series. Where parts disagree about a timestamp, the one later in the log wins,
//! whatever kind of sample it has there.

use super::batch::HistogramWrite;
use super::block::SeriesRows;
use super::exemplar;
use super::series::Samples;

/// A float sample or a histogram with its start.
enum Row {
    Float(i64, f64),
    Histogram(HistogramWrite),
}

/// Joins parts given in log order.
pub(super) fn join_last_wins(mut parts: Vec<SeriesRows>) -> SeriesRows {
    if parts.len() == 1 {
        return parts.pop().unwrap_or_default();
    }
    let spans: Vec<(i64, i64)> = parts.iter().filter_map(span).collect();
    let apart = spans.windows(2).all(|p| p[0].1 < p[1].0);
    match apart {
        true => append(parts),
        false => interleave(parts),
    }
}

/// Times of the first and the last sample, of either kind.
fn span(rows: &SeriesRows) -> Option<(i64, i64)> {
    let times = |rows: &SeriesRows, last: bool| {
        let pick = |slice: &[i64]| {
            if last {
                slice.last().copied()
            } else {
                slice.first().copied()
            }
        };
        let histogram = if last {
            rows.histograms.last()
        } else {
            rows.histograms.first()
        };
        [pick(&rows.floats.timestamps), histogram.map(|h| h.time)]
    };
    let first = times(rows, false).into_iter().flatten().min()?;
    let last = times(rows, true).into_iter().flatten().max()?;
    Some((first, last))
}

fn append(parts: Vec<SeriesRows>) -> SeriesRows {
    let mut out = SeriesRows::default();
    let starts = parts.iter().any(|p| !p.starts.is_empty());
    for part in parts {
        if starts {
            out.starts.extend_from_slice(&part.starts);
            out.starts.resize(out.floats.len() + part.floats.len(), 0);
        }
        out.floats.timestamps.extend_from_slice(&part.floats.timestamps);
        out.floats.values.extend_from_slice(&part.floats.values);
        out.histograms.extend(part.histograms);
        out.delta = part.delta;
        out.exemplars.extend(part.exemplars);
    }
    exemplar::settle(&mut out.exemplars);
    out
}

fn interleave(parts: Vec<SeriesRows>) -> SeriesRows {
    let mut out = SeriesRows::default();
    let starts = parts.iter().any(|p| !p.starts.is_empty());
    let mut rows: Vec<(i64, usize, Row)> = Vec::new();
    for (rank, part) in parts.into_iter().enumerate() {
        let Samples {
            timestamps, values, ..
        } = part.floats;
        for (i, (time, value)) in timestamps.into_iter().zip(values).enumerate() {
            let start = part.starts.get(i).copied().unwrap_or(0);
            rows.push((time, rank, Row::Float(start, value)));
        }
        rows.extend(
            part.histograms
                .into_iter()
                .map(|h| (h.time, rank, Row::Histogram(h))),
        );
        out.delta = part.delta;
        out.exemplars.extend(part.exemplars);
    }
    exemplar::settle(&mut out.exemplars);
    rows.sort_by_key(|(time, rank, _)| (*time, *rank));
    let mut rows = rows.into_iter().peekable();
    while let Some((time, _, row)) = rows.next() {
        if rows.peek().is_some_and(|next| next.0 == time) {
            continue;
        }
        match row {
            Row::Histogram(write) => out.histograms.push(write),
            Row::Float(start, value) => {
                out.floats.push(time, value);
                if starts {
                    out.starts.push(start);
                }
            }
        }
    }
    out
}
