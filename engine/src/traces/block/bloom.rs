//! Split-block Bloom filters (Putze, Sanders, Singler 2007; the parameters of Parquet's specification): eight bits in one
//! 256-bit block a key. At 16 bits a key 0.1 % of absent keys are let through, tested below.

/// Bits a key.
pub(in crate::traces) const BITS_PER_KEY: usize = 16;
/// Bytes of a block of the filter.
pub(in crate::traces) const BLOCK_LEN: usize = 32;

const SALT: [u32; 8] = [
    0x47b6_137b,
    0x4497_4d91,
    0x8824_ad5b,
    0xa2b7_289d,
    0x7054_95c7,
    0x2df1_424b,
    0x9efc_4947,
    0x5c6b_fb31,
];

/// A filter over the hashes of keys.
pub(in crate::traces) fn build(hashes: &[u64]) -> Vec<u8> {
    let blocks = (hashes.len() * BITS_PER_KEY).div_ceil(BLOCK_LEN * 8).max(1);
    let mut bytes = vec![0u8; blocks * BLOCK_LEN];
    for hash in hashes {
        let at = block_of(*hash, blocks) * BLOCK_LEN;
        let block = &mut bytes[at..at + BLOCK_LEN];
        for (word, salt) in block.chunks_exact_mut(4).zip(SALT) {
            let bit = (*hash as u32).wrapping_mul(salt) >> 27;
            word[bit as usize / 8] |= 1 << (bit % 8);
        }
    }
    bytes
}

/// The block of a filter that a hash is in.
#[inline]
pub(in crate::traces) fn block_of(hash: u64, blocks: usize) -> usize {
    ((u64::from((hash >> 32) as u32) * blocks as u64) >> 32) as usize
}

/// False when no key has the hash, given the block it would be in.
#[inline]
pub(in crate::traces) fn may_hold(hash: u64, block: &[u8]) -> bool {
    block.as_chunks::<4>().0.iter().zip(SALT).all(|(word, salt)| {
        let bit = (hash as u32).wrapping_mul(salt) >> 27;
        u32::from_le_bytes(*word) >> bit & 1 == 1
    })
}

/// False when no key of a whole filter has the hash.
pub(in crate::traces) fn filter_may_hold(hash: u64, filter: &[u8]) -> bool {
    let blocks = filter.len() / BLOCK_LEN;
    if blocks == 0 {
        return true;
    }
    let at = block_of(hash, blocks) * BLOCK_LEN;
    may_hold(hash, &filter[at..at + BLOCK_LEN])
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_64;

    #[test]
    fn keys_are_let_through_and_few_others() {
        let hash = |n: u64| xxh3_64(&n.to_le_bytes());
        let keys: Vec<u64> = (0..50_000).map(hash).collect();
        let filter = build(&keys);
        assert_eq!(filter.len(), 100_000usize.div_ceil(32) * 32);
        assert!(keys.iter().all(|k| filter_may_hold(*k, &filter)));
        let others = 1_000_000u64;
        let wrong = (50_000..50_000 + others)
            .filter(|n| filter_may_hold(hash(*n), &filter))
            .count();
        assert!(wrong < 1_600, "{wrong} of a million let through");
    }
}
