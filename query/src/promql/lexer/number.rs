//! How far a number reaches. Not for its value (see [`crate::number`]).

use crate::number;

/// Length of what a reader takes for one word that starts like a number: letters, digits, dots, and the sign of an exponent.
pub(super) fn run_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let hex = bytes.len() > 1 && bytes[0] == b'0' && matches!(bytes[1], b'x' | b'X');
    let mut at = 0;
    while at < bytes.len() {
        let exponent_sign = at > 0
            && matches!(bytes[at], b'+' | b'-')
            && if hex {
                matches!(bytes[at - 1], b'p' | b'P')
            } else {
                matches!(bytes[at - 1], b'e' | b'E')
            }
            && number::parse(&text[..at - 1]).is_some()
            && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        if !(bytes[at].is_ascii_alphanumeric() || bytes[at] == b'.' || bytes[at] == b'_' || exponent_sign) {
            break;
        }
        at += 1;
    }
    at
}

/// The length of the number that is the whole run.
pub(super) fn number_len(text: &str, run: usize) -> Option<usize> {
    number::parse(&text[..run]).is_some().then_some(run)
}
