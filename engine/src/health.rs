//! Whether writes are accepted: the states of a full disk, which ends by itself, and of a failed sync, which does not.
//! One per node, shared by the log and every store.

use parking_lot::Mutex;

use crate::error::{Error, Result};

/// What the node does with writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Accepts them.
    Writable,
    /// Refuses them until space is back.
    DiskFull,
    /// Refuses them until a restart: after a failed sync nobody knows what is on the disk.
    Poisoned {
        /// The file whose sync failed.
        path: std::path::PathBuf,
        /// The system's message.
        cause: String,
    },
}

/// The shared state.
#[derive(Debug)]
pub struct Health {
    state: Mutex<State>,
}

impl Default for Health {
    fn default() -> Health {
        Health {
            state: Mutex::new(State::Writable),
        }
    }
}

impl Health {
    /// The state now.
    pub fn state(&self) -> State {
        self.state.lock().clone()
    }

    /// `Ok` while writes are accepted.
    pub fn check_writable(&self) -> Result<()> {
        match &*self.state.lock() {
            State::Writable => Ok(()),
            State::DiskFull => Err(Error::DiskFull),
            State::Poisoned { path, cause } => Err(Error::Poisoned {
                path: path.clone(),
                cause: cause.clone(),
            }),
        }
    }

    /// `Ok` unless a sync failed.
    pub fn check_not_poisoned(&self) -> Result<()> {
        match self.check_writable() {
            Err(e @ Error::Poisoned { .. }) => Err(e),
            _ => Ok(()),
        }
    }

    /// Notes a failed write: a full disk makes the node read-only, a failed sync on the way poisons it, anything else
    /// concerns that write alone.
    pub fn write_failed(&self, error: &Error) {
        if let Error::Io { doing: "sync", .. } = error {
            return self.sync_failed(error);
        }
        let mut state = self.state.lock();
        if error.is_disk_full() && *state == State::Writable {
            *state = State::DiskFull;
        }
    }

    /// Notes a failed sync.
    pub fn sync_failed(&self, error: &Error) {
        let (path, cause) = match error {
            Error::Io { path, cause, .. } => (path.clone(), cause.clone()),
            other => (std::path::PathBuf::new(), other.to_string()),
        };
        *self.state.lock() = State::Poisoned { path, cause };
    }

    /// Accepts writes again after a full disk.
    pub fn space_is_back(&self) {
        let mut state = self.state.lock();
        if *state == State::DiskFull {
            *state = State::Writable;
        }
    }
}
