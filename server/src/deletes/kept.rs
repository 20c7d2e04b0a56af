//! The lists of requests to delete, kept in files.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::files::replace;

/// The directory's name below that of the data.
const DIR: &str = "deletes";
const SUFFIX: &str = ".json";

/// Requests of a tenant that are remembered; the oldest are forgotten first.
const REQUESTS_MAX: usize = 10_000;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) request: String,
    /// First and last time deleted, milliseconds since 1970.
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) query: String,
    pub(crate) created_ms: i64,
}

#[derive(Debug, Default)]
pub(super) struct Kept {
    dir: OnceLock<PathBuf>,
    tenants: Mutex<BTreeMap<String, Vec<Made>>>,
}

impl Kept {
    /// A file that does not read is reported and left alone.
    pub(super) fn open(&self, data: &Path) {
        let dir = self.dir.get_or_init(|| data.join(DIR));
        let Ok(entries) = fs::read_dir(dir) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(tenant) = name.and_then(|name| name.strip_suffix(SUFFIX)) else {
                continue;
            };
            let read = fs::read(&path).map_err(|e| e.to_string());
            let read = read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|e| e.to_string()));
            match read {
                Ok(made) => drop(self.tenants.lock().insert(tenant.to_owned(), made)),
                Err(error) => {
                    tracing::warn!(%error, path = %path.display(), "a list of delete requests cannot be read");
                }
            }
        }
    }

    pub(super) fn of(&self, tenant: &str) -> Vec<Made> {
        self.tenants.lock().get(tenant).cloned().unwrap_or_default()
    }

    pub(super) fn add(&self, tenant: &str, made: Made) -> io::Result<()> {
        self.change(tenant, |all| {
            all.push(made);
            let surplus = all.len().saturating_sub(REQUESTS_MAX);
            all.drain(..surplus);
        })
    }

    pub(super) fn remove(&self, tenant: &str, request: &str) -> io::Result<()> {
        self.change(tenant, |all| all.retain(|made| made.request != request))
    }

    pub(super) fn copy_to(&self, data: &Path) -> io::Result<()> {
        for (tenant, made) in &*self.tenants.lock() {
            write(&data.join(DIR), tenant, made)?;
        }
        Ok(())
    }

    fn change(&self, tenant: &str, change: impl FnOnce(&mut Vec<Made>)) -> io::Result<()> {
        let dir = self.dir.get();
        let dir = dir.ok_or_else(|| io::Error::other("the data directory is not open"))?;
        let mut tenants = self.tenants.lock();
        let mut made = tenants.get(tenant).cloned().unwrap_or_default();
        change(&mut made);
        write(dir, tenant, &made)?;
        tenants.insert(tenant.to_owned(), made);
        Ok(())
    }
}

/// Names of tenants are fit for files: they name directories, too.
fn write(dir: &Path, tenant: &str, made: &[Made]) -> io::Result<()> {
    let bytes = serde_json::to_vec_pretty(made).map_err(io::Error::from)?;
    replace(dir, &format!("{tenant}{SUFFIX}"), &bytes)
}
