//! A node: one log, and the tenants whose data goes through it. It answers opening after any crash, background work,
//! closing, and the states of a full disk and a failed sync.

mod backup;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use crate::cache::BlockCache;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::health::{Health, State};
use crate::log::recovery::{Damage, Keep, LogRecovery, Replayed};
use crate::log::{Log, LogOptions, SyncPolicy};
use crate::retention::RetentionOptions;
use crate::storage::{File, Storage, write_atomically};
use crate::store::{LostBlock, Shared, StoreOptions, Upkeep};

/// Version of the data directory's layout.
pub const DATA_VERSION: u32 = 4;
const VERSION_FILE: &str = "kymo.version";
const LOG_DIR: &str = "wal";
const TENANTS_DIR: &str = "tenants";
const SNAPSHOTS_DIR: &str = "snapshots";
const QUARANTINE_DIR: &str = "quarantine";
const RESERVE_FILE: &str = "reserve";
/// Least space held back, for manifests and merges of small blocks.
const RESERVE_MIN: u64 = 4 << 20;
/// Bytes of records that make about one byte of a young block, with a margin.
const RECORDS_PER_BLOCK_BYTE: u64 = 4;
const TENANT_LEN_MAX: usize = 150;

/// Settings of a node.
#[derive(Debug, Clone)]
pub struct NodeOptions {
    /// The log.
    pub log: LogOptions,
    /// Every store of metrics.
    pub store: StoreOptions,
    /// Every store of traces.
    pub traces: StoreOptions,
    /// Every store of logs.
    pub logs: StoreOptions,
    /// Bytes of decompressed blocks kept in memory, and as many of columns of logs that were decoded from them.
    pub cache_bytes: u64,
    /// Most space held back so that flushes, merges and deletions still run on a full disk, as much of it as the heads need;
    /// 0 holds none.
    pub reserve_bytes: u64,
    /// Below this many free bytes writes are refused.
    pub free_bytes_min: u64,
}

impl Default for NodeOptions {
    fn default() -> NodeOptions {
        NodeOptions {
            log: LogOptions::default(),
            store: StoreOptions::default(),
            traces: StoreOptions::for_traces(),
            logs: StoreOptions::for_logs(),
            cache_bytes: 64 << 20,
            reserve_bytes: 64 << 20,
            free_bytes_min: 32 << 20,
        }
    }
}

/// What opening found.
#[derive(Debug, Clone, Default)]
pub struct Recovery {
    /// The log.
    pub log: LogRecovery,
    /// Records in the log that were not in blocks yet.
    pub replayed_records: u64,
    /// Records of the log that do not decode.
    pub undecodable_records: u64,
    /// Samples whose series the log no longer defines.
    pub orphaned_samples: u64,
    /// Blocks that had to be taken out of service.
    pub lost_blocks: Vec<LostBlock>,
}

/// A running store of all tenants.
pub struct Node {
    storage: Arc<dyn Storage>,
    options: NodeOptions,
    shared: Shared,
    log: Log,
    tenants: RwLock<BTreeMap<Arc<str>, Arc<Db>>>,
    /// The reserve's file while it is held.
    reserve: Mutex<Option<Arc<dyn File>>>,
}

impl Node {
    /// Opens a data directory: manifests, blocks, then the log's records that are in no block.
    ///
    /// # Errors
    /// [`Error::UnsupportedVersion`] when a newer Kymo wrote it, [`Error::Corrupt`] when a manifest does not read, I/O
    /// errors. Damaged log frames and blocks are reported in [`Recovery`] and kept in `quarantine/`.
    pub fn open(storage: Arc<dyn Storage>, options: NodeOptions) -> Result<(Arc<Node>, Recovery)> {
        check_version(storage.as_ref())?;
        let cache = Arc::new(BlockCache::new(options.cache_bytes));
        let health = Arc::new(Health::default());
        let shared = Shared {
            storage: storage.clone(),
            health: health.clone(),
            cache,
            full: Arc::default(),
        };
        let mut recovery = Recovery::default();
        let mut tenants = BTreeMap::new();
        storage.make_dir(TENANTS_DIR)?;
        for name in storage.list(TENANTS_DIR)? {
            open_tenant(&shared, &options, &mut tenants, &name, &mut recovery)?;
        }
        let seq_floor = tenants
            .values()
            .map(|db: &Arc<Db>| db.flushed())
            .max()
            .unwrap_or(0);
        let (log, found) = Log::open(
            storage.clone(),
            LOG_DIR,
            options.log.clone(),
            health,
            seq_floor,
            &mut |record| {
                let tenant = record.owner.tenant.clone();
                let db = open_tenant(&shared, &options, &mut tenants, &tenant, &mut recovery)?;
                replay(&db, record, &mut recovery)
            },
        )?;
        keep_damaged(storage.as_ref(), &found.damages)?;
        recovery.log = found;
        for db in tenants.values() {
            recovery.orphaned_samples += db.orphaned_samples();
        }
        let tenants = RwLock::new(tenants);
        let node = Node {
            storage,
            options,
            shared,
            log,
            tenants,
            reserve: Mutex::new(None),
        };
        node.hold_reserve(false);
        Ok((Arc::new(node), recovery))
    }

    /// The tenant's stores, created when it is new.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name that is empty, too long, or has other characters than letters, digits and
    /// `! - _ . * ' ( )`; I/O errors.
    pub fn tenant(&self, name: &str) -> Result<Arc<Db>> {
        if let Some(db) = self.tenants.read().get(name) {
            return Ok(db.clone());
        }
        check_tenant_name(name)?;
        self.shared.health.check_writable()?;
        let mut tenants = self.tenants.write();
        open_tenant(
            &self.shared,
            &self.options,
            &mut tenants,
            name,
            &mut Recovery::default(),
        )
    }

    /// The tenant's stores if it has any.
    pub fn existing_tenant(&self, name: &str) -> Option<Arc<Db>> {
        self.tenants.read().get(name).cloned()
    }

    /// All tenants by name.
    pub fn tenants(&self) -> Vec<(Arc<str>, Arc<Db>)> {
        self.tenants
            .read()
            .iter()
            .map(|(name, db)| (name.clone(), db.clone()))
            .collect()
    }

    /// The log, to append to.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Commits as writes come until [`Node::close`]; the server gives this a thread.
    pub fn run_commits(&self) {
        self.log.run();
    }

    /// Whether writes are accepted.
    pub fn state(&self) -> State {
        self.shared.health.state()
    }

    /// Bytes of decompressed blocks in memory.
    pub fn cache_bytes(&self) -> u64 {
        self.shared.cache.weight()
    }

    /// Settings in force.
    pub fn options(&self) -> &NodeOptions {
        &self.options
    }

    /// Does the quick background work that is due at `now_ms`: watches space, syncs, flushes. A store that fails does not
    /// keep the others from theirs; the first error is returned.
    pub fn maintain(&self, now_ms: i64) -> Result<Upkeep> {
        self.watch_space();
        if self.options.log.sync == SyncPolicy::Interval {
            self.log.sync()?;
        }
        let done = self.each(|db| db.flush_due(&self.log, now_ms));
        if self.state() == State::Writable {
            self.log
                .prepare_spare()
                .or_else(|e| if e.is_disk_full() { Ok(()) } else { Err(e) })?;
        }
        // Filling the reserve takes longer than opening, so it is first held here.
        let has_reserve = self.state() == State::DiskFull || self.hold_reserve(false);
        if !has_reserve {
            self.shared.health.write_failed(&Error::DiskFull);
        }
        self.end_of_disk_full();
        done
    }

    /// Waits until a head is full or [`Node::wake`] is called, `at_most` so long; whether either was the case. For the
    /// thread that calls [`Node::maintain`].
    pub fn wait_until_full(&self, at_most: Duration) -> bool {
        self.shared.full.wait(at_most)
    }

    /// Ends a [`Node::wait_until_full`], this one or the next.
    pub fn wake(&self) {
        self.shared.full.tell();
    }

    /// Does the slow background work that is due at `now_ms`: drops what is past retention and merges blocks, at most one
    /// merge a store. May run beside [`Node::maintain`].
    pub fn merge_due(&self, now_ms: i64) -> Result<Upkeep> {
        self.each(|db| db.merge_due(now_ms))
    }

    /// Writes everything the heads hold to blocks, and gives back the space that only writing needs.
    pub fn flush(&self) -> Result<Upkeep> {
        let done = self.each(|db| db.flush(&self.log))?;
        self.log.drop_spares();
        if self.state() == State::Writable {
            self.hold_reserve(true);
        }
        Ok(done)
    }

    /// Merges every day's blocks into one, as far as sizes allow.
    pub fn compact(&self) -> Result<Upkeep> {
        self.each(|db| db.compact())
    }

    /// Drops blocks past retention, or past what `retention` says instead of the settings.
    pub fn retain(&self, now_ms: i64, retention: Option<RetentionOptions>) -> Result<Upkeep> {
        self.each(|db| db.retain(now_ms, retention))
    }

    /// Verifies every checksum of every block.
    pub fn verify(&self) -> Vec<Error> {
        self.tenants().iter().flat_map(|(_, db)| db.verify()).collect()
    }

    /// Refuses new writes and lets [`Node::run_commits`] return once those queued are durable.
    pub fn close(&self) {
        self.log.close();
    }

    fn each(&self, mut work: impl FnMut(&Db) -> Result<Upkeep>) -> Result<Upkeep> {
        let mut done = Upkeep::default();
        let mut failed = None;
        for (_, db) in self.tenants() {
            match work(&db) {
                Ok(upkeep) => done.add(upkeep),
                Err(e) => failed = failed.or(Some(e)),
            }
        }
        failed.map_or(Ok(done), Err)
    }

    /// Turns read-only before the disk is full to the last byte, and frees the reserve for the work that makes room.
    fn watch_space(&self) {
        let low = self
            .storage
            .free_bytes()
            .is_ok_and(|free| free < self.options.free_bytes_min);
        if low {
            self.shared.health.write_failed(&Error::DiskFull);
        }
        if self.state() == State::DiskFull && self.reserve.lock().take().is_some() {
            self.storage.delete(RESERVE_FILE).ok();
            self.log.drop_spares();
        }
    }

    /// Writes again once the reserve fits and enough is free beside it. Asked before trying: filling the reserve in vain
    /// every second would keep a full disk busy.
    fn end_of_disk_full(&self) {
        let needed = self
            .options
            .reserve_bytes
            .saturating_add(self.options.free_bytes_min);
        let fits = || self.storage.free_bytes().is_ok_and(|free| free >= needed);
        if self.state() == State::DiskFull && fits() && self.hold_reserve(false) {
            self.shared.health.space_is_back();
        }
    }

    /// What flushing the heads may need, within the settings: their records take several times the space of their blocks.
    fn reserve_wanted(&self) -> u64 {
        let tenants = self.tenants.read();
        let unflushed: u64 = tenants.values().map(|db| db.unflushed_bytes()).sum();
        let most = self.options.reserve_bytes;
        (unflushed / RECORDS_PER_BLOCK_BYTE).clamp(RESERVE_MIN.min(most), most)
    }

    /// Fills the reserve with real blocks, as much as the heads need now; false when the disk has no room for it. One that
    /// is larger than needed stays as it is unless told to shrink.
    fn hold_reserve(&self, shrink: bool) -> bool {
        let wanted = self.reserve_wanted();
        let mut reserve = self.reserve.lock();
        let held = reserve.as_ref().and_then(|file| file.len().ok());
        if held.is_some_and(|held| held >= wanted && !(shrink && held > wanted)) {
            return true;
        }
        match fill_reserve(self.storage.as_ref(), wanted) {
            Ok(file) => {
                *reserve = Some(file);
                true
            }
            Err(_) => {
                self.storage.delete(RESERVE_FILE).ok();
                *reserve = None;
                false
            }
        }
    }
}

fn fill_reserve(storage: &dyn Storage, len: u64) -> Result<Arc<dyn File>> {
    let held = match storage.exists(RESERVE_FILE) {
        true => Some(storage.open(RESERVE_FILE)?),
        false => None,
    };
    let file = match held {
        Some(file) if file.len()? <= len => file,
        _ => storage.create(RESERVE_FILE)?,
    };
    let zeros = vec![0; (1 << 20).min(len as usize)];
    let mut at = file.len()?;
    while at < len {
        let n = (len - at).min(zeros.len() as u64);
        file.write_at(at, &zeros[..n as usize])?;
        at += n;
    }
    Ok(file)
}

fn check_version(storage: &dyn Storage) -> Result<()> {
    let corrupt = |what| Error::Corrupt {
        file: VERSION_FILE.into(),
        offset: 0,
        what,
    };
    if !storage.exists(VERSION_FILE) {
        return write_version(storage);
    }
    let file = storage.open(VERSION_FILE)?;
    let bytes = file.read_vec(0, file.len()?.min(64) as usize)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| corrupt("not text"))?;
    let number = text
        .trim()
        .strip_prefix("kymo data ")
        .and_then(|n| n.parse::<u32>().ok());
    match number {
        Some(found) if found > DATA_VERSION => Err(Error::UnsupportedVersion {
            file: VERSION_FILE.into(),
            found,
            supported: DATA_VERSION,
        }),
        // Older versions must not open what this one is going to write.
        Some(found) if found < DATA_VERSION => write_version(storage),
        Some(_) => Ok(()),
        None => Err(corrupt("no version number")),
    }
}

fn write_version(storage: &dyn Storage) -> Result<()> {
    write_atomically(storage, VERSION_FILE, version_text().as_bytes())
}

fn version_text() -> String {
    format!("kymo data {DATA_VERSION}\n")
}

fn check_tenant_name(name: &str) -> Result<()> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "!-_.*'()".contains(c);
    let what = if name.is_empty() || name == "." || name == ".." {
        "tenant name is empty or a path"
    } else if name.len() > TENANT_LEN_MAX {
        "tenant name is over 150 bytes"
    } else if !name.chars().all(fine) {
        "tenant name has a character that is not a letter, a digit or one of !-_.*'()"
    } else {
        return Ok(());
    };
    Err(Error::Invalid {
        what,
        value: name.to_owned(),
    })
}

fn open_tenant(
    shared: &Shared,
    options: &NodeOptions,
    tenants: &mut BTreeMap<Arc<str>, Arc<Db>>,
    name: &str,
    recovery: &mut Recovery,
) -> Result<Arc<Db>> {
    if let Some(db) = tenants.get(name) {
        return Ok(db.clone());
    }
    let name: Arc<str> = Arc::from(name);
    let dir = format!("{TENANTS_DIR}/{name}");
    shared.storage.make_dir(&dir)?;
    let (db, lost) = Db::open(shared, &dir, &name, options)?;
    recovery.lost_blocks.extend(lost);
    let db = Arc::new(db);
    tenants.insert(name, db.clone());
    Ok(db)
}

fn replay(db: &Db, record: Replayed<'_>, recovery: &mut Recovery) -> Result<Keep> {
    let seq = record.seq;
    let unknown = || {
        Err(Error::Corrupt {
            file: LOG_DIR.into(),
            offset: seq,
            what: "record of no known signal",
        })
    };
    match db.replay(record).unwrap_or_else(unknown) {
        Ok(Keep::Needed) => {
            recovery.replayed_records += 1;
            Ok(Keep::Needed)
        }
        Err(Error::Corrupt { .. }) => {
            recovery.undecodable_records += 1;
            Ok(Keep::Needed)
        }
        other => other,
    }
}

/// Copies damaged segments aside before the log releases them.
fn keep_damaged(storage: &dyn Storage, damages: &[Damage]) -> Result<()> {
    for damage in damages {
        storage.make_dir(QUARANTINE_DIR)?;
        let name = damage.file.rsplit('/').next().unwrap_or(&damage.file);
        let copy = format!("{QUARANTINE_DIR}/{name}");
        if !storage.exists(&copy) && storage.exists(&damage.file) {
            let file = storage.open(&damage.file)?;
            write_atomically(storage, &copy, &file.read_vec(0, file.len()? as usize)?)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
