//! Values by which spans are grouped. Not for comparing as the language does.

use std::hash::{Hash, Hasher};

use super::super::ast::Static;

/// A value that equals another when it is the same to the bit.
#[derive(Debug, Clone)]
pub(super) struct Key(pub(super) Static);

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        match (&self.0, &other.0) {
            (Static::Float(a), Static::Float(b)) => a.to_bits() == b.to_bits(),
            (a, b) => a == b,
        }
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(&self.0).hash(state);
        match &self.0 {
            Static::Nil => {}
            Static::Int(n) | Static::Duration(n) => n.hash(state),
            Static::Float(x) => x.to_bits().hash(state),
            Static::String(text) => text.hash(state),
            Static::Bool(b) => b.hash(state),
            Static::Status(status) => status.hash(state),
            Static::Kind(kind) => kind.hash(state),
        }
    }
}
