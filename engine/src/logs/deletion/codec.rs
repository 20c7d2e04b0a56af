//! A deletion as a tombstone keeps it: FORMAT.md, "Manifest".

use super::{Condition, Deletion, LineTest};
use crate::coding::{Malformed, Reader, put_bytes, put_svarint, put_uvarint};
use crate::error::{Error, Result};
use crate::metrics::deletion::{decode_matchers, encode_matchers};

/// Kind of a condition of a label; those of lines come before it.
const LABEL: u8 = 4;

const TESTS: [LineTest; LABEL as usize] = [
    LineTest::Contains,
    LineTest::NotContains,
    LineTest::Matches,
    LineTest::NotMatches,
];

pub(super) fn encode(deletion: &Deletion) -> Vec<u8> {
    let mut out = Vec::new();
    put_bytes(&mut out, deletion.request.as_bytes());
    put_svarint(&mut out, deletion.created_ms);
    put_bytes(&mut out, deletion.query.as_bytes());
    put_bytes(&mut out, &encode_matchers(&deletion.matchers));
    put_uvarint(&mut out, deletion.conditions.len() as u64);
    for condition in &deletion.conditions {
        match condition {
            Condition::Label(matcher) => {
                out.push(LABEL);
                put_bytes(&mut out, &encode_matchers(std::slice::from_ref(matcher)));
            }
            Condition::Line(test, texts) => {
                out.push(*test as u8);
                put_uvarint(&mut out, texts.len() as u64);
                texts.iter().for_each(|text| put_bytes(&mut out, text.as_bytes()));
            }
        }
    }
    out
}

pub(super) fn decode(bytes: &[u8]) -> Result<Deletion> {
    let corrupt = |Malformed(what)| Error::Corrupt {
        file: "manifest".into(),
        offset: 0,
        what,
    };
    let mut r = Reader::new(bytes);
    let request = r.str().map_err(corrupt)?.to_owned();
    let created_ms = r.svarint().map_err(corrupt)?;
    let query = r.str().map_err(corrupt)?.to_owned();
    let matchers = decode_matchers(r.bytes().map_err(corrupt)?)?;
    let mut conditions = Vec::new();
    for _ in 0..r.count(2).map_err(corrupt)? {
        conditions.push(condition(&mut r, corrupt)?);
    }
    Ok(Deletion {
        request,
        created_ms,
        query,
        matchers,
        conditions,
    })
}

fn condition(r: &mut Reader<'_>, corrupt: fn(Malformed) -> Error) -> Result<Condition> {
    let kind = r.u8().map_err(corrupt)?;
    if kind == LABEL {
        let mut matchers = decode_matchers(r.bytes().map_err(corrupt)?)?;
        return match (matchers.pop(), matchers.len()) {
            (Some(matcher), 0) => Ok(Condition::Label(matcher)),
            _ => Err(corrupt(Malformed("matchers of a condition"))),
        };
    }
    let test = TESTS
        .get(usize::from(kind))
        .ok_or_else(|| corrupt(Malformed("kind of a condition")))?;
    let texts = (0..r.count(1).map_err(corrupt)?)
        .map(|_| r.str().map(str::to_owned))
        .collect::<std::result::Result<_, _>>()
        .map_err(corrupt)?;
    Ok(Condition::Line(*test, texts))
}
