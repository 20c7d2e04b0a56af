//! Storage that fails on purpose: every call is numbered, and from a chosen number on it fails, tears or finds the disk
//! full. The fault sweep runs a workload once for each number. Not for production.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::{File, Storage};
use crate::error::{Error, Result};

/// What happens at the chosen call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// This one call fails, later ones work.
    Fail,
    /// This one call, if it writes, writes the first half and fails; otherwise it fails.
    Tear,
    /// This and all later calls fail: the power is gone.
    PowerCut,
    /// This and all later calls that need space fail as on a full disk, until [`FaultyStorage::heal`].
    DiskFull,
}

/// A fault at the `at`-th call, counted from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Number of the call.
    pub at: u64,
    /// What happens there.
    pub kind: FaultKind,
}

/// Wraps a storage with a fault. Clones share the counter.
#[derive(Clone)]
pub struct FaultyStorage {
    inner: Arc<dyn Storage>,
    switch: Arc<Switch>,
}

struct Switch {
    calls: AtomicU64,
    fault: Mutex<Option<Fault>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Read,
    Change,
    NeedsSpace,
}

impl Switch {
    fn strike(&self, doing: &'static str, path: &str, call: Call) -> Result<()> {
        let n = self.calls.fetch_add(1, Ordering::Relaxed);
        let Some(fault) = *self.fault.lock() else {
            return Ok(());
        };
        let kind = match fault.kind {
            FaultKind::Fail | FaultKind::Tear if n == fault.at => io::ErrorKind::Other,
            FaultKind::PowerCut if n >= fault.at => io::ErrorKind::Other,
            FaultKind::DiskFull if n >= fault.at && call == Call::NeedsSpace => io::ErrorKind::StorageFull,
            _ => return Ok(()),
        };
        Err(Error::io(doing, path, &io::Error::new(kind, "injected fault")))
    }

    fn tears_now(&self) -> bool {
        let next = self.calls.load(Ordering::Relaxed);
        *self.fault.lock()
            == Some(Fault {
                at: next,
                kind: FaultKind::Tear,
            })
    }
}

impl FaultyStorage {
    /// Wraps `inner`; without a fault it only counts.
    pub fn new(inner: Arc<dyn Storage>, fault: Option<Fault>) -> FaultyStorage {
        let switch = Arc::new(Switch {
            calls: AtomicU64::new(0),
            fault: Mutex::new(fault),
        });
        FaultyStorage { inner, switch }
    }

    /// Calls made so far.
    pub fn calls(&self) -> u64 {
        self.switch.calls.load(Ordering::Relaxed)
    }

    /// Arms another fault.
    pub fn arm(&self, fault: Fault) {
        *self.switch.fault.lock() = Some(fault);
    }

    /// Takes the fault away.
    pub fn heal(&self) {
        *self.switch.fault.lock() = None;
    }

    fn wrap(&self, file: Arc<dyn File>) -> Arc<dyn File> {
        Arc::new(FaultyFile {
            inner: file,
            switch: self.switch.clone(),
        })
    }
}

impl Storage for FaultyStorage {
    fn create(&self, path: &str) -> Result<Arc<dyn File>> {
        self.switch.strike("create", path, Call::NeedsSpace)?;
        Ok(self.wrap(self.inner.create(path)?))
    }

    fn open(&self, path: &str) -> Result<Arc<dyn File>> {
        self.switch.strike("open", path, Call::Read)?;
        Ok(self.wrap(self.inner.open(path)?))
    }

    fn exists(&self, path: &str) -> bool {
        self.inner.exists(path)
    }

    fn list(&self, dir: &str) -> Result<Vec<String>> {
        self.switch.strike("list", dir, Call::Read)?;
        self.inner.list(dir)
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.switch.strike("rename", from, Call::Change)?;
        self.inner.rename(from, to)
    }

    fn link(&self, from: &str, to: &str) -> Result<()> {
        self.switch.strike("link", to, Call::NeedsSpace)?;
        self.inner.link(from, to)
    }

    fn delete(&self, path: &str) -> Result<()> {
        self.switch.strike("delete", path, Call::Change)?;
        self.inner.delete(path)
    }

    fn make_dir(&self, dir: &str) -> Result<()> {
        self.switch.strike("create", dir, Call::NeedsSpace)?;
        self.inner.make_dir(dir)
    }

    fn sync_dir(&self, dir: &str) -> Result<()> {
        self.switch.strike("sync", dir, Call::Change)?;
        self.inner.sync_dir(dir)
    }

    fn free_bytes(&self) -> Result<u64> {
        self.inner.free_bytes()
    }
}

struct FaultyFile {
    inner: Arc<dyn File>,
    switch: Arc<Switch>,
}

impl File for FaultyFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<()> {
        self.switch.strike("read", self.path(), Call::Read)?;
        self.inner.read_at(offset, buf)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        if self.switch.tears_now() {
            self.inner.write_at(offset, &bytes[..bytes.len() / 2])?;
        }
        self.switch.strike("write", self.path(), Call::NeedsSpace)?;
        self.inner.write_at(offset, bytes)
    }

    fn len(&self) -> Result<u64> {
        self.inner.len()
    }

    fn sync(&self) -> Result<()> {
        self.switch.strike("sync", self.path(), Call::Change)?;
        self.inner.sync()
    }

    fn path(&self) -> &str {
        self.inner.path()
    }
}
