//! Strings made while a body is read, kept as long as what is read of it.

use std::cell::OnceCell;

/// A list of strings that only grows, so that each can be borrowed while more are added.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    node: OnceCell<(String, Box<Texts>)>,
}

impl Texts {
    /// Keeps a string here, where none is yet, and gives it with the place for the next.
    pub(super) fn keep(&self, text: String) -> (&str, &Texts) {
        let (text, next) = self.node.get_or_init(|| (text, Box::default()));
        (text, next)
    }
}

/// Node by node, because a long list would recurse too deep.
impl Drop for Texts {
    fn drop(&mut self) {
        let mut next = self.node.take();
        while let Some((_, mut rest)) = next {
            next = rest.node.take();
        }
    }
}
