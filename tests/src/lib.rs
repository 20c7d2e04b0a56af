//! What the integration tests share: an in-process server on a free port, a plain HTTP client, waiting by condition,
//! and the paths of the real inputs beside the repository.

#![forbid(unsafe_code)]

pub mod client;
pub mod compare;
pub mod grpc;
pub mod packages;
pub mod peer;
pub mod recording;
pub mod server;
pub mod shop;
pub mod traces;
pub mod wait;

use std::path::PathBuf;

/// A file of the real inputs in `../shared` beside the repository; absent, it says so and gives `None`, and the test
/// that asks passes without having tested anything.
pub fn shared(path: &str) -> Option<PathBuf> {
    let full = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")).join(path);
    if full.exists() {
        return Some(full);
    }
    note(&format!("SKIPPED: {} is absent", full.display()));
    None
}

/// Prints what a person reading a test's output should know.
pub fn note(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{text}");
}
