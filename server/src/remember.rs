//! Answers of queries, kept as long as they hold: the same question is answered at once, and one whose window has moved on
//! is evaluated for the steps that are new. What holds is told by the store, which knows the times that have been written
//! to, so an answer from here is what an evaluation would give. Not for instant answers of moving times, nor for errors.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kymo_engine::db::Db;
use kymo_engine::metrics::{Moment, Samples};
use kymo_query::promql::eval::{Query, Reach, Series, Value, reach};
use parking_lot::Mutex;

/// Bytes that an entry takes beside what it holds.
const ENTRY_BYTES: usize = 512;
/// One answer may take this part of all the memory for answers.
const PART_MAX: usize = 4;

/// What is asked, but for the window.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    /// Whose data is meant.
    pub(crate) tenant: String,
    /// The query's text.
    pub(crate) text: String,
    /// Milliseconds between steps, 0 for an instant query.
    pub(crate) step: i64,
    /// How far instant selectors look back, in milliseconds.
    pub(crate) lookback: i64,
    /// The time of an instant query, the place of the steps among the multiples of their distance otherwise.
    pub(crate) phase: i64,
}

/// A kept answer.
#[derive(Debug)]
pub(crate) struct Kept {
    start: i64,
    end: i64,
    step: i64,
    moment: Moment,
    reach: Reach,
    value: Value,
    /// As shown.
    pub(crate) warnings: Vec<String>,
    pub(crate) infos: Vec<String>,
    /// The answer's JSON without the closing brace.
    pub(crate) data: String,
}

/// What is known of a question.
pub(crate) enum Known {
    /// The whole answer.
    All(Arc<Kept>),
    /// The steps up to a time, from the first one asked for on.
    UpTo(Arc<Kept>, i64),
    Nothing,
}

struct Entry {
    kept: Arc<Kept>,
    bytes: usize,
    used: u64,
}

#[derive(Default)]
struct Entries {
    by_question: HashMap<Question, Entry>,
    bytes: usize,
    clock: u64,
}

/// Answers that may be given again.
pub(crate) struct Remembered {
    bytes_max: usize,
    entries: Mutex<Entries>,
    /// Questions answered from here alone, and those answered from here in part.
    pub(crate) whole: AtomicU64,
    pub(crate) partly: AtomicU64,
}

impl Question {
    /// The question of a query of a tenant.
    pub(crate) fn new(tenant: &str, text: &str, (start, step, lookback): (i64, i64, i64)) -> Question {
        Question {
            tenant: tenant.to_owned(),
            text: text.to_owned(),
            step,
            lookback,
            phase: if step > 0 { start.rem_euclid(step) } else { start },
        }
    }

    fn byte_len(&self) -> usize {
        self.tenant.len() + 2 * self.text.len()
    }
}

impl Remembered {
    /// Keeps answers of at most `bytes_max` bytes; none for 0.
    pub(crate) fn new(bytes_max: u64) -> Remembered {
        Remembered {
            bytes_max: usize::try_from(bytes_max).unwrap_or(usize::MAX),
            entries: Mutex::default(),
            whole: AtomicU64::new(0),
            partly: AtomicU64::new(0),
        }
    }

    /// True when answers are kept at all.
    pub(crate) fn is_on(&self) -> bool {
        self.bytes_max > 0
    }

    /// Bytes of all answers kept.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.lock().bytes
    }

    fn find(&self, question: &Question) -> Option<Arc<Kept>> {
        let mut entries = self.entries.lock();
        entries.clock += 1;
        let now = entries.clock;
        let entry = entries.by_question.get_mut(question)?;
        entry.used = now;
        Some(entry.kept.clone())
    }

    /// The answer to a question over the steps from `start` to `end`, if it is known and holds.
    pub(crate) fn whole(&self, question: &Question, window: (i64, i64), db: &Db) -> Option<Arc<Kept>> {
        let kept = self.find(question)?;
        if (kept.start, kept.end) != window || kept.changed(db).is_some() {
            return None;
        }
        self.whole.fetch_add(1, Ordering::Relaxed);
        Some(kept)
    }

    /// What is known of a question over the steps from `start` to `end`.
    pub(crate) fn known(&self, question: &Question, (start, end): (i64, i64), db: &Db) -> Known {
        let Some(kept) = self.find(question) else {
            return Known::Nothing;
        };
        let changed = kept.changed(db);
        if changed.is_none() && (kept.start, kept.end) == (start, end) {
            self.whole.fetch_add(1, Ordering::Relaxed);
            return Known::All(kept);
        }
        match kept.holds_up_to(changed) {
            // Less than half of the steps is not worth the putting together.
            Some(last) if start >= kept.start && last.min(end) - start >= (end - start) / 2 => {
                self.partly.fetch_add(1, Ordering::Relaxed);
                Known::UpTo(kept, last.min(end))
            }
            _ => Known::Nothing,
        }
    }

    /// Keeps an answer, in place of older ones when there is no room.
    pub(crate) fn keep(&self, question: Question, kept: Kept) {
        let bytes = kept.byte_len() + question.byte_len() + ENTRY_BYTES;
        if bytes > self.bytes_max / PART_MAX {
            return;
        }
        let mut entries = self.entries.lock();
        entries.clock += 1;
        let entry = Entry {
            kept: Arc::new(kept),
            bytes,
            used: entries.clock,
        };
        entries.bytes += bytes;
        if let Some(before) = entries.by_question.insert(question, entry) {
            entries.bytes -= before.bytes;
        }
        if entries.bytes > self.bytes_max {
            entries.drop_oldest(self.bytes_max - self.bytes_max / 8);
        }
    }
}

impl Entries {
    /// Lets those go that were not used for longest, until the others take no more than `bytes`. A part of all goes at
    /// once, so that not every new answer has to look through them.
    fn drop_oldest(&mut self, bytes: usize) {
        let mut by_use: Vec<(u64, usize)> = self.by_question.values().map(|e| (e.used, e.bytes)).collect();
        by_use.sort_unstable();
        let mut last = 0;
        for (used, size) in by_use {
            if self.bytes <= bytes {
                break;
            }
            self.bytes -= size;
            last = used;
        }
        self.by_question.retain(|_, entry| entry.used > last);
    }
}

impl Kept {
    /// An answer to keep, if it can be: `moment` is from before anything was read.
    pub(crate) fn new(query: &Query, moment: Moment, value: Value, data: String) -> Option<Kept> {
        Some(Kept {
            start: query.start,
            end: query.end,
            step: query.step,
            moment,
            reach: reach(query).ok()?,
            value,
            warnings: Vec::new(),
            infos: Vec::new(),
            data,
        })
    }

    /// The first time of those it depends on that has been written to since.
    fn changed(&self, db: &Db) -> Option<i64> {
        let (first, last) = self.reach.times?;
        db.metrics.first_change_since(&self.moment, first, last)
    }

    /// The last step that holds when what lies from `changed` on has been written to.
    fn holds_up_to(&self, changed: Option<i64>) -> Option<i64> {
        let (_, ahead) = self.reach.around?;
        // What is said about an answer is not said of single steps.
        if self.step <= 0 || !self.warnings.is_empty() || !self.infos.is_empty() {
            return None;
        }
        let Value::Matrix(_) = &self.value else {
            return None;
        };
        let Some(changed) = changed else {
            let steps = (self.end - self.start) / self.step;
            return Some(self.start + steps * self.step);
        };
        let before = changed.checked_sub(ahead)?.checked_sub(1)?.min(self.end);
        let steps = before.checked_sub(self.start)?.div_euclid(self.step);
        (steps >= 0).then(|| self.start + steps * self.step)
    }

    /// The steps from `start` to `last` of this answer, followed by those of `more`, which come later.
    pub(crate) fn followed_by(&self, start: i64, last: i64, more: Vec<Series>) -> Value {
        let Value::Matrix(series) = &self.value else {
            return Value::Matrix(more);
        };
        let mut out: Vec<Series> = Vec::with_capacity(series.len().max(more.len()));
        let mut more = more.into_iter().peekable();
        for one in series {
            while let Some(new) = more.next_if(|m| m.labels < one.labels) {
                out.push(new);
            }
            let mut cut = part(one, start, last);
            if let Some(new) = more.next_if(|m| m.labels == one.labels) {
                cut.samples.timestamps.extend(new.samples.timestamps);
                cut.samples.values.extend(new.samples.values);
                cut.histograms.extend(new.histograms);
            }
            if !cut.is_empty() {
                out.push(cut);
            }
        }
        out.extend(more);
        Value::Matrix(out)
    }

    fn byte_len(&self) -> usize {
        let series = |series: &Series| {
            let histograms = series
                .histograms
                .iter()
                .map(|(_, h)| 16 * (h.positive.len() + h.negative.len()) + 256);
            series.labels.byte_len() + 128 + series.samples.len() * 16 + histograms.sum::<usize>()
        };
        let value = match &self.value {
            Value::Vector(all) | Value::Matrix(all) => all.iter().map(series).sum(),
            Value::String(text) => text.len(),
            Value::Scalar(_) => 0,
        };
        let texts = self
            .warnings
            .iter()
            .chain(&self.infos)
            .map(|text| text.len() + 32);
        value + self.data.capacity() + texts.sum::<usize>()
    }
}

/// The samples of a series between two times, both inclusive.
fn part(series: &Series, start: i64, last: i64) -> Series {
    let times = &series.samples.timestamps;
    let (from, to) = (
        times.partition_point(|t| *t < start),
        times.partition_point(|t| *t <= last),
    );
    let within = |(time, _): &&(i64, _)| (start..=last).contains(time);
    Series {
        labels: series.labels.clone(),
        samples: Samples {
            timestamps: times[from..to].to_vec(),
            values: series.samples.values[from..to].to_vec(),
            delta: series.samples.delta,
        },
        histograms: series.histograms.iter().filter(within).cloned().collect(),
    }
}

#[cfg(test)]
mod tests;
