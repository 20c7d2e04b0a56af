//! Tests of the block container.

use std::sync::Arc;

use proptest::prelude::*;

use super::writer::Written;
use super::*;
use crate::cache::BlockCache;
use crate::error::Error;
use crate::storage::{MemoryStorage, Storage};

fn meta() -> BlockMeta {
    BlockMeta {
        id: 7,
        level: 1,
        day: 19_000,
        min_time: 0,
        max_time: 0,
        min_seq: 3,
        max_seq: 9,
        rows: 0,
        groups: 0,
        bytes: 0,
    }
}

fn write(storage: &MemoryStorage) -> BlockMeta {
    let mut writer = BlockWriter::create(storage, "b", 1, Temperature::Young).unwrap();
    writer.section(1, &b"section one ".repeat(100)).unwrap();
    for n in 0..3u8 {
        assert_eq!(writer.page(2, &[n; 500], Codec::Plain).unwrap(), u32::from(n));
    }
    writer.page(3, b"a page of another section", Codec::Zstd).unwrap();
    writer
        .finish(
            storage,
            meta(),
            Written {
                min_time: -5,
                max_time: 50,
                rows: 12,
                groups: 2,
            },
        )
        .unwrap()
}

fn open(storage: &MemoryStorage) -> crate::error::Result<BlockFile> {
    BlockFile::open(storage, "b", Arc::new(BlockCache::new(1 << 20)))
}

#[test]
fn sections_pages_and_meta_come_back() {
    let storage = MemoryStorage::new();
    let meta = write(&storage);
    let block = open(&storage).unwrap();
    assert_eq!(block.meta(), &meta);
    assert_eq!((meta.min_time, meta.rows, meta.max_seq), (-5, 12, 9));
    assert_eq!(&*block.section(1).unwrap(), b"section one ".repeat(100));
    assert_eq!(&*block.page(2, 1).unwrap(), [1; 500]);
    assert_eq!(&*block.page(3, 0).unwrap(), b"a page of another section");
    assert!(block.section(99).unwrap().is_empty());
    assert!(matches!(block.page(2, 3), Err(Error::Corrupt { .. })));
    block.verify().unwrap();
}

#[test]
fn a_newer_version_is_refused_by_name() {
    let storage = MemoryStorage::new();
    let meta = write(&storage);
    storage
        .open("b")
        .unwrap()
        .write_at(meta.bytes - 16, &9u32.to_le_bytes())
        .unwrap();
    let refused = open(&storage).err().unwrap();
    assert!(
        matches!(
            refused,
            Error::UnsupportedVersion {
                found: 9,
                supported: 2,
                ..
            }
        ),
        "{refused}"
    );
}

proptest! {
    /// Every flipped bit is either found or was in bytes nobody reads.
    #[test]
    fn flipped_bits_are_found(at in 16u64.., bit in 0u64..8) {
        let storage = MemoryStorage::new();
        let meta = write(&storage);
        let at = 16 + at % (meta.bytes - 16);
        let padding = meta.bytes - 12..meta.bytes - 8;
        storage.flip_bit("b", at * 8 + bit).unwrap();
        let found = open(&storage).and_then(|b| b.verify());
        prop_assert!(found.is_err() || padding.contains(&at), "byte {} of {}", at, meta.bytes);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let storage = MemoryStorage::new();
        storage.create("b").unwrap().write_at(0, &bytes).unwrap();
        prop_assert!(open(&storage).is_err());
    }
}
