//! How far a number or a duration reaches, by the rules and with the limits of Prometheus' lexer: what it refuses is refused
//! at the same byte. Not for values (see [`crate::number`]).

/// A number or a duration at the start of a text, or the bytes at which it went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scanned {
    Number(usize),
    Duration(usize),
    Bad(usize),
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

const DECIMAL: &str = "0123456789";
const HEXADECIMAL: &str = "0123456789abcdefABCDEF";

fn is_alphanumeric(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Scans what starts like a number.
pub(super) fn scan(text: &str) -> Scanned {
    let mut scan = Scan { text, at: 0 };
    if scan.number() {
        return Scanned::Number(scan.at);
    }
    match scan.rest_of_duration() {
        true => Scanned::Duration(scan.at),
        false => Scanned::Bad(scan.at),
    }
}

impl Scan<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn is(&self, set: &str) -> bool {
        self.peek().is_some_and(|c| set.contains(c))
    }

    /// Takes one character of the set.
    fn accept(&mut self, set: &str) -> bool {
        let accepted = self.is(set);
        self.at += usize::from(accepted);
        accepted
    }

    fn number(&mut self) -> bool {
        let mut digits = DECIMAL;
        if self.accept("0") && self.accept("xX") {
            self.accept("_");
            digits = HEXADECIMAL;
        }
        self.accept(".");
        self.accept(digits);
        // The exponent's letter is a digit of hexadecimal numbers, which have none.
        let letters = if digits == DECIMAL { "eE" } else { "" };
        let (mut dot, mut exponent) = (false, false);
        while self.is(digits) || self.is("._eE") {
            if (dot && self.accept(".")) || (exponent && self.accept(letters)) {
                return false;
            }
            if self.accept(".") {
                dot = true;
                // There are no hexadecimal fractions.
                if self.accept("_.") || digits == HEXADECIMAL {
                    return false;
                }
            } else if self.accept(letters) {
                exponent = true;
                self.accept("+-");
                if self.accept("._eE") || self.peek().is_none() {
                    return false;
                }
            } else if self.accept("_") {
                if self.accept("._eE") || self.peek().is_none() {
                    return false;
                }
            } else {
                while self.accept(digits) {}
            }
        }
        self.at > 0 && !self.peek().is_some_and(is_alphanumeric)
    }

    /// What follows the first digits of a duration. Wrong orders of units are left to the parser.
    fn rest_of_duration(&mut self) -> bool {
        if !self.accept("smhdwy") {
            return false;
        }
        self.accept("s");
        while self.accept(DECIMAL) {
            while self.accept(DECIMAL) {}
            // Years come first or not at all.
            if !self.accept("smhdw") {
                return false;
            }
            self.accept("s");
        }
        match self.peek() {
            Some(c) if is_alphanumeric(c) => {
                self.at += 1;
                false
            }
            _ => true,
        }
    }
}
