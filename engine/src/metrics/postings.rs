//! From matchers to series: the set algebra over an inverted index of label pairs, the same for head and blocks.

use roaring::RoaringBitmap;

use super::matcher::{MatchOp, Matcher};
use super::re2::Anchored;
use crate::error::Result;

/// An inverted index: which series have which label pair.
pub trait Postings {
    /// All series.
    fn all(&self) -> Result<RoaringBitmap>;
    /// The series with this pair; empty when there are none.
    fn pair(&self, name: &str, value: &str) -> Result<RoaringBitmap>;
    /// Calls `visit` for every value of `name` that begins with `prefix`, in no particular order; those for which it is true
    /// are united.
    fn union_where(
        &self,
        name: &str,
        prefix: &str,
        visit: &mut dyn FnMut(&str) -> bool,
    ) -> Result<RoaringBitmap>;
}

/// The series that a regular expression matches by a value of `name`; none of them is without the label.
fn matched(postings: &dyn Postings, name: &str, regex: &Anchored) -> Result<RoaringBitmap> {
    let Some(texts) = regex.texts() else {
        return postings.union_where(name, regex.prefix(), &mut |value| regex.is_match(value));
    };
    let mut union = RoaringBitmap::new();
    for text in texts.iter().filter(|text| !text.is_empty()) {
        union |= postings.pair(name, text)?;
    }
    Ok(union)
}

/// The series that pass all matchers. An absent label has the empty value.
pub fn select(postings: &dyn Postings, matchers: &[Matcher]) -> Result<RoaringBitmap> {
    let mut result: Option<RoaringBitmap> = None;
    // Those that narrow first; those that pass series without the label only take away.
    let (excluding, narrowing): (Vec<&Matcher>, Vec<&Matcher>) =
        matchers.iter().partition(|m| m.matches_empty());
    for matcher in narrowing {
        let found = match (matcher.op(), matcher.regex()) {
            (MatchOp::Equal, _) => postings.pair(matcher.name(), matcher.value())?,
            (MatchOp::Regex, Some(regex)) => matched(postings, matcher.name(), regex)?,
            _ => postings.union_where(matcher.name(), "", &mut |value| matcher.matches(value))?,
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
        result -= match (matcher.op(), matcher.regex()) {
            (MatchOp::NotEqual, _) => postings.pair(matcher.name(), matcher.value())?,
            (MatchOp::NotRegex, Some(regex)) => matched(postings, matcher.name(), regex)?,
            _ => postings.union_where(matcher.name(), "", &mut |value| !matcher.matches(value))?,
        };
    }
    Ok(result)
}
