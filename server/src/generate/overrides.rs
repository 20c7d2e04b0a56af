//! What users of Tempo's API set for their tenant's metrics from spans: the document, what it changes of the configuration,
//! and where it is kept: a file per tenant in `overrides/` of the data directory, replaced atomically and synced. Not for the
//! requests that read and write it.

mod document;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::config::Generate;
use crate::files::replace;
pub(crate) use document::Limits;

/// The directory's name below that of the data.
const DIR: &str = "overrides";
const SUFFIX: &str = ".json";

/// What a tenant has set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stored {
    /// Rises with every change.
    pub(crate) version: i64,
    pub(crate) limits: Limits,
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// The version the caller knows is not the one that is stored.
    #[error("version does not match")]
    Version,
    /// There is nothing to delete.
    #[error("does not exist")]
    Missing,
    /// What is set is not possible.
    #[error("{0}")]
    Invalid(String),
    /// It could not be stored.
    #[error("cannot store overrides: {0}")]
    Io(#[from] io::Error),
}

/// What tenants have set.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    dir: OnceLock<PathBuf>,
    tenants: Mutex<BTreeMap<String, Stored>>,
}

impl Overrides {
    /// Reads what is stored in a data directory. A file that does not read is reported and left alone.
    pub(crate) fn open(&self, data: &Path, base: &Generate) {
        let dir = self.dir.get_or_init(|| data.join(DIR));
        let Ok(entries) = fs::read_dir(dir) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(tenant) = name.and_then(|name| name.strip_suffix(SUFFIX)) else {
                continue;
            };
            match read(&path, base) {
                Ok(stored) => drop(self.tenants.lock().insert(tenant.to_owned(), stored)),
                Err(error) => {
                    tracing::warn!(%error, path = %path.display(), "overrides cannot be read and are not applied")
                }
            }
        }
    }

    /// What a tenant has set.
    pub(crate) fn of(&self, tenant: &str) -> Option<Stored> {
        self.tenants.lock().get(tenant).cloned()
    }

    /// What all tenants have set.
    pub(crate) fn all(&self) -> BTreeMap<String, Stored> {
        self.tenants.lock().clone()
    }

    /// Replaces what a tenant has set by what `change` makes of it, durably, and gives what is stored then. `expected` is the
    /// version the caller knows, 0 for none, `None` for whichever it is.
    ///
    /// # Errors
    /// [`Refused`]; nothing is changed then.
    pub(crate) fn replace(
        &self,
        tenant: &str,
        expected: Option<i64>,
        now_ms: i64,
        change: impl FnOnce(Option<&Limits>) -> Result<Limits, String>,
    ) -> Result<Stored, Refused> {
        let mut tenants = self.tenants.lock();
        let known = tenants.get(tenant);
        let version = known.map_or(0, |stored| stored.version);
        if expected.is_some_and(|expected| expected != version) {
            return Err(Refused::Version);
        }
        let limits = change(known.map(|stored| &stored.limits)).map_err(Refused::Invalid)?;
        let stored = Stored {
            // A version that was deleted does not come back.
            version: now_ms.max(version + 1),
            limits,
        };
        let bytes = serde_json::to_vec_pretty(&stored).map_err(io::Error::from)?;
        write(self.dir()?, tenant, &bytes)?;
        tenants.insert(tenant.to_owned(), stored.clone());
        Ok(stored)
    }

    /// Forgets what a tenant has set, durably.
    ///
    /// # Errors
    /// [`Refused`]; nothing is changed then.
    pub(crate) fn delete(&self, tenant: &str, expected: i64) -> Result<(), Refused> {
        let mut tenants = self.tenants.lock();
        let known = tenants.get(tenant).ok_or(Refused::Missing)?;
        if known.version != expected {
            return Err(Refused::Version);
        }
        let dir = self.dir()?;
        fs::remove_file(path(dir, tenant))?;
        File::open(dir)?.sync_all()?;
        tenants.remove(tenant);
        Ok(())
    }

    /// Writes what tenants have set to another data directory.
    ///
    /// # Errors
    /// Those of writing.
    pub(crate) fn copy_to(&self, data: &Path) -> io::Result<()> {
        for (tenant, stored) in &*self.tenants.lock() {
            let bytes = serde_json::to_vec_pretty(stored).map_err(io::Error::from)?;
            write(&data.join(DIR), tenant, &bytes)?;
        }
        Ok(())
    }

    fn dir(&self) -> io::Result<&Path> {
        let dir = self
            .dir
            .get()
            .ok_or_else(|| io::Error::other("the data directory is not open"))?;
        Ok(dir)
    }
}

/// Names of tenants are fit for files: they name directories, too.
fn path(dir: &Path, tenant: &str) -> PathBuf {
    dir.join(format!("{tenant}{SUFFIX}"))
}

fn read(path: &Path, base: &Generate) -> Result<Stored, String> {
    let bytes = fs::read(path).map_err(|e| e.to_string())?;
    let stored: Stored = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
    stored.limits.applied_to(base).map(|_| stored)
}

fn write(dir: &Path, tenant: &str, bytes: &[u8]) -> io::Result<()> {
    replace(dir, &format!("{tenant}{SUFFIX}"), bytes)
}

#[cfg(test)]
mod tests;
