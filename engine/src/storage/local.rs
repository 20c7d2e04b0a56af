//! Storage in a directory of the local file system, held under an exclusive lock.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{File, Storage, parent};
use crate::error::{Error, Result};

const LOCK_FILE: &str = "LOCK";

/// A locked data directory.
#[derive(Debug)]
pub struct LocalStorage {
    root: PathBuf,
    _lock: fs::File,
}

impl LocalStorage {
    /// Opens a data directory, creating it when missing, and locks it against other processes.
    ///
    /// # Errors
    /// [`Error::Locked`] when another process holds it; [`Error::Io`] when it cannot be created or written.
    pub fn open(root: impl Into<PathBuf>) -> Result<LocalStorage> {
        let root = root.into();
        fs::create_dir_all(&root).map_err(|e| Error::io("create", &root, &e))?;
        let path = root.join(LOCK_FILE);
        let lock = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|e| Error::io("open", &path, &e))?;
        match lock.try_lock() {
            Ok(()) => Ok(LocalStorage { root, _lock: lock }),
            Err(fs::TryLockError::WouldBlock) => Err(Error::Locked { path }),
            Err(fs::TryLockError::Error(e)) => Err(Error::io("lock", &path, &e)),
        }
    }

    /// The data directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn open_with(&self, path: &str, options: &mut fs::OpenOptions) -> Result<Arc<dyn File>> {
        let file = options
            .open(self.root.join(path))
            .map_err(|e| Error::io("open", path, &e))?;
        Ok(Arc::new(LocalFile {
            file,
            path: path.to_owned(),
        }))
    }
}

impl Storage for LocalStorage {
    fn create(&self, path: &str) -> Result<Arc<dyn File>> {
        self.open_with(
            path,
            fs::OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true),
        )
    }

    fn open(&self, path: &str) -> Result<Arc<dyn File>> {
        self.open_with(path, fs::OpenOptions::new().read(true).write(true))
    }

    fn exists(&self, path: &str) -> bool {
        fs::metadata(self.root.join(path)).is_ok()
    }

    fn list(&self, dir: &str) -> Result<Vec<String>> {
        let entries = match fs::read_dir(self.root.join(dir)) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(Error::io("list", dir, &e)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| Error::io("list", dir, &e))?;
            names.extend(entry.file_name().into_string());
        }
        names.sort();
        Ok(names)
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        #[expect(clippy::disallowed_methods, reason = "this is the storage module")]
        fs::rename(self.root.join(from), self.root.join(to)).map_err(|e| Error::io("rename", from, &e))
    }

    fn link(&self, from: &str, to: &str) -> Result<()> {
        fs::hard_link(self.root.join(from), self.root.join(to)).map_err(|e| Error::io("link", to, &e))
    }

    fn delete(&self, path: &str) -> Result<()> {
        #[expect(clippy::disallowed_methods, reason = "this is the storage module")]
        match fs::remove_file(self.root.join(path)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io("delete", path, &e)),
            _ => Ok(()),
        }
    }

    fn make_dir(&self, dir: &str) -> Result<()> {
        let full = self.root.join(dir);
        if full.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(&full).map_err(|e| Error::io("create", dir, &e))?;
        let mut at = dir;
        while !at.is_empty() {
            at = parent(at);
            self.sync_dir(at)?;
        }
        Ok(())
    }

    fn sync_dir(&self, dir: &str) -> Result<()> {
        #[expect(clippy::disallowed_methods, reason = "this is the storage module")]
        fs::File::open(self.root.join(dir))
            .and_then(|d| d.sync_all())
            .map_err(|e| Error::io("sync", dir, &e))
    }

    fn free_bytes(&self) -> Result<u64> {
        let stat = rustix::fs::statvfs(&self.root).map_err(|e| Error::io("stat", &self.root, &e.into()))?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

struct LocalFile {
    file: fs::File,
    path: String,
}

impl File for LocalFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<()> {
        self.file
            .read_exact_at(buf, offset)
            .map_err(|e| Error::io("read", &self.path, &e))
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all_at(bytes, offset)
            .map_err(|e| Error::io("write", &self.path, &e))
    }

    fn len(&self) -> Result<u64> {
        Ok(self
            .file
            .metadata()
            .map_err(|e| Error::io("stat", &self.path, &e))?
            .len())
    }

    fn sync(&self) -> Result<()> {
        self.file
            .sync_data()
            .map_err(|e| Error::io("sync", &self.path, &e))
    }

    fn path(&self) -> &str {
        &self.path
    }
}
