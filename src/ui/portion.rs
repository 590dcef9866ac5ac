//! What a shard says of its rate: how much it is, and why.

use super::bar::per_second;
use crate::pacing::Rate;
use crate::shard::Shard;

/// The line at the start of a shard's run.
pub(super) fn start(shard: Shard, rate: Rate, burst: u32, is_own: bool) -> String {
    let why = why(shard, rate == Rate::Auto, is_own);
    match rate {
        Rate::Fixed(rate) => format!("shard {shard}: {} a second, burst {burst}; {why}", per_second(rate)),
        Rate::Auto => format!("shard {shard}: {why}"),
    }
}

/// Why the rate is what it is; `is_own` if it was named for this process alone.
pub(super) fn why(shard: Shard, is_auto: bool, is_own: bool) -> String {
    match (is_auto, is_own) {
        (true, _) => "the rate is found, beside those that the other shards find".to_owned(),
        (false, true) => "the rate is what --rate says, and is not divided".to_owned(),
        (false, false) => format!("the rate is the whole import's, divided by {}", shard.count()),
    }
}
