//! What kinds of bytes there are in lines, looked up in a table: every byte of every line is asked for several times.

/// Goes on a word of a template: letters, digits, `_`, `.` and `-`.
pub(super) const WORD: u8 = 1;
/// Digits.
pub(super) const DIGIT: u8 = 2;
/// Stands in a key of logfmt.
pub(super) const KEY: u8 = 4;
/// Stands in a bare value of logfmt.
pub(super) const VALUE: u8 = 8;
/// Goes on a word that text filters know: letters, digits and bytes outside ASCII.
pub(super) const TOKEN: u8 = 16;
/// Stands in a string between double quotes as it is: neither quote nor backslash nor control character.
pub(super) const PLAIN: u8 = 32;
/// Stands for nothing but itself in a template: not one of the markers.
pub(super) const UNMARKED: u8 = 64;

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut out = [0; 256];
    let mut n = 0;
    while n < 256 {
        let byte = n as u8;
        let letter = byte.is_ascii_alphanumeric();
        if letter || matches!(byte, b'_' | b'.' | b'-') {
            out[n] |= WORD;
        }
        if byte.is_ascii_digit() {
            out[n] |= DIGIT;
        }
        if letter || matches!(byte, b'_' | b'.' | b'-' | b'/' | b'@') {
            out[n] |= KEY;
        }
        if byte > b' ' && byte != b'"' && byte != b'=' && byte != 0x7f {
            out[n] |= VALUE;
        }
        if letter || byte >= 0x80 {
            out[n] |= TOKEN;
        }
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            out[n] |= PLAIN;
        }
        if byte > 2 {
            out[n] |= UNMARKED;
        }
        n += 1;
    }
    out
}

/// True when a byte is of one of the classes.
#[inline]
pub(super) fn is(byte: u8, classes: u8) -> bool {
    CLASSES[usize::from(byte)] & classes != 0
}

/// Where the first byte from `at` on stands that is of none of the classes, or the end.
#[inline]
pub(super) fn end_of(text: &[u8], at: usize, classes: u8) -> usize {
    let run = text[at..].iter().position(|byte| !is(*byte, classes));
    run.map_or(text.len(), |run| at + run)
}

/// Where the first byte from `at` on stands that is of one of the classes, or the end.
#[inline]
pub(super) fn start_of(text: &[u8], at: usize, classes: u8) -> usize {
    let gap = text[at..].iter().position(|byte| is(*byte, classes));
    gap.map_or(text.len(), |gap| at + gap)
}
