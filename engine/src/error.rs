//! What can go wrong in the engine, as facts with fields, and the kind that tells a caller what to do about it.
//! Expected outcomes (a torn tail, a duplicate sample) are not errors and do not appear here.

use std::path::PathBuf;

/// Result of the engine's fallible operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the engine.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An I/O operation failed.
    #[error("cannot {doing} {path}: {cause}")]
    Io {
        /// What was attempted, as a verb: `read`, `write`, `sync`.
        doing: &'static str,
        /// The file or directory, relative to the data directory where it lies inside.
        path: PathBuf,
        /// The system's error kind.
        kind: std::io::ErrorKind,
        /// The system's message.
        cause: String,
    },
    /// Stored bytes do not say what they must.
    #[error("corrupt {file} at byte {offset}: {what}")]
    Corrupt {
        /// The file.
        file: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// A file was written by a newer version of Kymo.
    #[error("{file} has format version {found}, this build reads up to {supported}: use a newer kymo")]
    UnsupportedVersion {
        /// The file.
        file: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version this build reads.
        supported: u32,
    },
    /// Another process uses the data directory.
    #[error("{path} is locked by another process")]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The disk is full; the store is read-only until space is back.
    #[error("the disk of the data directory is full: writes are refused until space is freed")]
    DiskFull,
    /// A sync failed earlier, so nothing more may be acknowledged by this process.
    #[error("an earlier sync of {path} failed ({cause}): writes are refused until a restart")]
    Poisoned {
        /// The file whose sync failed.
        path: PathBuf,
        /// The system's message.
        cause: String,
    },
    /// Too much waits to be synced or to be flushed.
    #[error("{queued_bytes} bytes are waiting to be written, the limit is {limit_bytes}")]
    Overloaded {
        /// Bytes that wait.
        queued_bytes: u64,
        /// The limit.
        limit_bytes: u64,
    },
    /// The node is shutting down.
    #[error("the store is closed")]
    Closed,
    /// A name or a value of the caller breaks a rule.
    #[error("{what}: {value:?}")]
    Invalid {
        /// The broken rule.
        what: &'static str,
        /// The offending input.
        value: String,
    },
    /// The caller's own source of labels gave the write up; nothing was queued.
    #[error("the write was given up by its sender's side")]
    Aborted,
    /// The query's budget is spent; the text is the query dialect's own.
    #[error("{0}")]
    Budget(#[from] BudgetExceeded),
}

/// Which limit of a query's budget was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BudgetExceeded {
    /// Too many samples in memory.
    #[error("query processing would load too many samples into memory")]
    Samples,
    /// Too many bytes in memory.
    #[error("query processing would use more than {limit_bytes} bytes of memory")]
    Bytes {
        /// The limit.
        limit_bytes: u64,
    },
    /// The deadline passed.
    #[error("query timed out")]
    Deadline,
    /// The caller went away.
    #[error("query was canceled")]
    Canceled,
}

/// What a caller should do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Fix the request.
    Invalid,
    /// Ask for less.
    TooLarge,
    /// Retry later.
    Overloaded,
    /// Retry with a longer deadline.
    Timeout,
    /// Restore the named file from a copy.
    Corrupt,
    /// Retry once the operator has acted.
    Unavailable,
    /// Report it.
    Internal,
}

impl Error {
    /// What the caller should do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Io { .. } => ErrorKind::Internal,
            Error::Corrupt { .. } => ErrorKind::Corrupt,
            Error::UnsupportedVersion { .. } | Error::Locked { .. } => ErrorKind::Unavailable,
            Error::DiskFull | Error::Poisoned { .. } | Error::Closed => ErrorKind::Unavailable,
            Error::Overloaded { .. } => ErrorKind::Overloaded,
            Error::Invalid { .. } | Error::Aborted => ErrorKind::Invalid,
            Error::Budget(BudgetExceeded::Deadline | BudgetExceeded::Canceled) => ErrorKind::Timeout,
            Error::Budget(_) => ErrorKind::TooLarge,
        }
    }

    /// Wraps a system error with what was attempted and where.
    pub fn io(doing: &'static str, path: impl Into<PathBuf>, source: &std::io::Error) -> Error {
        Error::Io {
            doing,
            path: path.into(),
            kind: source.kind(),
            cause: source.to_string(),
        }
    }

    /// True when the cause is a full disk or an exhausted quota.
    pub fn is_disk_full(&self) -> bool {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(
            self,
            Error::DiskFull
                | Error::Io {
                    kind: StorageFull | QuotaExceeded,
                    ..
                }
        )
    }
}
