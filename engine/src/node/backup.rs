//! Snapshots of a node: a directory below `snapshots/` that opens as a data directory. Blocks are links, so that it costs
//! no space until they are merged away.

use super::{Node, SNAPSHOTS_DIR, TENANTS_DIR, VERSION_FILE, check_tenant_name, version_text};
use crate::error::Result;
use crate::storage::write_atomically;

impl Node {
    /// Makes a snapshot called `name` of everything that is applied now, or of what is in blocks when not told to flush.
    /// A restart of the copy has no log: what was not flushed is not in it.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for a name that is no file name; those of a flush; I/O errors, after which the directory
    /// is incomplete and has no version file.
    pub fn snapshot(&self, name: &str, flush: bool) -> Result<()> {
        check_tenant_name(name)?;
        if flush {
            self.flush()?;
        }
        let dir = format!("{SNAPSHOTS_DIR}/{name}");
        self.storage.make_dir(&dir)?;
        for (tenant, db) in self.tenants() {
            db.copy_blocks(&format!("{dir}/{TENANTS_DIR}/{tenant}"))?;
        }
        // Last: without it nobody takes the directory for a data directory.
        write_atomically(
            self.storage.as_ref(),
            &format!("{dir}/{VERSION_FILE}"),
            version_text().as_bytes(),
        )
    }
}
