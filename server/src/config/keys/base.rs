//! Keys of the node: where its data lies, where it listens, what it keeps.

use std::path::PathBuf;

use super::Key;
use super::values::{address, duration, non_empty, on_off, size, wal_sync};
use crate::units::{duration_text, size_text};

pub(super) const KEYS: &[Key] = &[
    Key {
        path: "data_dir",
        default: "./kymo-data",
        doc: "Directory of all data, created when absent, used by one process at a time.",
        list: false,
        apply: |c, v| non_empty(v).map(|v| c.data_dir = PathBuf::from(v)),
        show: |c| c.data_dir.display().to_string(),
    },
    Key {
        path: "listen",
        default: "127.0.0.1:9090",
        doc: "`HOST:PORT` of the main listener (HTTP/1.1 and h2c); port 0 takes a free one.",
        list: false,
        apply: |c, v| address(v).map(|v| c.listen = v),
        show: |c| c.listen.clone(),
    },
    Key {
        path: "tenancy",
        default: "off",
        doc: "`on`: `X-Scope-OrgID` picks the tenant and a request without it is answered 401; `off`: the header is ignored.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.tenancy = v),
        show: |c| if c.tenancy { "on" } else { "off" }.to_owned(),
    },
    Key {
        path: "retention.time",
        default: "15d",
        doc: "Age from which samples are dropped and refused; `0s` keeps everything.",
        list: false,
        apply: |c, v| duration(v).map(|v| c.retention.time_ms = v),
        show: |c| duration_text(c.retention.time_ms),
    },
    Key {
        path: "retention.size",
        default: "0",
        doc: "Size of all blocks above which the oldest are dropped; `0` is without limit.",
        list: false,
        apply: |c, v| size(v).map(|v| c.retention.size_bytes = v),
        show: |c| size_text(c.retention.size_bytes),
    },
    Key {
        path: "wal.sync",
        default: "always",
        doc: "`always`: synced before it is acknowledged; `interval`: synced in the background; `off`: left to the system.",
        list: false,
        apply: |c, v| wal_sync(v).map(|v| c.wal_sync = v),
        show: |c| c.wal_sync.to_string(),
    },
];
