//! The power fails at a change to a file, and the disk has kept only what was synchronised.

use super::disk::Disk;
use super::*;

#[test]
fn no_power_cut_loses_or_duplicates_a_row_or_damages_the_ledger() {
    // Seeds 1000 and 1024 cut a run that goes on with the log of a dead one before the lock record names that log as its own.
    with_seeds("power cuts", 1000..1031, attack);
}

/// About the number of changes of a whole run.
const CHANGES: usize = 480;

fn attack(seed: u64) -> usize {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut import = Import::new(seed, random.u32(0..3) == 0);
    if random.u32(0..3) == 0 {
        let limit = random.usize(0..ROWS).to_string();
        import.end(import.command(&["--limit", &limit]));
    }
    let cuts = random.usize(1..4);
    for _ in 0..cuts {
        // Half of them at the first changes, which make the ledger.
        let at = if random.bool() { random.usize(1..CHANGES) } else { random.usize(1..CHANGES / 6) };
        let journal = import.server.path("journal");
        let mut disk = Disk::of(&import.client.path(""));
        let variables =
            [("ATTACK_JOURNAL", journal.to_string_lossy().into_owned()), ("ATTACK_CUT_AT", at.to_string())];
        import.history.push_str(&format!("; cut at change {at}"));
        // A run with fewer changes is cut off after its end.
        let ended = import.end(import.attacked(&[], &variables));
        assert!(matches!(ended.code, None | Some(1 | 75)), "{}: {}", import.history, ended.stderr);
        disk.apply(&std::fs::read(&journal).unwrap());
        std::fs::remove_file(journal).unwrap();
        let description = disk.cut(&mut random);
        import.history.push_str(&format!(": {description}"));
        import.expect_consistent();
    }
    import.resume();
    cuts
}
