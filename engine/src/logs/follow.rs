//! Entries as they come: who follows a store gets every batch applied after one moment, and a snapshot of all that was applied
//! before it, so that nothing is missing between the two and nothing is in both. Not for what is done with the entries.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Weak};

use hashbrown::{HashMap, HashSet};
use parking_lot::Mutex;
use xxhash_rust::xxh3::Xxh3;

use super::batch::Batch;
use super::head::{Run, all_of};
use super::rows::{Rows, StreamRows};
use super::signal::Logs;
use crate::labels::Labels;
use crate::metrics::matcher::Matcher;
use crate::store::{Snapshot, Store};

/// Entries that were left out for want of room and are remembered; further ones are counted only.
const MISSED_MAX: usize = 1000;

/// Entries that are remembered so that one sent again is not given again.
const RECENT_MAX: usize = 1 << 16;

/// The heads' followers, and how many batches there were. Heads that follow each other share them.
#[derive(Debug, Default)]
pub(super) struct Followers {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Batches applied since the store was opened.
    applied: u64,
    queues: Vec<Weak<Queue>>,
}

/// What waits for one follower.
struct Queue {
    matchers: Vec<Matcher>,
    bytes_max: usize,
    wake: Box<dyn Fn() + Send + Sync>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    batches: Vec<Arc<Batch>>,
    bytes: usize,
    missed: Missed,
}

/// Entries that a follower did not get because it took too little too late.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Missed {
    /// How many.
    pub entries: u64,
    /// The first of them: time in nanoseconds and labels of the stream.
    pub first: Vec<(i64, Labels)>,
}

/// Gets the entries of some streams from one moment on.
pub struct Follower {
    queue: Arc<Queue>,
    recent: Recent,
}

/// A follower and what came before it.
pub struct Following {
    /// What was applied before, and maybe more: a scan tells by [`super::Scan::applied`].
    pub snapshot: Snapshot<Logs>,
    /// Number of the last batch that the follower does not get.
    pub applied: u64,
    /// Gets all later ones.
    pub follower: Follower,
}

impl Followers {
    /// Counts a batch and gives it to those who follow its streams; the answer is its number.
    pub(super) fn apply(&self, batch: &Arc<Batch>) -> u64 {
        let mut state = self.state.lock();
        state.applied += 1;
        if !state.queues.is_empty() {
            state.queues.retain(|queue| match queue.upgrade() {
                Some(queue) => {
                    queue.offer(batch);
                    true
                }
                None => false,
            });
        }
        state.applied
    }

    fn add(&self, queue: &Arc<Queue>) -> u64 {
        let mut state = self.state.lock();
        state.queues.push(Arc::downgrade(queue));
        state.applied
    }

    fn remove(&self, queue: &Arc<Queue>) {
        let of = Arc::downgrade(queue);
        self.state.lock().queues.retain(|other| !other.ptr_eq(&of));
        *queue.waiting.lock() = Waiting::default();
    }
}

impl Queue {
    fn concerns(&self, labels: &Labels) -> bool {
        passes(&self.matchers, labels)
    }

    fn offer(&self, batch: &Arc<Batch>) {
        if !batch.streams().iter().any(|of| self.concerns(&of.labels)) {
            return;
        }
        let mut waiting = self.waiting.lock();
        let bytes = batch.byte_len();
        if waiting.bytes > 0 && waiting.bytes + bytes > self.bytes_max {
            self.miss(batch, &mut waiting.missed);
        } else {
            waiting.bytes += bytes;
            waiting.batches.push(batch.clone());
        }
        drop(waiting);
        (self.wake)();
    }

    fn miss(&self, batch: &Batch, missed: &mut Missed) {
        for stream in batch.streams().iter().filter(|of| self.concerns(&of.labels)) {
            missed.entries += u64::from(stream.count);
            let room = MISSED_MAX.saturating_sub(missed.first.len());
            let first = (stream.first..stream.first + stream.count).take(room);
            missed
                .first
                .extend(first.map(|entry| (batch.time(entry), stream.labels.clone())));
        }
    }
}

/// True for labels that pass all matchers.
pub fn passes(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers
        .iter()
        .all(|matcher| matcher.matches(labels.get(matcher.name()).unwrap_or_default()))
}

impl Follower {
    /// What came since the last call, streams by labels, each stream's entries in order of time. An entry that equals one
    /// given a short while ago is left out, unless its writer wants such entries kept.
    pub fn take(&mut self) -> (Vec<StreamRows>, Missed) {
        let waiting = std::mem::take(&mut *self.queue.waiting.lock());
        let mut streams: HashMap<&Labels, Vec<Run>> = HashMap::new();
        for batch in &waiting.batches {
            for stream in batch
                .streams()
                .iter()
                .filter(|of| self.queue.concerns(&of.labels))
            {
                let runs = streams.entry(&stream.labels).or_default();
                runs.push(Run::new(batch, stream, 0));
            }
        }
        let mut taken: Vec<StreamRows> = Vec::with_capacity(streams.len());
        for (labels, runs) in streams {
            let mut rows = Rows::default();
            all_of(&runs, |batch, entry| {
                if batch.keeps_repeats() || self.recent.is_new(labels, batch, entry) {
                    let set = rows.sets_mut().add(batch.metadata(entry));
                    rows.push(batch.time(entry), batch.line(entry), set, batch.keeps_repeats());
                }
            });
            if !rows.is_empty() {
                let labels = labels.clone();
                taken.push(StreamRows { labels, rows });
            }
        }
        taken.sort_unstable_by(|a, b| a.labels.cmp(&b.labels));
        (taken, waiting.missed)
    }
}

/// Hashes of entries, the oldest forgotten first.
#[derive(Default)]
struct Recent {
    known: HashSet<u128>,
    order: VecDeque<u128>,
}

impl Recent {
    fn is_new(&mut self, labels: &Labels, batch: &Batch, entry: u32) -> bool {
        let mut hash = Xxh3::new();
        hash.update(&labels.hash64().to_le_bytes());
        hash.update(&batch.time(entry).to_le_bytes());
        for (name, value) in batch.metadata(entry) {
            for text in [name, value] {
                hash.update(&(text.len() as u64).to_le_bytes());
                hash.update(text.as_bytes());
            }
        }
        hash.update(batch.line(entry));
        let hash = hash.digest128();
        if !self.known.insert(hash) {
            return false;
        }
        self.order.push_back(hash);
        if self.order.len() > RECENT_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

impl Store<Logs> {
    /// Follows the streams that pass all matchers. Batches wait in up to `bytes_max` bytes; `wake` is called with each, on the
    /// thread that commits, and must not wait for anything.
    pub fn follow(
        &self,
        matchers: Vec<Matcher>,
        bytes_max: usize,
        wake: Box<dyn Fn() + Send + Sync>,
    ) -> Following {
        let queue = Arc::new(Queue {
            matchers,
            bytes_max,
            wake,
            waiting: Mutex::default(),
        });
        loop {
            let snapshot = self.snapshot();
            let open = self.open_head();
            let applied = open.state.followers().add(&queue);
            let newest = snapshot.heads.last();
            // A head begun since the snapshot has batches that neither would tell.
            if newest.is_some_and(|head| Arc::ptr_eq(head, &self.open_head())) {
                let follower = Follower {
                    queue,
                    recent: Recent::default(),
                };
                return Following {
                    snapshot,
                    applied,
                    follower,
                };
            }
            open.state.followers().remove(&queue);
        }
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("matchers", &self.matchers)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
