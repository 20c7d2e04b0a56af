//! The wire format: varint borders, each error with its place, and no panic on any bytes.

use proptest::prelude::*;

use super::*;

fn first(bytes: &[u8]) -> Result<Option<Field<'_>>> {
    Reader::new(bytes).next_field()
}

#[test]
fn varints_up_to_64_bits() {
    for n in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
        let mut bytes = vec![8];
        put_varint(&mut bytes, n);
        let field = first(&bytes).unwrap().unwrap();
        assert_eq!((field.number, field.varint()), (1, Ok(n)));
    }
    let overlong = [8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
    assert_eq!(first(&overlong).unwrap_err(), Error::VarintOverflow { offset: 1 });
}

#[test]
fn errors_name_the_byte_of_the_whole_body() {
    // Field 1 is a message whose field 2 claims five bytes and has one.
    let body = [0x0a, 0x03, 0x12, 0x05, 0x61];
    let mut inner = first(&body).unwrap().unwrap().message().unwrap();
    assert_eq!(inner.next_field().unwrap_err(), Error::Truncated { offset: 3 });
    assert_eq!(
        first(&[0x0b]).unwrap_err(),
        Error::WireType {
            field: 1,
            found: 3,
            offset: 0
        }
    );
    assert_eq!(
        first(&[0x02, 0x00]).unwrap_err(),
        Error::FieldNumber { offset: 0 }
    );
    assert_eq!(first(&[0x09, 1, 2]).unwrap_err(), Error::Truncated { offset: 1 });
    let field = first(&[0x08, 0x01]).unwrap().unwrap();
    assert_eq!(
        field.bytes().unwrap_err(),
        Error::WireType {
            field: 1,
            found: 0,
            offset: 0
        }
    );
    assert!(field.double().is_err());
}

#[test]
fn a_length_near_the_address_limit_is_truncation() {
    let body = [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    assert_eq!(first(&body).unwrap_err(), Error::Truncated { offset: 1 });
}

proptest! {
    #[test]
    fn never_panics_and_always_advances(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let mut reader = Reader::new(&bytes);
        let mut left = reader.rest().len();
        while let Ok(Some(_)) = reader.next_field() {
            prop_assert!(reader.rest().len() < left);
            left = reader.rest().len();
        }
    }
}
