//! Where bytes live: the one trait through which the engine does I/O, so that tests own what a crash leaves behind.
//! Paths are relative to the data directory with `/` between names. Not for objects in a bucket.

pub mod faulty;
pub mod local;
pub mod memory;

pub use faulty::{Fault, FaultKind, FaultyStorage};
pub use local::LocalStorage;
pub use memory::{Crash, MemoryStorage};

use std::sync::Arc;

use crate::error::Result;

/// A directory tree of files.
///
/// A new, renamed or deleted name is durable only after [`Storage::sync_dir`] of its directory, content only after
/// [`File::sync`].
pub trait Storage: Send + Sync {
    /// Creates an empty file for reading and writing, replacing an existing one.
    fn create(&self, path: &str) -> Result<Arc<dyn File>>;
    /// Opens an existing file for reading and writing.
    fn open(&self, path: &str) -> Result<Arc<dyn File>>;
    /// True when the file exists.
    fn exists(&self, path: &str) -> bool;
    /// Names of the files and directories in `dir`, sorted; empty when `dir` does not exist.
    fn list(&self, dir: &str) -> Result<Vec<String>>;
    /// Renames a file within its directory, replacing the target.
    fn rename(&self, from: &str, to: &str) -> Result<()>;
    /// Gives a file a second name in another directory; the content is shared.
    fn link(&self, from: &str, to: &str) -> Result<()>;
    /// Deletes a file; one that does not exist is fine.
    fn delete(&self, path: &str) -> Result<()>;
    /// Creates a directory and its parents, durably.
    fn make_dir(&self, dir: &str) -> Result<()>;
    /// Makes the names in `dir` durable.
    fn sync_dir(&self, dir: &str) -> Result<()>;
    /// Bytes that can still be written.
    fn free_bytes(&self) -> Result<u64>;
}

/// An open file. All methods work at explicit positions and from any thread.
pub trait File: Send + Sync {
    /// Reads exactly `buf.len()` bytes at `offset`; a file that ends earlier is an error.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<()>;
    /// Writes all of `bytes` at `offset`, growing the file as needed.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()>;
    /// Length in bytes.
    fn len(&self) -> Result<u64>;
    /// Makes the content durable.
    fn sync(&self) -> Result<()>;

    /// True when the file has no bytes.
    fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// The `len` bytes at `offset`, after checking that the file holds them.
    fn read_vec(&self, offset: u64, len: usize) -> Result<Vec<u8>> {
        let end = offset.saturating_add(len as u64);
        if end > self.len()? {
            return Err(crate::error::Error::Corrupt {
                file: self.path().into(),
                offset,
                what: "file ends before the bytes it should hold",
            });
        }
        let mut buf = vec![0; len];
        self.read_at(offset, &mut buf)?;
        Ok(buf)
    }

    /// The path the file was opened under, for messages.
    fn path(&self) -> &str;
}

/// The directory part of a path, empty at the root.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// Writes a whole small file so that after a crash it has either its old content or all of the new.
pub fn write_atomically(storage: &dyn Storage, path: &str, bytes: &[u8]) -> Result<()> {
    let temporary = format!("{path}.tmp");
    let file = storage.create(&temporary)?;
    file.write_at(0, bytes)?;
    file.sync()?;
    storage.rename(&temporary, path)?;
    storage.sync_dir(parent(path))
}

#[cfg(test)]
mod tests;
