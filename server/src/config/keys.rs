//! The table of configuration keys: path, default, meaning, and how each is read and shown. Parsing, `--print-config`,
//! the `KYMO_*` names and the README's table all come from it.

mod base;
mod features;
mod generate;
mod graph;
mod ingest;
mod log_questions;
mod logs;
mod outside;
mod reading;
mod values;

use std::fmt::Write;

use super::Config;

/// The message of remote write 1.0.
pub const REMOTE_WRITE_V1: &str = "prometheus.WriteRequest";
/// The message of remote write 2.0.
pub const REMOTE_WRITE_V2: &str = "io.prometheus.write.v2.Request";

/// One configuration key.
pub struct Key {
    /// Path in the YAML file, sections parted by a dot.
    pub path: &'static str,
    /// Default, as written in a file.
    pub default: &'static str,
    /// One sentence for the README.
    pub doc: &'static str,
    /// Whether the file may also give a list.
    pub list: bool,
    /// Reads a value into the configuration; the error says what is expected.
    pub(crate) apply: fn(&mut Config, &str) -> Result<(), String>,
    /// Writes the value in the form in which it is read.
    pub show: fn(&Config) -> String,
}

impl Key {
    /// The environment variable that overrides the key.
    pub fn variable(&self) -> String {
        format!("KYMO_{}", self.path.replace('.', "_").to_uppercase())
    }
}

/// All keys; keys of one section stand together.
pub fn all() -> impl Iterator<Item = &'static Key> {
    let groups = [
        base::KEYS,
        ingest::KEYS,
        logs::KEYS,
        log_questions::KEYS,
        generate::KEYS,
        graph::KEYS,
        reading::KEYS,
        features::KEYS,
        outside::KEYS,
    ];
    groups.into_iter().flatten()
}

/// The key of a path.
pub fn find(path: &str) -> Option<&'static Key> {
    all().find(|key| key.path == path)
}

/// The README's table of keys.
pub fn markdown_table() -> String {
    let mut out = String::from("| key | default | meaning |\n|---|---|---|\n");
    for key in all() {
        let default = if key.default.is_empty() {
            "(empty)"
        } else {
            key.default
        };
        let _ = writeln!(out, "| `{}` | `{default}` | {} |", key.path, key.doc);
    }
    out
}
