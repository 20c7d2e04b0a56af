//! OTLP traces: this decoder and the generated one of `opentelemetry-proto` see the same, on requests of every shape
//! and on what a real SDK sent (`../shared/data/wire` beside the repository; absent, that test says so and passes).

mod any;
mod rebuild;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::prelude::*;
use prost::Message;

pub(crate) use rebuild::{entity_ref, request as rebuilt};

use super::*;
use crate::otlp::metrics::tests::{Dice, sdk_bodies};

#[test]
fn the_bodies_of_a_real_sdk_decode_to_the_same() {
    let Some(bodies) = sdk_bodies("/v1/traces") else {
        return;
    };
    let mut spans = 0;
    for body in bodies {
        let generated = ExportTraceServiceRequest::decode(&body[..]).unwrap();
        assert_eq!(rebuilt(&body).unwrap(), generated);
        let scopes = generated.resource_spans.iter().flat_map(|r| &r.scope_spans);
        spans += scopes.map(|s| s.spans.len()).sum::<usize>();
    }
    assert_eq!(spans, 5144);
}

#[test]
fn fields_among_attributes_part_no_attributes() {
    let attribute = |key: u8| [0x4a, 3, 0x0a, 1, key];
    let event = |name: u8| [0x5a, 3, 0x12, 1, name];
    let name = [0x2a, 1, b'n'];
    let span = [
        &attribute(b'a')[..],
        &event(b'e'),
        &attribute(b'b'),
        &name,
        &event(b'f'),
        &attribute(b'c'),
    ]
    .concat();
    let span = Span::decode(Reader::new(&span)).unwrap();
    let (mut keys, mut names) = (Vec::new(), Vec::new());
    let (mut attributes, mut events) = (span.attributes.clone(), span.events.clone());
    while let Some(found) = attributes.next_value().unwrap() {
        keys.extend_from_slice(found.key);
    }
    while let Some(found) = events.next_event().unwrap() {
        names.extend_from_slice(found.name);
    }
    assert_eq!(
        (&keys[..], &names[..], span.name),
        (&b"abc"[..], &b"ef"[..], &b"n"[..])
    );
}

#[test]
fn a_resource_behind_its_spans_is_theirs() {
    let mut body = Vec::new();
    crate::wire::put_bytes(&mut body, 2, b"");
    crate::wire::put_bytes(&mut body, 3, b"schema");
    crate::wire::put_bytes(&mut body, 1, &[0x10, 7]);
    let mut request = Vec::new();
    crate::wire::put_bytes(&mut request, 1, &body);
    let mut resource = Request::new(&request).next_resource().unwrap().unwrap();
    assert_eq!(resource.resource.dropped_attributes, 7);
    assert_eq!(resource.schema_url, b"schema");
    assert!(resource.next_scope().unwrap().is_some());
}

proptest! {
    #[test]
    fn both_decoders_see_the_same(seed: u64) {
        let request = Dice(seed).traces();
        prop_assert_eq!(rebuilt(&request.encode_to_vec()).unwrap(), request);
    }

    #[test]
    fn what_the_generated_decoder_takes_this_one_takes(seed: u64, at in any::<prop::sample::Index>(), byte: u8) {
        let mut body = Dice(seed).traces().encode_to_vec();
        if !body.is_empty() {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let ours = std::panic::catch_unwind(|| rebuilt(&body));
        if ExportTraceServiceRequest::decode(&body[..]).is_ok() {
            // Strings are checked by whoever uses them, so the rebuilding above may stumble over bytes that are none.
            prop_assert!(ours.is_ok_and(|decoded| decoded.is_ok()));
        }
    }

    #[test]
    fn both_paths_of_attributes_agree(seed: u64, at in any::<prop::sample::Index>(), byte: u8, mutate: bool) {
        let mut body = Vec::new();
        for attribute in Dice(seed).attributes(2) {
            crate::wire::put_bytes(&mut body, 9, &attribute.encode_to_vec());
        }
        if mutate && !body.is_empty() {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let walk = |quick: bool| -> Result<Vec<String>> {
            let mut all = KeyValues::of(&body, 9);
            let mut out = Vec::new();
            while let Some(found) = if quick { all.next_value()? } else { all.general_value()? } {
                // Where what is inside begins in the body says nothing about it.
                out.push(format!("{:?} {:?}", found.key, found.value));
            }
            Ok(out)
        };
        let text = |walked: Result<Vec<String>>| walked.map_err(|error| error.to_string());
        prop_assert_eq!(text(walk(true)), text(walk(false)));
    }

    #[test]
    fn never_panics(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = std::panic::catch_unwind(|| rebuilt(&body)).map(drop);
        let mut request = Request::new(&body);
        while let Ok(Some(mut resource)) = request.next_resource() {
            while let Ok(Some(mut scope)) = resource.next_scope() {
                while let Ok(Some(span)) = scope.next_span() {
                    let (mut events, mut links) = (span.events.clone(), span.links.clone());
                    while let Ok(Some(_)) = events.next_event() {}
                    while let Ok(Some(_)) = links.next_link() {}
                }
            }
        }
    }
}

#[test]
fn the_size_is_that_of_a_message_written_in_full() {
    let id = |tag: u8, len: u8| [&[tag, len][..], &vec![7; len.into()]].concat();
    let time = |tag: u8| [&[tag][..], &7u64.to_le_bytes()].concat();
    let (trace, span, start, end) = (id(0x0a, 16), id(0x12, 8), time(0x39), time(0x41));
    let no_parent = [&[0x22, 8][..], &[0; 8]].concat();
    let status = vec![0x7a, 0];
    for parts in [
        vec![&trace, &span, &start, &end, &status],
        vec![&trace, &span, &start, &end],
        vec![&trace, &span, &start],
        vec![&trace, &span, &no_parent, &status],
    ] {
        let message = parts.into_iter().flatten().copied().collect::<Vec<u8>>();
        assert_eq!(
            Span::decode(Reader::new(&message)).unwrap().size,
            48,
            "{message:?}"
        );
    }
}
