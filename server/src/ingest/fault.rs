//! Why a write failed as a whole; each transport has its own code for each.

use kymo_engine::{Error, ErrorKind};

/// Why nothing of a write was stored, or nobody can say whether it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The sender's data is wrong: sending it again is useless.
    Bad(String),
    /// The body is over a limit.
    TooLarge(String),
    /// More is sent than may be: the sender must send less, and the same later.
    Limited(String),
    /// It may pass: the sender must keep its data and try again.
    Unavailable(String),
    /// The server failed.
    Internal(String),
}

impl Fault {
    /// The text for the sender.
    pub(crate) fn text(&self) -> &str {
        match self {
            Fault::Bad(text)
            | Fault::TooLarge(text)
            | Fault::Limited(text)
            | Fault::Unavailable(text)
            | Fault::Internal(text) => text,
        }
    }

    /// The code of `google.rpc.Status`: only UNAVAILABLE is tried again by senders of OTLP.
    pub(crate) fn grpc_code(&self) -> u32 {
        match self {
            Fault::Bad(_) | Fault::TooLarge(_) => 3,
            Fault::Limited(_) => 8,
            Fault::Unavailable(_) => 14,
            Fault::Internal(_) => 13,
        }
    }
}

impl From<&Error> for Fault {
    fn from(error: &Error) -> Fault {
        match error.kind() {
            ErrorKind::Invalid | ErrorKind::TooLarge => Fault::Bad(error.to_string()),
            _ => Fault::Unavailable(error.to_string()),
        }
    }
}

impl From<kymo_proto::Error> for Fault {
    fn from(error: kymo_proto::Error) -> Fault {
        match error {
            kymo_proto::Error::TooLarge { .. } => Fault::TooLarge(error.to_string()),
            _ => Fault::Bad(error.to_string()),
        }
    }
}
