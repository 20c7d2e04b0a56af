//! From matchers to series: the set algebra over an inverted index of label pairs, the same for head and blocks.

use roaring::RoaringBitmap;

use super::matcher::{MatchOp, Matcher};
use crate::error::Result;

/// An inverted index: which series have which label pair.
pub trait Postings {
    /// All series.
    fn all(&self) -> Result<RoaringBitmap>;
    /// The series with this pair; empty when there are none.
    fn pair(&self, name: &str, value: &str) -> Result<RoaringBitmap>;
    /// Calls `visit` for every value of `name` in no particular order; those for which it is true are united.
    fn union_where(&self, name: &str, visit: &mut dyn FnMut(&str) -> bool) -> Result<RoaringBitmap>;
}

/// The series that pass all matchers. An absent label has the empty value.
pub fn select(postings: &dyn Postings, matchers: &[Matcher]) -> Result<RoaringBitmap> {
    let mut result: Option<RoaringBitmap> = None;
    // Those that narrow first; those that pass series without the label only take away.
    let (excluding, narrowing): (Vec<&Matcher>, Vec<&Matcher>) =
        matchers.iter().partition(|m| m.matches_empty());
    for matcher in narrowing {
        let found = match matcher.op() {
            MatchOp::Equal => postings.pair(matcher.name(), matcher.value())?,
            _ => postings.union_where(matcher.name(), &mut |value| matcher.matches(value))?,
        };
        result = Some(match result {
            Some(so_far) => so_far & found,
            None => found,
        });
        if result.as_ref().is_some_and(RoaringBitmap::is_empty) {
            return Ok(RoaringBitmap::new());
        }
    }
    let mut result = match result {
        Some(result) => result,
        None => postings.all()?,
    };
    for matcher in excluding {
        result -= match matcher.op() {
            MatchOp::NotEqual => postings.pair(matcher.name(), matcher.value())?,
            _ => postings.union_where(matcher.name(), &mut |value| !matcher.matches(value))?,
        };
    }
    Ok(result)
}
