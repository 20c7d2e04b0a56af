//! How names that are not of the classic alphabet are spelled for scrapers that know no other (Prometheus
//! `model.EscapeName`). Not for reading them back.

use std::fmt::Write;

/// A way to spell names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escaping {
    /// What does not fit becomes an underscore.
    Underscores = 0,
    /// Dots become `_dot_`, underscores are doubled, the rest becomes two underscores.
    Dots = 1,
    /// `U__` and the code points of what does not fit.
    Values = 2,
    /// Names stay as they are and stand in quotes.
    None = 3,
}

impl Escaping {
    /// The way of a name in headers.
    pub(super) fn named(name: &str) -> Option<Escaping> {
        match name {
            "underscores" => Some(Escaping::Underscores),
            "dots" => Some(Escaping::Dots),
            "values" => Some(Escaping::Values),
            "allow-utf-8" => Some(Escaping::None),
            _ => None,
        }
    }

    /// The name as it is written.
    pub(super) fn spell(self, name: &str) -> String {
        if name.is_empty() || self == Escaping::None {
            return name.to_owned();
        }
        let classic = is_classic(name);
        if classic && self != Escaping::Dots {
            return name.to_owned();
        }
        let mut out = String::new();
        if self == Escaping::Values {
            out.push_str("U__");
        }
        for (i, c) in name.chars().enumerate() {
            match self {
                Escaping::Dots if c == '_' => out.push_str("__"),
                Escaping::Dots if c == '.' => out.push_str("_dot_"),
                Escaping::Values if c == '_' => out.push_str("__"),
                _ if fits(i, c) => out.push(c),
                Escaping::Dots => out.push_str("__"),
                Escaping::Values => {
                    // Writing to a string cannot fail.
                    let _infallible = write!(out, "_{:x}_", u32::from(c));
                }
                _ => out.push('_'),
            }
        }
        out
    }
}

/// True for names of letters, digits, underscores and colons that begin with no digit.
pub(super) fn is_classic(name: &str) -> bool {
    !name.is_empty() && name.chars().enumerate().all(|(i, c)| fits(i, c))
}

fn fits(i: usize, c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || c == ':' || (c.is_ascii_digit() && i > 0)
}
