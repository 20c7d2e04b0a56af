//! Tests of the storages: what survives a crash, and that faults strike where they are armed.

use super::*;
use crate::error::Error;

fn read_all(storage: &dyn Storage, path: &str) -> Vec<u8> {
    let file = storage.open(path).unwrap();
    file.read_vec(0, file.len().unwrap() as usize).unwrap()
}

#[test]
fn unsynced_bytes_and_names_are_lost_in_a_power_cut() {
    let storage = MemoryStorage::new();
    let kept = storage.create("d/kept").unwrap();
    kept.write_at(0, b"durable").unwrap();
    kept.sync().unwrap();
    storage.sync_dir("d").unwrap();
    kept.write_at(7, b" and not").unwrap();
    let nameless = storage.create("d/nameless").unwrap();
    nameless.write_at(0, b"synced, but its name is not").unwrap();
    nameless.sync().unwrap();

    let after = storage.crash(Crash::DropUnsynced);
    assert_eq!(read_all(&after, "d/kept"), b"durable");
    assert_eq!(after.list("d").unwrap(), ["kept"]);
    let killed = storage.crash(Crash::KeepUnsynced);
    assert_eq!(read_all(&killed, "d/kept"), b"durable and not");
    assert!(killed.exists("d/nameless"));
}

#[test]
fn renames_and_deletes_need_a_directory_sync() {
    let storage = MemoryStorage::new();
    storage.create("a").unwrap().sync().unwrap();
    storage.create("b").unwrap().sync().unwrap();
    storage.sync_dir("").unwrap();
    storage.rename("a", "c").unwrap();
    storage.delete("b").unwrap();
    assert_eq!(storage.crash(Crash::DropUnsynced).list("").unwrap(), ["a", "b"]);
    storage.sync_dir("").unwrap();
    assert_eq!(storage.crash(Crash::DropUnsynced).list("").unwrap(), ["c"]);
}

#[test]
fn faults_strike_at_their_call() {
    let memory = MemoryStorage::new();
    let storage = FaultyStorage::new(
        Arc::new(memory.clone()),
        Some(Fault {
            at: 1,
            kind: FaultKind::Tear,
        }),
    );
    let file = storage.create("f").unwrap();
    assert!(matches!(
        file.write_at(0, b"abcd"),
        Err(Error::Io { doing: "write", .. })
    ));
    assert_eq!(read_all(&memory, "f"), b"ab");
    file.write_at(0, b"abcd").unwrap();
    storage.arm(Fault {
        at: 0,
        kind: FaultKind::DiskFull,
    });
    assert!(file.write_at(0, b"x").unwrap_err().is_disk_full());
    assert!(file.sync().is_ok(), "a full disk does not stop syncs");
    storage.heal();
    file.write_at(0, b"x").unwrap();
}

#[test]
fn a_data_directory_is_held_once() {
    let dir = tempfile::tempdir().unwrap();
    let first = LocalStorage::open(dir.path()).unwrap();
    assert!(matches!(
        LocalStorage::open(dir.path()),
        Err(Error::Locked { .. })
    ));
    drop(first);
    let again = LocalStorage::open(dir.path()).unwrap();
    again.make_dir("x/y").unwrap();
    write_atomically(&again, "x/y/f", b"one").unwrap();
    write_atomically(&again, "x/y/f", b"two").unwrap();
    assert_eq!(read_all(&again, "x/y/f"), b"two");
    assert_eq!(again.list("x/y").unwrap(), ["f"]);
    assert_eq!(again.list("x/none").unwrap(), [] as [&str; 0]);
    assert!(again.free_bytes().unwrap() > 0);
}
