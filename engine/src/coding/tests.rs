//! Tests of the shared codings.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn numbers_come_back(u in any::<u64>(), s in any::<i64>(), small in 0u64..300) {
        let mut out = Vec::new();
        put_uvarint(&mut out, u);
        put_svarint(&mut out, s);
        put_uvarint(&mut out, small);
        let mut reader = Reader::new(&out);
        prop_assert_eq!(reader.uvarint(), Ok(u));
        prop_assert_eq!(reader.svarint(), Ok(s));
        prop_assert_eq!(reader.uvarint(), Ok(small));
        prop_assert_eq!(reader.remaining(), 0);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut reader = Reader::new(&bytes);
        while reader.remaining() > 0 && reader.bytes().is_ok() {}
        let mut reader = Reader::new(&bytes);
        while reader.remaining() > 0 && reader.svarint().is_ok() {}
    }
}

#[test]
fn extremes_and_short_input() {
    for n in [i64::MIN, -1, 0, 1, i64::MAX] {
        let mut out = Vec::new();
        put_svarint(&mut out, n);
        assert_eq!(Reader::new(&out).svarint(), Ok(n));
    }
    assert_eq!(
        Reader::new(&[0x80]).uvarint(),
        Err(Malformed("varint without end"))
    );
    assert_eq!(
        Reader::new(&[0xff; 10]).uvarint(),
        Err(Malformed("varint over 64 bits"))
    );
    assert_eq!(
        Reader::new(&[5, b'a']).bytes(),
        Err(Malformed("count over what the bytes can hold"))
    );
}
