//! The pace against the documented quota, which nobody can ask for. Pure.

use super::Diagnosis;
use crate::pacing::{DEFAULT_BURST, DEFAULT_RATE, Rate};
use crate::request::Operation;
use crate::shard::Shard;

const CHECK: &str = "quota";

pub(super) fn quota(operation: Operation, rate: Rate, burst: u32, shard: Option<Shard>) -> Diagnosis {
    let shards = shard.map_or(1, Shard::count);
    let each = if shards > 1 { format!(" in each of {shards} shards") } else { String::new() };
    let found = match rate {
        Rate::Fixed(rate) => format!("{operation} at {rate} a second, burst {burst}{each}"),
        Rate::Auto => format!("{operation} at the rate that is found, from {DEFAULT_RATE} a second"),
    };
    let documented = format!(
        "the documented default is {DEFAULT_RATE}, burst {DEFAULT_BURST}, for the whole account and Region"
    );
    let open_tasks = match operation {
        Operation::CreateContact => "",
        Operation::StartTaskContact => "; an instance has at most 2,500 active tasks by default",
    };
    // Portions of the default may add up to a little more than it.
    let whole = |rate: f64| rate * f64::from(shards) * (1.0 - 1e-9);
    let bursts = burst.saturating_mul(shards);
    if matches!(rate, Rate::Fixed(rate) if whole(rate) > DEFAULT_RATE || bursts > DEFAULT_BURST) {
        let remedy = "go on if AWS Support has raised yours; otherwise Connect throttles, and the run yields";
        return Diagnosis::warn(CHECK, format!("{found}; {documented}{open_tasks}"), remedy);
    }
    Diagnosis::pass(CHECK, format!("{found}: {documented}{open_tasks}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_pace_above_the_documented_quota_is_warned_of() {
        let of =
            |rate, burst, shard| quota(Operation::CreateContact, Rate::Fixed(rate), burst, shard).verdict;
        let verdict = |rate, burst| of(rate, burst, None);
        let third = "0/3".parse().ok();
        assert_eq!(of(DEFAULT_RATE / 3.0, 1, third), Verdict::Pass);
        assert_eq!(of(DEFAULT_RATE, 1, third), Verdict::Warn);
        assert_eq!(of(DEFAULT_RATE / 3.0, 2, third), Verdict::Warn);
        assert_eq!(verdict(2.0, 5), Verdict::Pass);
        assert_eq!(verdict(2.1, 5), Verdict::Warn);
        assert_eq!(verdict(2.0, 6), Verdict::Warn);
        assert_eq!(quota(Operation::CreateContact, Rate::Auto, 99, None).verdict, Verdict::Pass);
    }
}
