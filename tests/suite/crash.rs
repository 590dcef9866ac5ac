//! kill -9 at random moments, as often as it takes: one contact a key, every contact id true.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::support::*;

const ROWS: usize = 5000;

#[test]
fn killed_at_random_moments_the_import_ends_with_one_contact_a_key() {
    for seed in 1..=3 {
        let folder = Folder::new();
        folder.write("t.csv", numbered_csv(ROWS));
        let sandbox = SandboxProcess::start(
            &folder,
            &["--rate", "0", "--latency", "10ms", "--state", "contacts.jsonl"],
        );
        let url = sandbox.url();
        let arguments = import(&url, &["--concurrency", "32", "--progress", "none"]);
        let mut random = fastrand::Rng::with_seed(seed);
        let mut kills = 0;
        loop {
            let mut running = folder.start(&arguments);
            if kills < 12 {
                std::thread::sleep(Duration::from_millis(random.u64(20..600)));
                if !running.is_over() {
                    running.signal("KILL");
                    kills += 1;
                    running.end();
                    continue;
                }
            }
            running.end().expect(0);
            break;
        }
        assert!(kills > 0, "seed {seed}: the run was over before it could be killed");

        let contacts = sandbox.contacts();
        let by_token: BTreeMap<_, _> = contacts.iter().cloned().collect();
        assert_eq!((contacts.len(), by_token.len()), (ROWS, ROWS), "seed {seed}, {kills} kills");
        assert_eq!(folder.states("t.ledger.db"), format!("created {ROWS}"));
        let ledger = folder.ask("t.ledger.db", "SELECT 'ci1-' || lower(hex(token)), contact_id FROM rows");
        for line in ledger.lines() {
            let (token, contact) = line.split_once('|').unwrap();
            assert_eq!(by_token[token], contact, "seed {seed}");
        }
        assert_eq!(folder.ask("t.ledger.db", "SELECT count(DISTINCT key) FROM rows"), ROWS.to_string());
    }
}
