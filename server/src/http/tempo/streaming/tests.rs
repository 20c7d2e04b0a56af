//! Messages that no client finds too large.

use super::*;

#[test]
fn answers_are_parted_in_their_order() {
    let items: Vec<usize> = (0..1000).collect();
    let message = |items: Vec<usize>| items;
    let encode = |items: &Vec<usize>| vec![0; items.len() * 10_000];
    let packets = shared_out(items.clone(), message, encode);
    assert!(packets.len() >= 10 && packets.iter().all(|packet| packet.len() <= PACKET_BYTES_MAX));
    let in_order = shared_out(items, message, |items| {
        let mut out: Vec<u8> = items.iter().flat_map(|n| n.to_le_bytes()).collect();
        out.resize(out.len() * 1000, 0);
        out
    });
    let firsts: Vec<u64> = in_order
        .iter()
        .map(|packet| u64::from_le_bytes(*packet.first_chunk().unwrap()))
        .collect();
    assert!(firsts.is_sorted() && firsts.len() > 1, "{firsts:?}");
}

#[test]
fn one_item_goes_out_however_large_it_is() {
    let large = |_: &Vec<u8>| vec![0; 2 * PACKET_BYTES_MAX];
    assert_eq!(shared_out(vec![1_u8, 2], |items| items, large).len(), 2);
    assert_eq!(
        shared_out(Vec::<u8>::new(), |items| items, |_| Vec::new()).len(),
        1
    );
}
