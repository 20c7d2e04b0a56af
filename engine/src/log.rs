//! The one log of a node: everything acknowledged is a record in it, made durable by group commit and applied in log
//! order. It answers append, commit, replay and the release of segments no head needs any more.
//!
//! [`frame`] is the byte format, [`segment`] the files, [`recovery`] the way back after a crash, and this file the
//! commit. It does not know what a record says: its owner hands in bytes and what to do once they are durable.

pub mod frame;
pub mod recovery;
pub mod segment;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex};

use crate::error::{Error, Result};
use crate::health::Health;
use crate::storage::Storage;
use frame::FrameBuilder;
use segment::Segments;

/// Position of a record: consecutive over the life of a data directory, except that refused records leave gaps.
pub type Seq = u64;

/// Whose records: a tenant and a signal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// Name of the tenant.
    pub tenant: Arc<str>,
    /// Number of the signal, `Signal::ID`.
    pub signal: u8,
}

/// When a batch counts as durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SyncPolicy {
    /// Synced before it is acknowledged.
    #[default]
    Always,
    /// Acknowledged when written, synced by each [`Log::sync`] that maintenance calls.
    Interval,
    /// Acknowledged when written; the operating system syncs when it likes.
    Off,
}

/// Settings of the log.
#[derive(Debug, Clone)]
pub struct LogOptions {
    /// When a batch counts as durable.
    pub sync: SyncPolicy,
    /// Size at which the next segment is begun.
    pub segment_bytes: u64,
    /// Bytes of unsynced records above which appends are refused.
    pub queue_bytes_max: u64,
    /// Bytes after which a frame is closed, so that one sync never waits for more.
    pub frame_bytes: usize,
    /// Released segments kept for reuse.
    pub spare_segments: usize,
}

impl Default for LogOptions {
    fn default() -> LogOptions {
        LogOptions {
            sync: SyncPolicy::Always,
            segment_bytes: 16 << 20,
            queue_bytes_max: 64 << 20,
            frame_bytes: 4 << 20,
            spare_segments: 2,
        }
    }
}

/// What happens to a record after its commit: called in log order, on the committing thread.
pub type Done = Box<dyn FnOnce(Result<Seq>) + Send>;

/// The log.
pub struct Log {
    options: LogOptions,
    health: Arc<Health>,
    queue: Mutex<Queue>,
    /// Signalled when the queue gets its first record or is closed.
    filled: Condvar,
    writer: Mutex<Segments>,
    /// Held while segments are taken away.
    releasing: Mutex<()>,
    /// All records up to here were applied or refused.
    settled: AtomicU64,
    stats: LogStats,
}

struct Queue {
    records: Vec<Queued>,
    bytes: u64,
    next_seq: Seq,
    closed: bool,
    owners: BTreeMap<Owner, OwnerSpan>,
}

struct Queued {
    owner: Owner,
    head_generation: u32,
    bytes: Vec<u8>,
    done: Done,
}

/// Which records of an owner are not in blocks yet.
#[derive(Debug, Clone, Copy)]
struct OwnerSpan {
    oldest_needed: Option<Seq>,
    newest: Seq,
}

/// Counters of the log.
#[derive(Debug, Default)]
pub struct LogStats {
    /// Records committed.
    pub records: AtomicU64,
    /// Frames written.
    pub frames: AtomicU64,
    /// Bytes written, after compression.
    pub bytes: AtomicU64,
    /// Syncs.
    pub syncs: AtomicU64,
}

impl Log {
    /// Opens the log in `dir` and hands every record found to `replay`, in order. See [`recovery`]. New records get
    /// places above `seq_floor`: blocks may hold records that a log without syncs lost in a crash.
    pub fn open(
        storage: Arc<dyn Storage>,
        dir: &str,
        options: LogOptions,
        health: Arc<Health>,
        seq_floor: Seq,
        replay: &mut dyn FnMut(recovery::Replayed<'_>) -> Result<recovery::Keep>,
    ) -> Result<(Log, recovery::LogRecovery)> {
        let mut owners = BTreeMap::new();
        let mut track = |record: recovery::Replayed<'_>| {
            let (owner, seq) = (record.owner.clone(), record.seq);
            if replay(record)? == recovery::Keep::Needed {
                note(&mut owners, owner, seq);
            }
            Ok(())
        };
        let (segments, mut found) = recovery::recover(storage, dir, &options, &mut track)?;
        found.next_seq = found.next_seq.max(seq_floor + 1);
        let queue = Queue {
            records: Vec::new(),
            bytes: 0,
            next_seq: found.next_seq,
            closed: false,
            owners,
        };
        let log = Log {
            options,
            health,
            queue: Mutex::new(queue),
            filled: Condvar::new(),
            writer: Mutex::new(segments),
            releasing: Mutex::new(()),
            settled: AtomicU64::new(found.next_seq - 1),
            stats: LogStats::default(),
        };
        log.recycle();
        Ok((log, found))
    }

    /// Queues a record and returns its place in the log. `done` is called once it is durable or refused.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when too much is queued, [`Error::DiskFull`] and [`Error::Poisoned`] while writes are
    /// refused, [`Error::Closed`] after [`Log::close`]; `done` is then not called.
    pub fn append(&self, owner: &Owner, head_generation: u32, bytes: Vec<u8>, done: Done) -> Result<Seq> {
        self.health.check_writable()?;
        let mut queue = self.queue.lock();
        if queue.closed {
            return Err(Error::Closed);
        }
        let queued_bytes = queue.bytes + bytes.len() as u64;
        if queued_bytes > self.options.queue_bytes_max && !queue.records.is_empty() {
            return Err(Error::Overloaded {
                queued_bytes,
                limit_bytes: self.options.queue_bytes_max,
            });
        }
        let seq = queue.next_seq;
        queue.next_seq += 1;
        queue.bytes = queued_bytes;
        note(&mut queue.owners, owner.clone(), seq);
        queue.records.push(Queued {
            owner: owner.clone(),
            head_generation,
            bytes,
            done,
        });
        if queue.records.len() == 1 {
            self.filled.notify_one();
        }
        Ok(seq)
    }

    /// The place of the newest record queued so far.
    pub fn newest_seq(&self) -> Seq {
        self.queue.lock().next_seq - 1
    }

    /// Commits whatever is queued; false when nothing was. Any thread may call it.
    pub fn commit(&self) -> bool {
        let mut segments = self.writer.lock();
        let (records, first_seq) = {
            let mut queue = self.queue.lock();
            queue.bytes = 0;
            let records = std::mem::take(&mut queue.records);
            (records, queue.next_seq)
        };
        if records.is_empty() {
            return false;
        }
        let mut next = first_seq - records.len() as u64;
        let mut rest = records.into_iter().peekable();
        while rest.peek().is_some() {
            let mut builder = FrameBuilder::new(next);
            let mut group = Vec::new();
            while builder.len() < self.options.frame_bytes
                && let Some(record) = rest.next()
            {
                builder.push(&record.owner, record.head_generation, &record.bytes);
                group.push(record.done);
            }
            let written = self.write_frame(&mut segments, builder);
            for done in group {
                done(written.clone().map(|()| next));
                self.settled.store(next, Ordering::Release);
                next += 1;
            }
        }
        true
    }

    fn write_frame(&self, segments: &mut Segments, builder: FrameBuilder) -> Result<()> {
        self.health.check_writable()?;
        let records = builder.record_count();
        let result = segments.write(builder, self.options.segment_bytes);
        let bytes = result.inspect_err(|e| self.health.write_failed(e))?;
        if self.options.sync == SyncPolicy::Always {
            segments.sync().inspect_err(|e| self.health.sync_failed(e))?;
            self.stats.syncs.fetch_add(1, Ordering::Relaxed);
        }
        self.stats.frames.fetch_add(1, Ordering::Relaxed);
        self.stats.records.fetch_add(records, Ordering::Relaxed);
        self.stats.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Commits until every record up to `seq` is applied or refused.
    pub fn commit_through(&self, seq: Seq) {
        while self.settled.load(Ordering::Acquire) < seq {
            self.commit();
        }
    }

    /// Commits as records come, until [`Log::close`] and an empty queue. The server gives this a thread.
    pub fn run(&self) {
        loop {
            if self.commit() {
                continue;
            }
            let mut queue = self.queue.lock();
            if !queue.records.is_empty() {
                continue;
            }
            if queue.closed {
                return;
            }
            self.filled.wait(&mut queue);
        }
    }

    /// Refuses new records from now on and lets [`Log::run`] return once the queue is empty.
    pub fn close(&self) {
        self.queue.lock().closed = true;
        self.filled.notify_all();
    }

    /// Syncs what was written: the periodic part of [`SyncPolicy::Interval`], and a must before blocks replace records.
    pub fn sync(&self) -> Result<()> {
        let segments = self.writer.lock();
        self.health.check_not_poisoned()?;
        segments.sync().inspect_err(|e| self.health.sync_failed(e))?;
        self.stats.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Notes that the owner's records up to `through` are in durable blocks, and releases segments nobody needs.
    pub fn flushed(&self, owner: &Owner, through: Seq) {
        if let Some(span) = self.queue.lock().owners.get_mut(owner) {
            span.oldest_needed = (span.newest > through).then_some(through + 1);
        }
        self.recycle();
    }

    /// Takes segments away that nobody needs, oldest first and each one durably before the next: were a later one to go
    /// alone, recovery would miss its frames. What cannot be removed now is tried again the next time.
    fn recycle(&self) {
        let _one_at_a_time = self.releasing.lock();
        while let Ok(true) = self.release_oldest() {}
    }

    fn release_oldest(&self) -> Result<bool> {
        let mut segments = self.writer.lock();
        let oldest_needed = {
            let queue = self.queue.lock();
            queue
                .owners
                .values()
                .filter_map(|span| span.oldest_needed)
                .min()
                .unwrap_or(queue.next_seq)
        };
        let Some(release) = segments.release(oldest_needed, self.options.spare_segments)? else {
            return Ok(false);
        };
        drop(segments);
        let spare = release.move_away()?;
        let synced = release.sync();
        self.writer.lock().released(spare);
        synced.map(|()| true)
    }

    /// Makes a zero-filled segment ready ahead of need, so that the next one starts without allocating.
    ///
    /// # Errors
    /// I/O errors; a full disk is one of them and does not refuse writes by itself.
    pub fn prepare_spare(&self) -> Result<()> {
        let wanted = self.writer.lock().wants_spare(self.options.segment_bytes);
        let Some(spare) = wanted else { return Ok(()) };
        let file = spare.fill(self.options.segment_bytes)?;
        self.writer.lock().add_spare(file);
        Ok(())
    }

    /// Gives the space of spare segments back, for a full disk.
    pub fn drop_spares(&self) {
        self.writer.lock().drop_spares();
    }

    /// Counters.
    pub fn stats(&self) -> &LogStats {
        &self.stats
    }

    /// Number of closed segments that stay as long as the record at `seq` is needed.
    pub fn segments_since(&self, seq: Seq) -> usize {
        self.writer.lock().closed_since(seq)
    }

    /// Bytes of all segments on disk, spare ones included.
    pub fn disk_bytes(&self) -> u64 {
        self.writer.lock().disk_bytes()
    }
}

fn note(owners: &mut BTreeMap<Owner, OwnerSpan>, owner: Owner, seq: Seq) {
    let span = owners.entry(owner).or_insert(OwnerSpan {
        oldest_needed: None,
        newest: seq,
    });
    span.newest = seq;
    span.oldest_needed.get_or_insert(seq);
}

#[cfg(test)]
mod tests;
