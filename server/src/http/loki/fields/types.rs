//! The type that all values of a field are of, and pairs in lines that are not logfmt as a whole.

use crate::units::{parse_go_duration, parse_size_bytes};

/// Types that all values so far are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Types {
    int: bool,
    float: bool,
    boolean: bool,
    duration: bool,
    bytes: bool,
}

impl Default for Types {
    fn default() -> Types {
        Types {
            int: true,
            float: true,
            boolean: true,
            duration: true,
            bytes: true,
        }
    }
}

impl Types {
    /// Adds a value.
    pub(super) fn add(&mut self, value: &str) {
        self.int = self.int && value.parse::<i64>().is_ok();
        self.float = self.float && value.parse::<f64>().is_ok();
        self.boolean = self.boolean && matches!(value, "true" | "false");
        self.duration = self.duration && parse_go_duration(value).is_some();
        self.bytes = self.bytes && parse_size_bytes(value).is_some();
    }

    /// Loki's name of the first of its types that fits.
    pub(super) fn name(self) -> &'static str {
        let names = [
            (self.int, "int"),
            (self.float, "float"),
            (self.boolean, "boolean"),
            (self.duration, "duration"),
            (self.bytes, "bytes"),
        ];
        let fitting = names.into_iter().find(|(fits, _)| *fits);
        fitting.map_or("string", |(_, name)| name)
    }
}

/// The pairs `key=value` of a line.
pub(super) fn pairs(line: &str) -> Vec<(&str, String)> {
    let mut pairs = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find('=') {
        let key = rest[..at].rsplit(char::is_whitespace).next().unwrap_or_default();
        let after = &rest[at + 1..];
        let (value, len) = match after.strip_prefix('"') {
            Some(quoted) => {
                let mut escaped = false;
                let end = quoted.find(|c| {
                    let ends = c == '"' && !escaped;
                    escaped = c == '\\' && !escaped;
                    ends
                });
                let end = end.unwrap_or(quoted.len());
                let raw = &quoted[..end];
                let text = serde_json::from_str(&format!("\"{raw}\"")).unwrap_or_else(|_| raw.to_owned());
                (text, (end + 2).min(after.len()))
            }
            None => {
                let end = after.find(char::is_whitespace).unwrap_or(after.len());
                (after[..end].to_owned(), end)
            }
        };
        if !key.is_empty() {
            pairs.push((key, value));
        }
        rest = &after[len..];
    }
    pairs
}
