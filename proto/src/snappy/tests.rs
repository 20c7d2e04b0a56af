//! Snappy blocks: round trip, the limit by declared length, and no panic on any bytes.

use proptest::prelude::*;

use super::*;

#[test]
fn the_declared_length_is_refused_before_the_data_is_looked_at() {
    // Varint of 1 GiB and nothing behind it.
    let body = [0x80, 0x80, 0x80, 0x80, 0x04];
    assert_eq!(
        decompress(&body, 1 << 20),
        Err(Error::TooLarge {
            declared: 1 << 30,
            limit: 1 << 20
        })
    );
}

#[test]
fn a_body_of_exactly_the_limit_passes() {
    let body = compress(&[7; 1000]);
    assert_eq!(decompress(&body, 1000), Ok(vec![7; 1000]));
    assert!(matches!(decompress(&body, 999), Err(Error::TooLarge { .. })));
}

#[test]
fn an_empty_body_is_not_a_block() {
    assert_eq!(decompress(&[], 10), Err(Error::Snappy { what: "empty body" }));
    assert!(matches!(decompress(&[0xff; 12], 10), Err(Error::Snappy { .. })));
}

proptest! {
    #[test]
    fn round_trip(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
        prop_assert_eq!(decompress(&compress(&bytes), 4096), Ok(bytes));
    }

    #[test]
    fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        let _ = decompress(&bytes, 1 << 16);
    }
}
