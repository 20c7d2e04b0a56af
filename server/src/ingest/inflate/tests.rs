//! Decompression within limits.

use std::io::Write;

use super::*;

fn gzip(bytes: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    Bytes::from(encoder.finish().unwrap())
}

fn zstd(bytes: &[u8]) -> Bytes {
    Bytes::from(zstd::encode_all(bytes, 3).unwrap())
}

#[test]
fn bodies_come_back_up_to_the_limit() {
    let body = vec![7; 5000];
    for (coding, compressed) in [
        (Coding::Identity, Bytes::from(body.clone())),
        (Coding::Gzip, gzip(&body)),
        (Coding::Zstd, zstd(&body)),
    ] {
        assert_eq!(coding.inflate(compressed.clone(), 5000).unwrap(), body);
        let over = coding.inflate(compressed, 4999);
        assert!(matches!(over, Err(Fault::TooLarge(_))), "{coding:?} {over:?}");
    }
}

#[test]
fn a_bomb_ends_at_the_limit_and_rubbish_is_the_senders_fault() {
    let bomb = vec![0; 64 << 20];
    for (coding, compressed) in [(Coding::Gzip, gzip(&bomb)), (Coding::Zstd, zstd(&bomb))] {
        assert!(matches!(
            coding.inflate(compressed, 1 << 20),
            Err(Fault::TooLarge(_))
        ));
        let rubbish = coding.inflate(Bytes::from_static(b"no such thing"), 1 << 20);
        assert!(matches!(rubbish, Err(Fault::Bad(_))));
    }
    assert_eq!(Coding::of("GZIP"), Some(Coding::Gzip));
    assert_eq!(Coding::of("br"), None);
}
