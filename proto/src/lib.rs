//! Wire messages of Kymo's dialects: bytes to plain structs that borrow from the body, and back.
//! Not for validation of what the messages say (the server's ingest) nor for storage formats (the engine).

#![forbid(unsafe_code)]

pub mod chunks;
pub mod error;
pub mod histogram;
pub mod loki;
pub mod otlp;
mod quick;
mod region;
pub mod remote_read;
pub mod remote_write;
pub mod snappy;
pub mod tempo;
pub mod wire;

pub use error::{Error, Result};
