//! What an id is, told by how it is written. Not for where it is found.

use kymo_engine::traces::TraceId;

use crate::http::json::hex;

/// Most bytes of an id.
const BYTES_MAX: usize = 256;

/// Fewest hexadecimal digits that are an id wherever they stand.
const DIGITS_MIN: usize = 16;

/// An id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Id {
    /// As it was asked for.
    pub(super) text: String,
    /// The trace that it may be the id of.
    pub(super) trace: Option<TraceId>,
    /// Spellings that are this id wherever they stand.
    pub(super) spellings: Vec<String>,
}

impl Id {
    /// Reads an id.
    ///
    /// # Errors
    /// It is empty or too long.
    pub(super) fn read(text: &str) -> Result<Id, String> {
        let text = text.trim();
        if text.is_empty() || text.len() > BYTES_MAX {
            return Err(format!("an id has 1 to {BYTES_MAX} bytes"));
        }
        let digits = match is_uuid(text) {
            true => text.replace('-', ""),
            false => text.to_owned(),
        };
        let is_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        let trace = match is_hex && digits.len() <= 32 {
            true => u128::from_str_radix(&digits, 16).ok().map(u128::to_be_bytes),
            false => None,
        };
        let mut spellings = Vec::new();
        if is_hex && digits.len() >= DIGITS_MIN {
            spellings.push(digits.to_ascii_lowercase());
        }
        if let Some(trace) = &trace {
            let whole = hex(trace);
            spellings.push(dashed(&whole));
            spellings.push(whole);
        }
        spellings.sort();
        spellings.dedup();
        Ok(Id {
            text: text.to_owned(),
            trace,
            spellings,
        })
    }
}

/// `8-4-4-4-12` digits.
fn dashed(digits: &str) -> String {
    let ends = [8, 12, 16, 20, 32];
    let mut at = 0;
    let parts = ends.map(|end| &digits[std::mem::replace(&mut at, end)..end]);
    parts.join("-")
}

fn is_uuid(text: &str) -> bool {
    let lens = text.split('-').map(str::len);
    lens.eq([8, 4, 4, 4, 12]) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_all_their_spellings() {
        let id = |text: &str| Id::read(text).unwrap();
        let whole = "0af7651916cd43dd8448eb211c80319c";
        let dashed = "0af76519-16cd-43dd-8448-eb211c80319c";
        assert_eq!(id(whole).spellings, [dashed, whole]);
        assert_eq!(id(dashed).spellings, [dashed, whole]);
        assert_eq!(id(dashed).trace, id(&whole.to_uppercase()).trace);
        // Zeros at the beginning of a trace's id may be left out.
        assert_eq!(id("abc1").trace, id("0000000000000000000000000000abc1").trace);
        assert_eq!(id("user-7").trace, None);
        assert_eq!(id("user-7").spellings, [""; 0]);
        assert_eq!(id(&"a".repeat(40)).spellings, ["a".repeat(40)]);
        assert!(Id::read(" ").is_err());
        assert!(Id::read(&"x".repeat(257)).is_err());
    }
}
