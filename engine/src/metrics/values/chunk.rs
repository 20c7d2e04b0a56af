//! One chunk of a group: which form its values take, and back. The smallest form wins.

use std::borrow::Cow;

use super::Effort;
use super::decimal::{Decimals, exactly, restore};
use super::exceptions::Exceptions;
use super::ints;
use crate::coding::{Malformed, Reader, put_uvarint};

const KIND_SHIFT: u32 = 5;
const SCALE_MASK: u8 = 31;
const KIND_SAME: u8 = 0;
const KIND_DECIMAL: u8 = 1;
const KIND_NEAR_DECIMAL: u8 = 2;
const KIND_ORDERED_BITS: u8 = 3;
const KIND_DIFFERENCE: u8 = 4;
const KIND_DISTINCT_BITS: u8 = 5;
const KIND_EXCEPTIONS: u8 = 7;

/// Chunks that may have to be decoded before one of differences.
const DEPTH_MAX: u32 = 3;

/// The integers of a chunk, which the next one may be told by its differences to.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// Integers of all samples, exceptions filled in; empty when the chunk has none.
    integers: Vec<i64>,
    scale: u8,
    depth: u32,
}

/// Appends a chunk and remembers it for the next one.
pub(super) fn encode(values: &[f64], before: &mut Before, effort: Effort, out: &mut Vec<u8>) {
    let first = values.first().copied().unwrap_or_default();
    if values.iter().all(|v| v.to_bits() == first.to_bits()) {
        before.integers.clear();
        return put_same(first, out);
    }
    let mut exceptions = Exceptions::default();
    let mut finite = Cow::Borrowed(values);
    if !values.iter().all(|v| v.is_finite()) {
        let others = values.iter().enumerate().filter(|(_, v)| !v.is_finite());
        others.for_each(|(at, value)| exceptions.push(at, *value));
        finite = values.iter().copied().filter(|v| v.is_finite()).collect();
    }
    let decimals = if finite.is_empty() {
        None
    } else {
        Decimals::of(&finite)
    };
    let Some(decimals) = decimals else {
        before.integers.clear();
        put_exceptions(&exceptions, out);
        return put_bits(&finite, effort, out);
    };
    let from = out.len();
    if decimals.others.is_empty() {
        put_exceptions(&exceptions, out);
        put_decimals(&decimals, &exceptions, before, effort, out);
    } else {
        let exceptions = with_others(values, &decimals);
        put_exceptions(&exceptions, out);
        put_decimals(&decimals, &exceptions, before, effort, out);
    }
    // Where decimals are only near, or many are none, the bits themselves may be shorter.
    if effort != Effort::Young && (!decimals.off.is_empty() || !decimals.others.is_empty()) {
        let mut bits = Vec::new();
        put_exceptions(&exceptions, &mut bits);
        put_bits(&finite, effort, &mut bits);
        if bits.len() < out.len() - from {
            out.truncate(from);
            out.extend_from_slice(&bits);
            before.integers.clear();
        }
    }
}

/// A value that fills its chunk.
fn put_same(value: f64, out: &mut Vec<u8>) {
    match exactly(value) {
        Some((integer, scale)) => {
            out.push(KIND_DECIMAL << KIND_SHIFT | scale);
            ints::encode(&[integer], Effort::Young, out);
        }
        None => {
            out.push(KIND_SAME << KIND_SHIFT);
            out.extend_from_slice(&value.to_bits().to_le_bytes());
        }
    }
}

/// The exceptions together with the finite values that are no decimals.
fn with_others(values: &[f64], decimals: &Decimals) -> Exceptions {
    let mut all = Exceptions::default();
    let mut others = decimals.others.iter().peekable();
    let mut at_dense = 0;
    for (at, value) in values.iter().enumerate() {
        if !value.is_finite() {
            all.push(at, *value);
            continue;
        }
        if others.next_if(|o| **o == at_dense).is_some() {
            all.push(at, *value);
        }
        at_dense += 1;
    }
    all
}

fn put_exceptions(exceptions: &Exceptions, out: &mut Vec<u8>) {
    if !exceptions.at.is_empty() {
        out.push(KIND_EXCEPTIONS << KIND_SHIFT);
        exceptions.encode(out);
    }
}

/// The bits of values as integers of the same order, or of few distinct ones their places among them.
fn put_bits(values: &[f64], effort: Effort, out: &mut Vec<u8>) {
    let from = out.len();
    out.push(KIND_ORDERED_BITS << KIND_SHIFT);
    let ordered: Vec<i64> = values.iter().map(|v| flip(v.to_bits() as i64)).collect();
    ints::encode(&ordered, effort, out);
    if effort == Effort::Young || out.len() - from < values.len() {
        return;
    }
    let mut distinct = ordered.clone();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() > values.len() / 4 * 3 {
        return;
    }
    let mut shorter = vec![KIND_DISTINCT_BITS << KIND_SHIFT];
    put_uvarint(&mut shorter, distinct.len() as u64);
    ints::encode(&distinct, effort, &mut shorter);
    let place = |n: &i64| distinct.partition_point(|d| d < n) as i64;
    let places: Vec<i64> = ordered.iter().map(place).collect();
    ints::encode(&places, effort, &mut shorter);
    if shorter.len() < out.len() - from {
        out.truncate(from);
        out.extend_from_slice(&shorter);
    }
}

fn decode_distinct_bits(
    r: &mut Reader<'_>,
    count: usize,
    places: &mut Vec<i64>,
    distinct: &mut Vec<i64>,
) -> Result<(), Malformed> {
    let n = r.uvarint()?;
    if n > count as u64 {
        return Err(Malformed("more distinct values than values"));
    }
    ints::decode(r, n as usize, distinct)?;
    ints::decode(r, count, places)?;
    for place in places {
        let at = usize::try_from(*place).ok().and_then(|at| distinct.get(at));
        *place = *at.ok_or(Malformed("place behind the distinct values"))?;
    }
    Ok(())
}

/// Bits of floats to integers of the same order, and back.
#[inline]
fn flip(bits: i64) -> i64 {
    bits ^ ((bits >> 63) as u64 >> 1) as i64
}

fn put_decimals(
    decimals: &Decimals,
    exceptions: &Exceptions,
    before: &mut Before,
    effort: Effort,
    out: &mut Vec<u8>,
) {
    let tag = |kind: u8| kind << KIND_SHIFT | decimals.scale;
    let from = out.len();
    if !decimals.off.is_empty() {
        out.push(tag(KIND_NEAR_DECIMAL));
        ints::encode(&decimals.integers, effort, out);
        ints::encode(&decimals.off, effort, out);
        before.integers.clear();
        return;
    }
    out.push(tag(KIND_DECIMAL));
    ints::encode(&decimals.integers, effort, out);
    if effort == Effort::Young {
        return;
    }
    let len = decimals.integers.len() + exceptions.at.len();
    let comparable =
        before.scale == decimals.scale && before.integers.len() == len && before.depth < DEPTH_MAX;
    let mut depth = 0;
    // A few bytes are not worth the decoding of another chunk.
    if comparable && out.len() - from > 12 {
        let others = exceptions.others(&before.integers);
        let differences: Vec<i64> = decimals
            .integers
            .iter()
            .zip(others)
            .map(|(a, b)| a.wrapping_sub(b))
            .collect();
        let mut shorter = vec![tag(KIND_DIFFERENCE)];
        ints::encode(&differences, effort, &mut shorter);
        if shorter.len() + shorter.len() / 16 + 2 < out.len() - from {
            out.truncate(from);
            out.extend_from_slice(&shorter);
            depth = before.depth + 1;
        }
    }
    before.depth = depth;
    before.scale = decimals.scale;
    exceptions.fill(&decimals.integers, &mut before.integers);
}

/// True when the chunk's bytes tell differences to the chunk before.
pub(super) fn needs_before(bytes: &[u8], count: usize) -> Result<bool, Malformed> {
    let mut r = Reader::new(bytes);
    let mut tag = r.u8()?;
    if tag >> KIND_SHIFT == KIND_EXCEPTIONS {
        Exceptions::decode(&mut r, count)?;
        tag = r.u8()?;
    }
    Ok(tag >> KIND_SHIFT == KIND_DIFFERENCE)
}

/// What decoding needs over and over.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    integers: Vec<i64>,
    off: Vec<i64>,
    /// Integers of the chunk decoded last, exceptions filled in.
    before: Vec<i64>,
    filled: Vec<i64>,
}

/// True when there may be NaN in a chunk: decimals without exceptions are none.
pub(super) fn may_hold_nan(bytes: &[u8]) -> Result<bool, Malformed> {
    let tag = Reader::new(bytes).u8()?;
    let decimal = matches!(
        tag >> KIND_SHIFT,
        KIND_DECIMAL | KIND_NEAR_DECIMAL | KIND_DIFFERENCE
    );
    Ok(!decimal)
}

/// Decodes a chunk's integers and appends its values to `out`, unless only the chunk behind it needs it.
pub(super) fn decode(
    r: &mut Reader<'_>,
    count: usize,
    scratch: &mut Scratch,
    out: Option<&mut Vec<f64>>,
) -> Result<(), Malformed> {
    match out {
        Some(out) => decode_then(r, count, scratch, out, false),
        None => {
            let (kind, exceptions, _) = decode_integers(r, count, scratch)?;
            if !matches!(kind, KIND_DECIMAL | KIND_DIFFERENCE) {
                return Err(Malformed("differences to a chunk without integers"));
            }
            keep_for_next(&exceptions, scratch);
            Ok(())
        }
    }
}

/// Decodes a chunk and appends its values to `out`; when another one follows, it finds what it may be told by.
pub(super) fn decode_then(
    r: &mut Reader<'_>,
    count: usize,
    scratch: &mut Scratch,
    out: &mut Vec<f64>,
    followed: bool,
) -> Result<(), Malformed> {
    if let Some((integer, scale)) = same_decimal(r)? {
        let from = out.len();
        restore(&[integer], &[], scale, out);
        let value = *out.get(from).ok_or(Malformed("number of a divisor"))?;
        out.resize(from + count, value);
        if followed {
            scratch.before.clear();
            scratch.before.resize(count, integer);
        }
        return Ok(());
    }
    let (kind, exceptions, scale) = decode_integers(r, count, scratch)?;
    let from = out.len();
    match kind {
        KIND_SAME => out.resize(from + count - exceptions.at.len(), f64::from_bits(r.u64()?)),
        KIND_ORDERED_BITS | KIND_DISTINCT_BITS => {
            out.extend(scratch.integers.iter().map(|i| f64::from_bits(flip(*i) as u64)))
        }
        _ if restore(&scratch.integers, &scratch.off, scale, out) => {}
        _ => return Err(Malformed("number of a divisor")),
    }
    if !exceptions.at.is_empty() {
        exceptions.insert_into(out, from);
    }
    if followed && matches!(kind, KIND_DECIMAL | KIND_DIFFERENCE) {
        keep_for_next(&exceptions, scratch);
    } else {
        scratch.before.clear();
    }
    Ok(())
}

/// The integer and the scale of a chunk of one decimal, which the reader goes past.
fn same_decimal(r: &mut Reader<'_>) -> Result<Option<(i64, u8)>, Malformed> {
    let mut ahead = r.clone();
    let tag = ahead.u8()?;
    if tag >> KIND_SHIFT != KIND_DECIMAL {
        return Ok(None);
    }
    let same = ints::decode_same(&mut ahead)?;
    if same.is_some() {
        *r = ahead;
    }
    Ok(same.map(|integer| (integer, tag & SCALE_MASK)))
}

/// Fills in the exceptions, so that the next chunk has an integer for each of its own.
fn keep_for_next(exceptions: &Exceptions, scratch: &mut Scratch) {
    if exceptions.at.is_empty() {
        std::mem::swap(&mut scratch.before, &mut scratch.integers);
        return;
    }
    exceptions.fill(&scratch.integers, &mut scratch.filled);
    std::mem::swap(&mut scratch.before, &mut scratch.filled);
}

/// Decodes the integers of a chunk into the scratch: its kind, its exceptions and its scale.
fn decode_integers(
    r: &mut Reader<'_>,
    count: usize,
    scratch: &mut Scratch,
) -> Result<(u8, Exceptions, u8), Malformed> {
    let mut tag = r.u8()?;
    let mut exceptions = Exceptions::default();
    if tag >> KIND_SHIFT == KIND_EXCEPTIONS {
        exceptions = Exceptions::decode(r, count)?;
        tag = r.u8()?;
    }
    let dense = count - exceptions.at.len();
    let Scratch {
        integers,
        off,
        before,
        ..
    } = scratch;
    integers.clear();
    off.clear();
    let kind = tag >> KIND_SHIFT;
    match kind {
        KIND_SAME => {}
        KIND_DECIMAL | KIND_ORDERED_BITS | KIND_DIFFERENCE => ints::decode(r, dense, integers)?,
        KIND_DISTINCT_BITS => decode_distinct_bits(r, dense, integers, off)?,
        KIND_NEAR_DECIMAL => {
            ints::decode(r, dense, integers)?;
            ints::decode(r, dense, off)?;
        }
        _ => return Err(Malformed("unknown kind of value chunk")),
    }
    if kind == KIND_DISTINCT_BITS {
        off.clear();
    }
    if kind == KIND_DIFFERENCE {
        if before.len() != count {
            return Err(Malformed("differences to a chunk of another length"));
        }
        if exceptions.at.is_empty() {
            let pairs = integers.iter_mut().zip(before.iter());
            pairs.for_each(|(i, b)| *i = i.wrapping_add(*b));
        } else {
            let others = exceptions.others(before);
            let pairs = integers.iter_mut().zip(others);
            pairs.for_each(|(i, b)| *i = i.wrapping_add(b));
        }
    }
    Ok((kind, exceptions, tag & SCALE_MASK))
}
