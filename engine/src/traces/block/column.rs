//! Pages of columns: whole numbers in the smallest of two forms, bytes of fixed length, and strings that are told once a
//! page. Decoded pages are kept in the cache as little-endian numbers of one width.

use std::sync::Arc;

use crate::block::Temperature;
use crate::coding::{Malformed, Reader, put_bytes, put_uvarint};
use crate::metrics::values::{Effort, ints};

/// Integers as the codec of values writes them.
const FORM_INTS: u8 = 0;
/// Bytes of the same rank together, zstd.
const FORM_PLANES: u8 = 1;
/// Most values of a page: more than any group has, against claims of damaged bytes.
pub(in crate::traces) const VALUES_MAX: usize = 1 << 28;

/// How hard to look for a small form.
pub(crate) fn effort_for(temperature: Temperature) -> Effort {
    match temperature {
        Temperature::Young => Effort::Young,
        Temperature::Settled => Effort::Settled,
        Temperature::Cold => Effort::Cold,
    }
}

/// Appends whole numbers; the reader knows how many.
pub(crate) fn encode_ints(values: &[i64], effort: Effort, out: &mut Vec<u8>) {
    let from = out.len();
    out.push(FORM_INTS);
    ints::encode(values, effort, out);
    if effort == Effort::Young || out.len() - from < 64 {
        return;
    }
    let level = effort.zstd_level().unwrap_or(1);
    if let Some(planes) = encode_planes(values, level)
        && planes.len() < out.len() - from
    {
        out.truncate(from);
        out.extend_from_slice(&planes);
    }
}

/// Numbers less the smallest, by planes: rows that repeat sequences of earlier ones become references to them.
fn encode_planes(values: &[i64], level: i32) -> Option<Vec<u8>> {
    let smallest = values.iter().copied().min()?;
    let largest = values
        .iter()
        .map(|v| v.wrapping_sub(smallest).cast_unsigned())
        .max()?;
    let width = (64 - largest.leading_zeros()).div_ceil(8).max(1) as usize;
    if width > 4 {
        return None;
    }
    let mut planes = Vec::with_capacity(values.len() * width);
    for plane in 0..width {
        let byte = |v: &i64| (v.wrapping_sub(smallest) >> (8 * plane)) as u8;
        planes.extend(values.iter().map(byte));
    }
    let compressed = zstd::bulk::compress(&planes, level).ok()?;
    let mut out = Vec::with_capacity(compressed.len() + 16);
    out.extend_from_slice(&[FORM_PLANES, width as u8]);
    crate::coding::put_svarint(&mut out, smallest);
    put_bytes(&mut out, &compressed);
    Some(out)
}

/// Reads `count` numbers.
pub(crate) fn decode_ints(r: &mut Reader<'_>, count: usize) -> Result<Vec<i64>, Malformed> {
    if count > VALUES_MAX {
        return Err(Malformed("number of values"));
    }
    let mut out = Vec::new();
    match r.u8()? {
        FORM_INTS => ints::decode(r, count, &mut out)?,
        FORM_PLANES => {
            let width = usize::from(r.u8()?);
            if width == 0 || width > 4 {
                return Err(Malformed("width of planes"));
            }
            let smallest = r.svarint()?;
            let planes = crate::block::reader::decompress(r.bytes()?, count * width)
                .map_err(|_| Malformed("compressed planes"))?;
            if planes.len() != count * width {
                return Err(Malformed("length of planes"));
            }
            out.resize(count, 0);
            for (rank, plane) in planes.chunks_exact(count.max(1)).enumerate() {
                for (value, byte) in out.iter_mut().zip(plane) {
                    *value |= i64::from(*byte) << (8 * rank);
                }
            }
            out.iter_mut()
                .for_each(|value| *value = value.wrapping_add(smallest));
        }
        _ => return Err(Malformed("form of a column")),
    }
    if out.len() != count {
        return Err(Malformed("number of values"));
    }
    Ok(out)
}

/// Appends strings, each once, and which of them each row has.
pub(in crate::traces) fn encode_strings(
    distinct: &[&[u8]],
    codes: &[i64],
    effort: Effort,
    out: &mut Vec<u8>,
) {
    put_uvarint(out, distinct.len() as u64);
    let lens: Vec<i64> = distinct.iter().map(|s| s.len() as i64).collect();
    encode_ints(&lens, effort, out);
    let all = distinct.concat();
    put_uvarint(out, all.len() as u64);
    let level = effort.zstd_level().unwrap_or(1);
    let compressed = zstd::bulk::compress(&all, level).unwrap_or_default();
    let is_smaller = !compressed.is_empty() && compressed.len() < all.len();
    out.push(is_smaller.into());
    put_bytes(out, if is_smaller { &compressed } else { &all });
    encode_ints(codes, effort, out);
}

/// Strings of a page and the codes of its rows.
#[derive(Debug, Default)]
pub(in crate::traces) struct Strings {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    pub(in crate::traces) codes: Vec<i64>,
}

impl Strings {
    /// Reads what [`encode_strings`] wrote of `count` rows.
    pub(in crate::traces) fn decode(bytes: &[u8], count: usize) -> Result<Strings, Malformed> {
        let mut r = Reader::new(bytes);
        let distinct = r.uvarint()? as usize;
        if distinct > count {
            return Err(Malformed("number of strings"));
        }
        let lens = decode_ints(&mut r, distinct)?;
        let total = r.uvarint()? as usize;
        let compressed = r.u8()? != 0;
        let stored = r.bytes()?;
        let bytes = match compressed {
            true if total > (1 << 31) => return Err(Malformed("length of strings")),
            true => zstd::bulk::decompress(stored, total).map_err(|_| Malformed("compressed strings"))?,
            false => stored.to_vec(),
        };
        let mut ends = Vec::with_capacity(distinct);
        let mut end = 0u64;
        for len in lens {
            end = end.saturating_add(len.cast_unsigned());
            ends.push(u32::try_from(end).map_err(|_| Malformed("length of strings"))?);
        }
        if end != bytes.len() as u64 || total != bytes.len() {
            return Err(Malformed("length of strings"));
        }
        let codes = decode_ints(&mut r, count)?;
        if codes.iter().any(|c| c.cast_unsigned() >= distinct as u64) {
            return Err(Malformed("number of a string"));
        }
        Ok(Strings { bytes, ends, codes })
    }

    /// Number of distinct strings.
    pub(in crate::traces) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A string by its code.
    pub(in crate::traces) fn get(&self, code: usize) -> &[u8] {
        let from = match code {
            0 => 0,
            n => self.ends[n - 1] as usize,
        };
        &self.bytes[from..self.ends[code] as usize]
    }
}

/// Decoded numbers in the narrowest of 1, 2, 4 and 8 bytes, signed in the last: the width, then the numbers.
pub(in crate::traces) fn narrow(values: &[i64]) -> Vec<u8> {
    let widest = values.iter().fold(0u64, |all, v| all | v.cast_unsigned());
    let width = match widest {
        0..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    };
    let mut out = Vec::with_capacity(8 + values.len() * width);
    out.extend_from_slice(&[width as u8, 0, 0, 0, 0, 0, 0, 0]);
    match width {
        1 => out.extend(values.iter().map(|v| *v as u8)),
        2 => out.extend(values.iter().flat_map(|v| (*v as u16).to_le_bytes())),
        4 => out.extend(values.iter().flat_map(|v| (*v as u32).to_le_bytes())),
        _ => out.extend(values.iter().flat_map(|v| v.to_le_bytes())),
    }
    out
}

/// Numbers as [`narrow`] keeps them.
#[derive(Debug, Clone, Copy)]
pub(in crate::traces) enum Narrow<'b> {
    /// One byte each.
    Bytes(&'b [u8]),
    /// Two.
    Halves(&'b [[u8; 2]]),
    /// Four.
    Words(&'b [[u8; 4]]),
    /// Eight.
    Longs(&'b [[u8; 8]]),
}

impl<'b> Narrow<'b> {
    /// The numbers of bytes made by [`narrow`].
    pub(in crate::traces) fn of(bytes: &'b [u8]) -> Narrow<'b> {
        let width = bytes.first().copied().unwrap_or(1);
        let values = bytes.get(8..).unwrap_or_default();
        match width {
            1 => Narrow::Bytes(values),
            2 => Narrow::Halves(values.as_chunks().0),
            4 => Narrow::Words(values.as_chunks().0),
            _ => Narrow::Longs(values.as_chunks().0),
        }
    }

    /// One number.
    #[inline]
    pub(in crate::traces) fn get(self, at: usize) -> i64 {
        match self {
            Narrow::Bytes(v) => v[at].into(),
            Narrow::Halves(v) => u16::from_le_bytes(v[at]).into(),
            Narrow::Words(v) => u32::from_le_bytes(v[at]).into(),
            Narrow::Longs(v) => i64::from_le_bytes(v[at]),
        }
    }

    /// How many.
    pub(in crate::traces) fn len(self) -> usize {
        match self {
            Narrow::Bytes(v) => v.len(),
            Narrow::Halves(v) => v.len(),
            Narrow::Words(v) => v.len(),
            Narrow::Longs(v) => v.len(),
        }
    }

    /// What `f` makes of every number, in order. Simple ones become vector instructions.
    #[inline]
    pub(in crate::traces) fn map<T>(self, f: impl Fn(i64) -> T) -> Vec<T> {
        match self {
            Narrow::Bytes(v) => v.iter().map(|n| f((*n).into())).collect(),
            Narrow::Halves(v) => v.iter().map(|n| f(u16::from_le_bytes(*n).into())).collect(),
            Narrow::Words(v) => v.iter().map(|n| f(u32::from_le_bytes(*n).into())).collect(),
            Narrow::Longs(v) => v.iter().map(|n| f(i64::from_le_bytes(*n))).collect(),
        }
    }

    /// The same to be shared, without being copied.
    pub(in crate::traces) fn shared<T>(self, f: impl Fn(i64) -> T) -> Arc<[T]> {
        match self {
            Narrow::Bytes(v) => v.iter().map(|n| f((*n).into())).collect(),
            Narrow::Halves(v) => v.iter().map(|n| f(u16::from_le_bytes(*n).into())).collect(),
            Narrow::Words(v) => v.iter().map(|n| f(u32::from_le_bytes(*n).into())).collect(),
            Narrow::Longs(v) => v.iter().map(|n| f(i64::from_le_bytes(*n))).collect(),
        }
    }

    /// Which numbers lie between two, both included.
    pub(in crate::traces) fn within(self, low: i64, high: i64) -> Vec<bool> {
        fn narrowed<T: TryFrom<i64>>(low: i64, high: i64, max: i64) -> Option<(T, T)> {
            let (low, high) = (low.max(0), high.min(max));
            (low <= high).then(|| Some((T::try_from(low).ok()?, T::try_from(high).ok()?)))?
        }
        let none = || vec![false; self.len()];
        match self {
            Narrow::Bytes(v) => match narrowed::<u8>(low, high, u8::MAX.into()) {
                Some((low, high)) => v.iter().map(|n| (low <= *n) & (*n <= high)).collect(),
                None => none(),
            },
            Narrow::Halves(v) => match narrowed::<u16>(low, high, u16::MAX.into()) {
                Some((low, high)) => {
                    let within = |n: &[u8; 2]| {
                        let n = u16::from_le_bytes(*n);
                        (low <= n) & (n <= high)
                    };
                    v.iter().map(within).collect()
                }
                None => none(),
            },
            Narrow::Words(v) => match narrowed::<u32>(low, high, u32::MAX.into()) {
                Some((low, high)) => {
                    let within = |n: &[u8; 4]| {
                        let n = u32::from_le_bytes(*n);
                        (low <= n) & (n <= high)
                    };
                    v.iter().map(within).collect()
                }
                None => none(),
            },
            Narrow::Longs(_) => self.map(|n| (low <= n) & (n <= high)),
        }
    }

    /// Calls `visit` with every number in order.
    #[inline]
    pub(in crate::traces) fn each(self, mut visit: impl FnMut(i64)) {
        match self {
            Narrow::Bytes(v) => v.iter().for_each(|n| visit((*n).into())),
            Narrow::Halves(v) => v.iter().for_each(|n| visit(u16::from_le_bytes(*n).into())),
            Narrow::Words(v) => v.iter().for_each(|n| visit(u32::from_le_bytes(*n).into())),
            Narrow::Longs(v) => v.iter().for_each(|n| visit(i64::from_le_bytes(*n))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn numbers_come_back(
            values in prop::collection::vec(prop_oneof![0i64..300, any::<i64>(), 5_000_000i64..5_000_100], 0..400),
        ) {
            for effort in [Effort::Young, Effort::Settled, Effort::Cold] {
                let mut bytes = Vec::new();
                encode_ints(&values, effort, &mut bytes);
                prop_assert_eq!(&decode_ints(&mut Reader::new(&bytes), values.len()).unwrap(), &values);
            }
            let narrowed = narrow(&values);
            let halves = Narrow::of(&narrowed).within(100, 5_000_050);
            let expected: Vec<bool> = values.iter().map(|n| (100..=5_000_050).contains(n)).collect();
            prop_assert_eq!(halves, expected);
            let back: Vec<i64> = (0..values.len()).map(|i| Narrow::of(&narrowed).get(i)).collect();
            prop_assert_eq!(back, values);
        }

        #[test]
        fn strings_come_back(texts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..50)) {
            let distinct: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
            let codes: Vec<i64> = (0..texts.len() as i64).rev().collect();
            for effort in [Effort::Young, Effort::Settled] {
                let mut bytes = Vec::new();
                encode_strings(&distinct, &codes, effort, &mut bytes);
                let back = Strings::decode(&bytes, codes.len()).unwrap();
                prop_assert_eq!(&back.codes, &codes);
                prop_assert!((0..texts.len()).all(|n| back.get(n) == texts[n]));
                for len in 0..bytes.len() {
                    prop_assert!(Strings::decode(&bytes[..len], codes.len()).is_err());
                }
            }
        }
    }
}
