//! Push requests and labels as text.

use proptest::prelude::*;

use super::{Push, PushEncoder, parse_labels, put_labels};

#[test]
fn a_request_reads_as_it_was_written() {
    let mut encoder = PushEncoder::default();
    let metadata = [("trace_id", "0af7"), ("user", "")];
    encoder.stream(
        "{app=\"web\"}",
        [
            (1_700_000_000_123_456_789, b"one".as_slice(), metadata.as_slice()),
            (-1, b"\xff\0", &[]),
        ],
    );
    encoder.stream("{app=\"db\"}", []);
    let bytes = encoder.finish();
    let mut push = Push::new(&bytes);
    let mut stream = push.next_stream().unwrap().unwrap();
    assert_eq!(stream.labels, b"{app=\"web\"}");
    let mut entry = stream.next_entry().unwrap().unwrap();
    assert_eq!(
        (entry.time, entry.line),
        (1_700_000_000_123_456_789, b"one".as_slice())
    );
    let first = entry.metadata.next_pair().unwrap();
    assert_eq!(first, Some((b"trace_id".as_slice(), b"0af7".as_slice())));
    let second = entry.metadata.next_pair().unwrap();
    assert_eq!(second, Some((b"user".as_slice(), b"".as_slice())));
    assert_eq!(entry.metadata.next_pair().unwrap(), None);
    let entry = stream.next_entry().unwrap().unwrap();
    assert_eq!((entry.time, entry.line), (-1, b"\xff\0".as_slice()));
    assert!(stream.next_entry().unwrap().is_none());
    let mut stream = push.next_stream().unwrap().unwrap();
    assert_eq!(stream.labels, b"{app=\"db\"}");
    assert!(stream.next_entry().unwrap().is_none());
    assert!(push.next_stream().unwrap().is_none());
}

#[test]
fn labels_read_as_go_reads_them() {
    let text = r#" { a = "b" , c='it"s',d=`\n`, e="\t\x41\u00e9\101" ,}"#;
    let pairs = parse_labels(text).unwrap();
    let plain: Vec<(&str, &str)> = pairs.iter().map(|(n, v)| (*n, v.as_ref())).collect();
    assert_eq!(
        plain,
        [("a", "b"), ("c", "it\"s"), ("d", "\\n"), ("e", "\tA\u{e9}A")]
    );
    assert_eq!(parse_labels("{}").unwrap(), []);
}

#[test]
fn what_are_no_labels_says_where() {
    let cases = [
        ("", "1:1: parse error: unexpected end of input, expected '{'"),
        ("{a}", "1:3: parse error: unexpected '}', expected '='"),
        ("{a=b}", "1:4: parse error: unexpected 'b', expected a string"),
        ("{a=\"b", "1:4: parse error: unterminated quoted string"),
        ("{a=\"\\q\"}", "1:4: parse error: invalid string \"\\\\q\""),
        (
            "{1=\"b\"}",
            "1:2: parse error: unexpected '1', expected the name of a label",
        ),
        (
            "{a=\"b\"} x",
            "1:9: parse error: unexpected 'x', expected end of input",
        ),
    ];
    for (text, error) in cases {
        assert_eq!(parse_labels(text).unwrap_err().to_string(), error);
    }
}

proptest! {
    #[test]
    fn labels_come_back_from_their_text(pairs in prop::collection::vec(("[a-z_][a-z0-9_]{0,5}", ".*"), 0..5)) {
        let mut text = String::new();
        put_labels(&mut text, pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        let read = parse_labels(&text).unwrap();
        let read: Vec<(String, String)> = read.into_iter().map(|(n, v)| (n.to_owned(), v.into_owned())).collect();
        prop_assert_eq!(read, pairs);
    }

    #[test]
    fn no_text_and_no_bytes_panic(text in "[{}a=\"'`\\\\,x0-9u ]{0,24}", bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = parse_labels(&text);
        let mut push = Push::new(&bytes);
        while let Ok(Some(mut stream)) = push.next_stream() {
            while let Ok(Some(mut entry)) = stream.next_entry() {
                while let Ok(Some(_)) = entry.metadata.next_pair() {}
            }
        }
    }
}
