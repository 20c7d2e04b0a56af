//! Sorted distinct values of a column, in pages. A value's code is its place.

use std::sync::Arc;

use super::section;
use crate::block::{BlockFile, BlockWriter, Codec};
use crate::coding::{Malformed, Reader, put_uvarint};
use crate::error::Result;

const PAGE_LEN: usize = 32 << 10;
const PAGE_VALUES: u32 = 2_048;

/// Where a dictionary lies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::traces) struct Dictionary {
    /// Number of values.
    pub(in crate::traces) len: u32,
    first_page: u32,
    /// First code of each page.
    fences: Vec<u32>,
}

/// Writes the values, which ascend.
pub(in crate::traces) fn write<'v>(
    values: impl Iterator<Item = &'v [u8]>,
    writer: &mut BlockWriter,
) -> Result<Dictionary> {
    let mut dictionary = Dictionary::default();
    let (mut lens, mut bytes) = (Vec::new(), Vec::new());
    let mut in_page = 0;
    for value in values {
        if in_page > 0 && (in_page >= PAGE_VALUES || bytes.len() + value.len() > PAGE_LEN) {
            close(&mut dictionary, &mut lens, &mut bytes, &mut in_page, writer)?;
        }
        put_uvarint(&mut lens, value.len() as u64);
        bytes.extend_from_slice(value);
        in_page += 1;
    }
    close(&mut dictionary, &mut lens, &mut bytes, &mut in_page, writer)?;
    Ok(dictionary)
}

fn close(
    dictionary: &mut Dictionary,
    lens: &mut Vec<u8>,
    bytes: &mut Vec<u8>,
    in_page: &mut u32,
    writer: &mut BlockWriter,
) -> Result<()> {
    if *in_page == 0 {
        return Ok(());
    }
    let mut page = Vec::with_capacity(lens.len() + bytes.len() + 4);
    put_uvarint(&mut page, (*in_page).into());
    page.append(lens);
    page.append(bytes);
    let number = writer.page(section::DICTIONARY, &page, Codec::Zstd)?;
    if dictionary.fences.is_empty() {
        dictionary.first_page = number;
    }
    dictionary.fences.push(dictionary.len);
    dictionary.len += *in_page;
    *in_page = 0;
    Ok(())
}

impl Dictionary {
    /// Appends the encoded form.
    pub(in crate::traces) fn encode(&self, out: &mut Vec<u8>) {
        put_uvarint(out, self.len.into());
        put_uvarint(out, self.first_page.into());
        put_uvarint(out, self.fences.len() as u64);
        self.fences.iter().for_each(|n| put_uvarint(out, (*n).into()));
    }

    /// Reads the encoded form.
    pub(in crate::traces) fn decode(r: &mut Reader<'_>) -> Result<Dictionary, Malformed> {
        let (len, first_page) = (r.uvarint32()?, r.uvarint32()?);
        let fences: Result<Vec<u32>, Malformed> = (0..r.count(1)?).map(|_| r.uvarint32()).collect();
        let fences = fences?;
        let ascends = fences.windows(2).all(|w| w[0] < w[1]);
        let starts = fences.first().is_none_or(|first| *first == 0);
        if !ascends || !starts || fences.is_empty() != (len == 0) || fences.last().is_some_and(|n| *n >= len)
        {
            return Err(Malformed("pages of a dictionary"));
        }
        Ok(Dictionary {
            len,
            first_page,
            fences,
        })
    }

    fn page(&self, file: &BlockFile, page: usize) -> Result<Page> {
        let number = self.first_page + page as u32;
        let bytes = file.derived(section::PLACED, number, || {
            let raw = file.page_past_cache(section::DICTIONARY, number)?;
            place(&raw)
                .map(Arc::from)
                .map_err(|Malformed(what)| file.corrupt(number.into(), what))
        })?;
        let values = self.fences.get(page + 1).copied().unwrap_or(self.len) - self.fences[page];
        let page = Page { bytes };
        if page.len() != values as usize {
            return Err(file.corrupt(number.into(), "number of values in a page"));
        }
        Ok(page)
    }

    /// Calls `visit` with the value of a code.
    pub(in crate::traces) fn with<T>(
        &self,
        file: &BlockFile,
        code: u32,
        visit: impl FnOnce(&[u8]) -> T,
    ) -> Result<T> {
        if code >= self.len {
            return Err(file.corrupt(0, "code outside the dictionary"));
        }
        let page = self.fences.partition_point(|first| *first <= code) - 1;
        let first = self.fences[page];
        let page = self.page(file, page)?;
        Ok(visit(page.get((code - first) as usize)))
    }

    /// Calls `visit` with the values of ascending codes.
    pub(in crate::traces) fn many(
        &self,
        file: &BlockFile,
        codes: &[u32],
        mut visit: impl FnMut(u32, &[u8]),
    ) -> Result<()> {
        let mut rest = codes;
        while let Some(code) = rest.first() {
            if *code >= self.len {
                return Err(file.corrupt(0, "code outside the dictionary"));
            }
            let at = self.fences.partition_point(|first| first <= code) - 1;
            let next = self.fences.get(at + 1).copied().unwrap_or(self.len);
            let page = self.page(file, at)?;
            let (here, behind) = rest.split_at(rest.partition_point(|code| *code < next));
            for code in here {
                visit(*code, page.get((*code - self.fences[at]) as usize));
            }
            rest = behind;
        }
        Ok(())
    }

    /// Calls `visit` with codes and values from a code on, until it says to stop.
    pub(in crate::traces) fn each(
        &self,
        file: &BlockFile,
        from: u32,
        mut visit: impl FnMut(u32, &[u8]) -> bool,
    ) -> Result<()> {
        let first_page = self
            .fences
            .partition_point(|first| *first <= from)
            .saturating_sub(1);
        for at in first_page..self.fences.len() {
            let first = self.fences[at];
            let page = self.page(file, at)?;
            for n in from.saturating_sub(first) as usize..page.len() {
                if !visit(first + n as u32, page.get(n)) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The code of a value if it is there.
    pub(in crate::traces) fn find(&self, file: &BlockFile, value: &[u8]) -> Result<Option<u32>> {
        let (mut low, mut high) = (0, self.fences.len());
        // The last page whose first value is not above.
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            if self.page(file, middle)?.get(0) <= value {
                low = middle;
            } else {
                high = middle;
            }
        }
        if self.fences.is_empty() {
            return Ok(None);
        }
        let page = self.page(file, low)?;
        let (mut from, mut to) = (0, page.len());
        while from < to {
            let middle = from + (to - from) / 2;
            if page.get(middle) < value {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        let found = from < page.len() && page.get(from) == value;
        Ok(found.then(|| self.fences[low] + from as u32))
    }
}

/// A page with the places of its values: their number, where each ends, and their bytes.
struct Page {
    bytes: Arc<[u8]>,
}

impl Page {
    fn word(&self, at: usize) -> usize {
        let b = &self.bytes[at * 4..at * 4 + 4];
        u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize
    }

    fn len(&self) -> usize {
        self.word(0)
    }

    fn get(&self, n: usize) -> &[u8] {
        let base = 4 + self.len() * 4;
        let from = if n == 0 { 0 } else { self.word(n) };
        &self.bytes[base + from..base + self.word(n + 1)]
    }
}

fn place(raw: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut r = Reader::new(raw);
    let count = r.count(1)?;
    if count == 0 {
        return Err(Malformed("page without values"));
    }
    let mut out = Vec::with_capacity(raw.len() + count * 4);
    out.extend_from_slice(&(count as u32).to_le_bytes());
    let mut end = 0u32;
    for _ in 0..count {
        end = r
            .uvarint32()?
            .checked_add(end)
            .ok_or(Malformed("length of values"))?;
        out.extend_from_slice(&end.to_le_bytes());
    }
    if r.remaining() != end as usize {
        return Err(Malformed("length of values"));
    }
    out.extend_from_slice(r.take(end as usize)?);
    Ok(out)
}
