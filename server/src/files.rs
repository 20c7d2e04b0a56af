//! Small files that are replaced as a whole, durably. Not for what the store keeps.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Puts bytes in the place of a file of a directory: a reader finds the old ones or the new ones, whenever the power goes.
///
/// # Errors
/// Those of the file system; the old bytes are there then.
pub(crate) fn replace(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    if !dir.is_dir() {
        fs::create_dir_all(dir)?;
        if let Some(above) = dir.parent() {
            File::open(above)?.sync_all()?;
        }
    }
    let path = dir.join(name);
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, &path)?;
    File::open(dir)?.sync_all()
}
