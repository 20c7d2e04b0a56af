//! Storage in memory that knows what would survive a power cut: unsynced bytes and unsynced names are kept apart from
//! durable ones, and [`MemoryStorage::crash`] gives the disk as a restart would find it. For tests and offline scripts.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{File, Storage, parent};
use crate::error::{Error, Result};

/// What a power cut does to bytes and names that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// None of them survive.
    DropUnsynced,
    /// All of them survive, as after a kill of the process alone.
    KeepUnsynced,
    /// Of each unsynced write any of its 512-byte sectors survive or not, decided by the seed; names as well.
    Torn(u64),
}

/// An in-memory directory tree. Clones share it.
#[derive(Clone, Default)]
pub struct MemoryStorage {
    tree: Arc<Mutex<Tree>>,
}

#[derive(Default)]
struct Tree {
    live: BTreeMap<String, Arc<Mutex<Inode>>>,
    durable: BTreeMap<String, Arc<Mutex<Inode>>>,
    dirs: BTreeSet<String>,
}

#[derive(Default)]
struct Inode {
    live: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<(u64, Vec<u8>)>,
}

impl MemoryStorage {
    /// An empty tree.
    pub fn new() -> MemoryStorage {
        MemoryStorage::default()
    }

    /// The tree as a restart finds it after the power is cut now. This one stays as it is.
    pub fn crash(&self, crash: Crash) -> MemoryStorage {
        let tree = self.tree.lock();
        let mut dice = Dice(match crash {
            Crash::Torn(seed) => seed,
            _ => 0,
        });
        let mut survivors = if crash == Crash::KeepUnsynced {
            tree.live.clone()
        } else {
            tree.durable.clone()
        };
        if let Crash::Torn(_) = crash {
            for (path, inode) in &tree.live {
                if !survivors.contains_key(path) && dice.flip() {
                    survivors.insert(path.clone(), inode.clone());
                }
            }
            let gone: Vec<_> = survivors
                .keys()
                .filter(|p| !tree.live.contains_key(*p))
                .cloned()
                .collect();
            for path in gone {
                if dice.flip() {
                    survivors.remove(&path);
                }
            }
        }
        let files: BTreeMap<_, _> = survivors
            .into_iter()
            .map(|(path, inode)| {
                let content = surviving_content(&inode.lock(), crash, &mut dice);
                (
                    path,
                    Arc::new(Mutex::new(Inode {
                        live: content.clone(),
                        durable: content,
                        unsynced: Vec::new(),
                    })),
                )
            })
            .collect();
        let tree = Tree {
            durable: files.clone(),
            live: files,
            dirs: tree.dirs.clone(),
        };
        MemoryStorage {
            tree: Arc::new(Mutex::new(tree)),
        }
    }

    /// Flips one bit of a file, in what is durable too.
    ///
    /// # Errors
    /// When the file does not exist or is shorter.
    pub fn flip_bit(&self, path: &str, bit: u64) -> Result<()> {
        let inode = self.find(path)?;
        let mut inode = inode.lock();
        let (at, mask) = ((bit / 8) as usize, 1 << (bit % 8));
        let inode = &mut *inode;
        for bytes in [&mut inode.live, &mut inode.durable] {
            match bytes.get_mut(at) {
                Some(byte) => *byte ^= mask,
                None => return Err(Error::io("flip", path, &io::ErrorKind::UnexpectedEof.into())),
            }
        }
        Ok(())
    }

    fn find(&self, path: &str) -> Result<Arc<Mutex<Inode>>> {
        let found = self.tree.lock().live.get(path).cloned();
        found.ok_or_else(|| Error::io("open", path, &io::ErrorKind::NotFound.into()))
    }
}

fn surviving_content(inode: &Inode, crash: Crash, dice: &mut Dice) -> Vec<u8> {
    match crash {
        Crash::DropUnsynced => inode.durable.clone(),
        Crash::KeepUnsynced => inode.live.clone(),
        Crash::Torn(_) => {
            let mut content = inode.durable.clone();
            for (offset, bytes) in &inode.unsynced {
                for (i, sector) in bytes.chunks(512).enumerate() {
                    if dice.flip() {
                        write_into(&mut content, offset + 512 * i as u64, sector);
                    }
                }
            }
            content
        }
    }
}

fn write_into(content: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let end = offset as usize + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset as usize..end].copy_from_slice(bytes);
}

/// SplitMix64: enough randomness for a seeded coin.
struct Dice(u64);

impl Dice {
    fn flip(&mut self) -> bool {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) & 1 == 1
    }
}

impl Storage for MemoryStorage {
    fn create(&self, path: &str) -> Result<Arc<dyn File>> {
        let mut tree = self.tree.lock();
        let inode = Arc::new(Mutex::new(Inode::default()));
        tree.live.insert(path.to_owned(), inode.clone());
        Ok(Arc::new(MemoryFile {
            inode,
            path: path.to_owned(),
        }))
    }

    fn open(&self, path: &str) -> Result<Arc<dyn File>> {
        Ok(Arc::new(MemoryFile {
            inode: self.find(path)?,
            path: path.to_owned(),
        }))
    }

    fn exists(&self, path: &str) -> bool {
        self.tree.lock().live.contains_key(path)
    }

    fn list(&self, dir: &str) -> Result<Vec<String>> {
        let tree = self.tree.lock();
        let inside = |path: &String| {
            let rest = if dir.is_empty() {
                path
            } else {
                path.strip_prefix(dir)?.strip_prefix('/')?
            };
            Some(rest.split('/').next().unwrap_or(rest).to_owned())
        };
        let names: BTreeSet<String> = tree.live.keys().chain(&tree.dirs).filter_map(inside).collect();
        Ok(names.into_iter().filter(|name| !name.is_empty()).collect())
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        let mut tree = self.tree.lock();
        let inode = tree.live.remove(from);
        let inode = inode.ok_or_else(|| Error::io("rename", from, &io::ErrorKind::NotFound.into()))?;
        tree.live.insert(to.to_owned(), inode);
        Ok(())
    }

    fn link(&self, from: &str, to: &str) -> Result<()> {
        let mut tree = self.tree.lock();
        let inode = tree.live.get(from).cloned();
        let inode = inode.ok_or_else(|| Error::io("link", from, &io::ErrorKind::NotFound.into()))?;
        tree.live.insert(to.to_owned(), inode);
        Ok(())
    }

    fn delete(&self, path: &str) -> Result<()> {
        self.tree.lock().live.remove(path);
        Ok(())
    }

    fn make_dir(&self, dir: &str) -> Result<()> {
        self.tree.lock().dirs.insert(dir.to_owned());
        Ok(())
    }

    fn sync_dir(&self, dir: &str) -> Result<()> {
        let mut tree = self.tree.lock();
        let live: BTreeMap<_, _> = tree
            .live
            .iter()
            .filter(|(p, _)| parent(p) == dir)
            .map(|(p, i)| (p.clone(), i.clone()))
            .collect();
        tree.durable.retain(|path, _| parent(path) != dir);
        tree.durable.extend(live);
        Ok(())
    }

    fn free_bytes(&self) -> Result<u64> {
        Ok(u64::MAX)
    }
}

struct MemoryFile {
    inode: Arc<Mutex<Inode>>,
    path: String,
}

impl File for MemoryFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<()> {
        let inode = self.inode.lock();
        let from = offset as usize;
        match inode.live.get(from..from.saturating_add(buf.len())) {
            Some(bytes) => buf.copy_from_slice(bytes),
            None => {
                return Err(Error::io(
                    "read",
                    &self.path,
                    &io::ErrorKind::UnexpectedEof.into(),
                ));
            }
        }
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let mut inode = self.inode.lock();
        write_into(&mut inode.live, offset, bytes);
        inode.unsynced.push((offset, bytes.to_vec()));
        Ok(())
    }

    fn len(&self) -> Result<u64> {
        Ok(self.inode.lock().live.len() as u64)
    }

    fn sync(&self) -> Result<()> {
        let mut inode = self.inode.lock();
        for (offset, bytes) in std::mem::take(&mut inode.unsynced) {
            write_into(&mut inode.durable, offset, &bytes);
        }
        Ok(())
    }

    fn path(&self) -> &str {
        &self.path
    }
}
