//! Which tokens a segment of the ledger surely does not have.

use crate::digest::Digest;

/// Bytes of a block: what a processor fetches at once.
const BLOCK: usize = 64;

/// Blocks of a filter: 12 bits for each of the 1,048,576 tokens of a segment.
const BLOCKS: usize = (super::segments::ROWS as usize) * 12 / 8 / BLOCK;

/// Bits that a token sets, all of them in one block.
const BITS: u32 = 6;

/// A Bloom filter of 1.5 MiB. It takes about one in two hundred of the tokens that are not there for being there.
#[derive(Debug)]
pub(super) struct Filter(Vec<u8>);

impl Filter {
    /// A filter that has no token.
    pub(super) fn new() -> Self {
        Filter(vec![0; BLOCKS * BLOCK])
    }

    /// A filter as it was stored; none if it is not whole.
    pub(super) fn stored(bytes: Vec<u8>, digest: Digest) -> Option<Self> {
        let filter = Filter(bytes);
        (filter.0.len() == BLOCKS * BLOCK && filter.digest() == digest).then_some(filter)
    }

    /// What is stored of it.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// A digest of that.
    pub(super) fn digest(&self) -> Digest {
        Digest::of([self.bytes()])
    }

    /// Adds a token.
    pub(super) fn add(&mut self, token: Digest) {
        for (byte, bit) in places(token) {
            self.0[byte] |= bit;
        }
    }

    /// Whether the token may have been added; if not, it surely was not.
    pub(super) fn may_have(&self, token: Digest) -> bool {
        places(token).all(|(byte, bit)| self.0[byte] & bit != 0)
    }
}

/// The bytes and bits of a token. It is a digest itself, so its own bits will do: the first half chooses the block, the
/// second half nine bits at a time a bit of the block's 512.
fn places(token: Digest) -> impl Iterator<Item = (usize, u8)> {
    let token = u128::from_be_bytes(token.0);
    let start = (((token >> 64) * BLOCKS as u128) >> 64) as usize * BLOCK;
    (0..BITS).map(move |nth| {
        let bit = (token >> (9 * nth)) as usize % (8 * BLOCK);
        (start + bit / 8, 1 << (bit % 8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(number: u64) -> Digest {
        Digest::of([&number.to_be_bytes()[..]])
    }

    #[test]
    fn it_never_denies_a_token_that_it_has_and_seldom_claims_another() {
        let mut filter = Filter::new();
        let full = super::super::segments::ROWS as u64;
        for number in 0..full {
            filter.add(token(number));
        }
        assert!((0..full).step_by(7).all(|number| filter.may_have(token(number))));
        let wrong = (full..full + 20_000).filter(|&number| filter.may_have(token(number))).count();
        // By arithmetic 0.5%; these tokens are always the same.
        assert!(wrong < 160, "{wrong} of 20,000");
    }

    #[test]
    fn what_is_not_whole_is_not_believed() {
        let mut filter = Filter::new();
        filter.add(token(1));
        let (bytes, digest) = (filter.bytes().to_vec(), filter.digest());
        assert!(Filter::stored(bytes.clone(), digest).is_some_and(|same| same.may_have(token(1))));
        assert!(Filter::stored(bytes[1..].to_vec(), digest).is_none());
        let mut flipped = bytes;
        flipped[99] ^= 1;
        assert!(Filter::stored(flipped, digest).is_none());
    }
}
