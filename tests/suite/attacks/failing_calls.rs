//! One system call on a file of the import fails, or all of its kind from then on.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::*;

/// Classes of calls, each with the errors that a system gives. 0 is a short transfer.
const FAILURES: [(&str, &[i32]); 9] = [
    ("open", &[EIO, EACCES, EMFILE, ENOSPC]),
    ("read", &[EIO, EINTR, 0, ESTALE]),
    ("write", &[EIO, ENOSPC, EDQUOT, EINTR, 0]),
    ("sync", &[EIO, ENOSPC, EDQUOT]),
    ("truncate", &[EIO, ENOSPC]),
    ("name", &[EIO, ENOSPC, EACCES]),
    ("lock", &[EIO, ENOLCK]),
    ("stat", &[EIO, ESTALE, EACCES]),
    ("map", &[EIO, ENOMEM]),
];

const EINTR: i32 = 4;
const EIO: i32 = 5;
const ENOMEM: i32 = 12;
const EACCES: i32 = 13;
const EMFILE: i32 = 24;
const ENOSPC: i32 = 28;
const ENOLCK: i32 = 37;
const ESTALE: i32 = 116;
const EDQUOT: i32 = 122;

/// Calls of each class in a run that is not attacked.
static CALLS: LazyLock<BTreeMap<String, usize>> = LazyLock::new(|| {
    let mut import = Import::new(0, false);
    let counts = import.server.path("counts").to_string_lossy().into_owned();
    import.end(import.attacked(&[], &[("ATTACK_COUNTS", counts)]));
    let counts = import.server.read("counts");
    let counts = counts.lines().map(|line| line.split_once(' ').unwrap());
    counts.map(|(class, calls)| (class.to_owned(), calls.parse().unwrap())).collect()
});

#[test]
fn no_failing_system_call_loses_or_duplicates_a_row() {
    with_seeds("failing system calls", 1..41, attack);
}

fn attack(seed: u64) -> usize {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut import = Import::new(seed, random.u32(0..3) == 0);
    if random.bool() {
        // The attack is on a ledger that exists.
        let limit = random.usize(0..ROWS).to_string();
        import.end(import.command(&["--limit", &limit]));
    }
    let mut attacks = 0;
    for _ in 0..random.u32(1..4) {
        // The classes in turn, so that few seeds attack all of them.
        let (class, errors) = FAILURES[(seed as usize + random.usize(0..2)) % FAILURES.len()];
        let error = errors[random.usize(0..errors.len())];
        let call = random.usize(1..=CALLS[class]);
        let notes = import.server.path("notes").to_string_lossy().into_owned();
        let mut variables = vec![
            ("ATTACK_CLASS", class.to_owned()),
            ("ATTACK_AT", call.to_string()),
            ("ATTACK_ERRNO", error.to_string()),
            ("ATTACK_NOTES", notes),
        ];
        // A call that is interrupted again and again is no failure. SQLite takes ENOLCK for the lock of another program,
        // for which a run waits a minute.
        let is_always = !matches!(error, EINTR | ENOLCK) && random.bool();
        if is_always {
            variables.push(("ATTACK_ALWAYS", String::new()));
        }
        import.history.push_str(&format!("; {class} {call} fails with {error}, always: {is_always}"));
        // Without the check, the input is read while its rows are sent.
        let options: &[&str] = if random.bool() { &["--no-check"] } else { &[] };
        let before = import.sandbox.stat("requests");
        let ended = import.end(import.attacked(options, &variables));
        let sent = import.sandbox.stat("requests") - before;
        assert!(ended.code != Some(2) || sent == 0, "{}: {}", import.history, ended.stderr);
        let is_published = matches!(ended.code, Some(0 | 1 | 2 | 11 | 74 | 75));
        assert!(is_published, "{}: {}", import.history, ended.stderr);
        // A failed read is no damage, and the ledger is a ledger.
        let is_damage_told =
            ["is damaged (", "is not a ledger"].iter().any(|told| ended.stderr.contains(told));
        assert!(!is_damage_told, "{}: {}", import.history, ended.stderr);
        import.expect_consistent();
        // A run whose threads came in another order may have made fewer calls.
        attacks += usize::from(!import.server.read("notes").is_empty());
        std::fs::remove_file(import.server.path("notes")).unwrap();
    }
    import.resume();
    attacks
}
