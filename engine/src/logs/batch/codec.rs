//! Reads the record of a batch. Byte layout in FORMAT.md, "Logs record".

use super::{Batch, BatchStream, Entry, NO_SET, Place, Set};
use crate::coding::{Malformed, Reader};
use crate::labels::Labels;

const FLAG_KEEPS_REPEATS: u8 = 1;

impl Batch {
    /// Reads a record.
    ///
    /// # Errors
    /// When it is no record of logs: it ends early, points to what is not there or has texts that are not UTF-8.
    pub fn decode(bytes: Vec<u8>) -> Result<Batch, Malformed> {
        if bytes.len() > super::builder::BATCH_BYTES_MAX {
            return Err(Malformed("record of logs over 1 GiB"));
        }
        let mut r = Reader::new(&bytes);
        let flags = r.u8()?;
        if flags & !FLAG_KEEPS_REPEATS != 0 {
            return Err(Malformed("flags of a record of logs"));
        }
        let place = |r: &Reader<'_>, len: usize| Place {
            at: (bytes.len() - r.remaining() - len) as u32,
            len: len as u32,
        };
        let mut texts = Vec::new();
        for _ in 0..r.count(1)? {
            let len = r.str()?.len();
            texts.push(place(&r, len));
        }
        let (sets, pairs) = read_sets(&mut r, texts.len())?;
        let (mut streams, mut entries) = (Vec::new(), Vec::new());
        for _ in 0..r.count(2)? {
            let labels = read_labels(&mut r)?;
            let count = r.count(3)?;
            if count == 0 {
                return Err(Malformed("stream without entries"));
            }
            streams.push(BatchStream {
                labels,
                first: entries.len() as u32,
                count: count as u32,
            });
            let mut time = 0i64;
            for _ in 0..count {
                time = time.wrapping_add(r.svarint()?);
                let set = r.uvarint32()?.wrapping_sub(1);
                if set != NO_SET && set as usize >= sets.len() {
                    return Err(Malformed("number of a set of metadata"));
                }
                let len = r.bytes()?.len();
                let line = place(&r, len);
                entries.push(Entry { time, line, set });
            }
        }
        if r.remaining() > 0 {
            return Err(Malformed("bytes behind a record of logs"));
        }
        Ok(Batch {
            bytes,
            streams,
            texts,
            sets,
            pairs,
            entries,
            keeps_repeats: flags & FLAG_KEEPS_REPEATS != 0,
        })
    }
}

type Sets = (Vec<Set>, Vec<(u32, u32)>);

fn read_sets(r: &mut Reader<'_>, texts: usize) -> Result<Sets, Malformed> {
    let (mut sets, mut pairs) = (Vec::new(), Vec::new());
    for n in 0..r.count(2)? {
        let parent = r.uvarint32()?.wrapping_sub(1);
        if parent != NO_SET && parent as usize >= n {
            return Err(Malformed("parent of a set of metadata"));
        }
        let (first, count) = (pairs.len() as u32, r.count(2)? as u32);
        for _ in 0..count {
            let pair = (r.uvarint32()?, r.uvarint32()?);
            if pair.0 as usize >= texts || pair.1 as usize >= texts {
                return Err(Malformed("number of a text"));
            }
            pairs.push(pair);
        }
        sets.push(Set { parent, first, count });
    }
    Ok((sets, pairs))
}

fn read_labels(r: &mut Reader<'_>) -> Result<Labels, Malformed> {
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for _ in 0..r.count(2)? {
        let (name, value) = (r.str()?, r.str()?);
        let ascends = pairs.last().is_none_or(|(last, _)| *last < name);
        if !ascends || value.is_empty() || name.len().max(value.len()) > crate::labels::LABEL_LEN_MAX {
            return Err(Malformed("labels of a stream"));
        }
        pairs.push((name, value));
    }
    Ok(Labels::from_sorted(pairs))
}
