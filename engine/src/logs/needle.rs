//! Conditions that say which groups of a block need not be looked at. They narrow; they decide nothing.

use roaring::RoaringBitmap;

use super::block::BlockIndex;
use super::grams::{hash_of_id, hash_of_uuid, is_id, is_uuid};
use super::values::tokens_of;
use crate::block::BlockFile;
use crate::error::Result;

/// A condition of entries: one of the texts stands in the line or in a value of metadata; the case of ASCII
/// letters does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needle {
    /// The texts; an entry has at least one of them.
    pub any: Vec<String>,
}

impl Needle {
    /// One text.
    pub fn text(text: impl Into<String>) -> Needle {
        Needle {
            any: vec![text.into()],
        }
    }
}

/// The groups that the directory of ids leaves; none when it says nothing.
pub(super) fn groups(
    needles: &[Needle],
    file: &BlockFile,
    index: &BlockIndex,
) -> Result<Option<RoaringBitmap>> {
    let mut left: Option<RoaringBitmap> = None;
    for needle in needles {
        let mut of_needle = Some(RoaringBitmap::new());
        for text in &needle.any {
            let of_text = groups_of_text(text.as_bytes(), file, index)?;
            of_needle = of_needle.zip(of_text).map(|(a, b)| a | b);
        }
        if let Some(of_needle) = of_needle {
            left = Some(left.map_or(of_needle.clone(), |left| left & of_needle));
        }
    }
    Ok(left)
}

fn groups_of_text(text: &[u8], file: &BlockFile, index: &BlockIndex) -> Result<Option<RoaringBitmap>> {
    let mut left: Option<RoaringBitmap> = None;
    let mut narrow = |groups: RoaringBitmap| left = Some(left.take().map_or(groups.clone(), |l| l & groups));
    if is_uuid(text) {
        let groups: RoaringBitmap = index.ids.groups(file, hash_of_uuid(text))?.into_iter().collect();
        narrow(groups | index.longer_ids(usize::MAX));
        return Ok(left);
    }
    for token in tokens_of(text) {
        let token = &text[token];
        if !is_id(token) {
            continue;
        }
        // An id at the edge of a text may be part of a longer one.
        let mut groups: RoaringBitmap = index.ids.groups(file, hash_of_id(token))?.into_iter().collect();
        groups |= index.longer_ids(token.len());
        narrow(groups);
    }
    Ok(left)
}

/// The groups that a block's filters leave, for tests.
#[cfg(test)]
pub(super) fn left(needles: &[Needle], block: &crate::store::Block<super::Logs>) -> Result<Vec<usize>> {
    let (file, index) = (block.file(), block.index());
    let candidates = groups(needles, file, index)?;
    let mut left = Vec::new();
    for n in 0..index.groups.len() {
        let by_id = candidates.as_ref().is_none_or(|of| of.contains(n as u32));
        if by_id && index.may_hold(file, n, needles)? {
            left.push(n);
        }
    }
    Ok(left)
}
