//! Brings the series of several parts together: each part has its own in the order of the labels, and what has the same
//! identity is the same series. Labels are compared only where parts differ.

use super::reader::Cursor;
use super::{NONE, SeriesSet};
use crate::error::Result;

/// For each part and each series of all parts, its place in the part; and the number of series.
pub(super) fn align(set: &SeriesSet) -> Result<(Vec<Vec<u32>>, usize)> {
    let mut cursors: Vec<Cursor<'_>> = Vec::with_capacity(set.parts.len());
    for part in &set.parts {
        cursors.push(Cursor::of(part)?);
    }
    let lens: Vec<usize> = set.parts.iter().map(super::Part::len).collect();
    let longest = lens.iter().copied().max().unwrap_or(0);
    let mut rows: Vec<Vec<u32>> = lens.iter().map(|_| Vec::with_capacity(longest)).collect();
    let mut at = vec![0usize; lens.len()];
    let mut heads = Vec::with_capacity(lens.len());
    for (cursor, len) in cursors.iter_mut().zip(&lens) {
        heads.push(if *len > 0 { Some(cursor.identity(0)?) } else { None });
    }
    let mut count = 0;
    loop {
        let mut present = heads.iter().flatten();
        let Some(first) = present.next() else { break };
        let least = if present.all(|other| other == first) {
            *first
        } else {
            least(&mut cursors, &heads, &at)?
        };
        for (part, head) in heads.iter_mut().enumerate() {
            if *head != Some(least) {
                rows[part].push(NONE);
                continue;
            }
            rows[part].push(at[part] as u32);
            at[part] += 1;
            *head = match at[part] < lens[part] {
                true => Some(cursors[part].identity(at[part])?),
                false => None,
            };
        }
        count += 1;
    }
    Ok((rows, count))
}

/// The identity of the least label set among the next ones of the parts.
fn least(
    cursors: &mut [Cursor<'_>],
    heads: &[Option<super::Identity>],
    at: &[usize],
) -> Result<super::Identity> {
    let mut best: Option<(super::Identity, crate::labels::Labels)> = None;
    for (part, head) in heads.iter().enumerate() {
        let Some(identity) = head else { continue };
        if best.as_ref().is_some_and(|(known, _)| known == identity) {
            continue;
        }
        let labels = cursors[part].labels(at[part])?;
        if best.as_ref().is_none_or(|(_, least)| labels < *least) {
            best = Some((*identity, labels));
        }
    }
    Ok(best.map_or_else(Default::default, |(identity, _)| identity))
}
