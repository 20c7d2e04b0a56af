//! Remote read: requests decode, frames have Prometheus' form, damage is refused.

use proptest::prelude::*;

use super::crc32c::crc32c;
use super::*;
use crate::chunks::{decode_floats, encode_floats};
use crate::wire::{put_bytes, put_integer};

fn request() -> Vec<u8> {
    let (mut out, mut query, mut matcher) = (Vec::new(), Vec::new(), Vec::new());
    put_integer(&mut matcher, 1, 2);
    put_bytes(&mut matcher, 2, b"job");
    put_bytes(&mut matcher, 3, b"a|b");
    put_integer(&mut query, 1, 1000);
    put_integer(&mut query, 2, 2000);
    put_bytes(&mut query, 3, &matcher);
    put_bytes(&mut query, 4, b"");
    put_bytes(&mut out, 1, &query);
    put_bytes(&mut out, 2, &[1, 0]);
    out
}

#[test]
fn requests_name_queries_and_response_types() {
    let bytes = request();
    let decoded = ReadRequest::decode(&bytes).unwrap();
    assert_eq!(decoded.accepted, [1, 0]);
    let query = &decoded.queries[0];
    assert_eq!((query.start, query.end), (1000, 2000));
    let wanted = Matcher {
        op: 2,
        name: "job",
        value: "a|b",
    };
    assert_eq!(query.matchers, [wanted]);
}

#[test]
fn the_checksum_is_castagnolis() {
    // RFC 3720, B.4.
    assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
    assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    assert_eq!(crc32c(b"123456789"), 0xe306_9283);
}

#[test]
fn a_series_is_cut_into_frames_that_repeat_its_labels() {
    let times: Vec<i64> = (0..1000).map(|i| i * 1000).collect();
    let values: Vec<f64> = (0..1000).map(|i| f64::from(i) * 0.37).collect();
    let mut frames = Vec::new();
    let chunks = encode_floats(&times, &values);
    FrameEncoder::new(2000)
        .series(3, [("__name__", "m")], chunks, |frame| {
            frames.push(frame);
            Ok::<_, ()>(())
        })
        .unwrap();
    assert!(frames.len() > 2);
    let mut back = Vec::new();
    for frame in &frames {
        let mut reader = Reader::new(frame);
        let len = reader.varint().unwrap() as usize;
        let (checksum, message) = reader.rest().split_at(4);
        assert_eq!(message.len(), len);
        assert_eq!(checksum, crc32c(message).to_be_bytes());
        let mut message = Reader::new(message);
        let mut series = message.next_field().unwrap().unwrap().message().unwrap();
        assert_eq!(message.next_field().unwrap().unwrap().varint().unwrap(), 3);
        assert_eq!(series.next_field().unwrap().unwrap().number, 1);
        while let Some(chunk) = series.next_field().unwrap() {
            let mut chunk = chunk.message().unwrap();
            while let Some(field) = chunk.next_field().unwrap() {
                if field.number == 4 {
                    back.extend(decode_floats(field.bytes().unwrap()).unwrap());
                }
            }
        }
    }
    let wanted: Vec<_> = times.into_iter().zip(values).collect();
    assert_eq!(back, wanted);
}

proptest! {
    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..100), at in 0_usize..60, byte in any::<u8>()) {
        let mut damaged = request();
        if let Some(hit) = damaged.get_mut(at) {
            *hit = byte;
        }
        let _ = (ReadRequest::decode(&bytes), ReadRequest::decode(&damaged));
    }
}
