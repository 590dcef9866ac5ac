//! Two views of a ledger's folder that do not share locks, such as two FUSE mounts: what another run writes to the lock file
//! is written by the test, and the lock is not taken.

use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::*;

const LOCK: &str = "t.ledger.db.lock";

/// The lock file of a run on another machine, after `beats` seconds.
fn foreign_record(beats: u64) -> String {
    format!(
        "lock file of a connect-import ledger\nprocess 7 on web-2, since 2026-11-21T13:00:00Z\n\
         nonce 00000000000000ff\nbeat {beats}\n"
    )
}

#[test]
fn a_run_that_is_given_the_lock_although_another_one_writes_its_record_ends_in_11_and_changes_nothing() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.run(&import(&url, &["--limit", "1"])).expect(10);
    let before = std::fs::read(folder.path("t.ledger.db")).unwrap();
    folder.write(LOCK, foreign_record(0));
    let ends = Arc::new(AtomicBool::new(false));
    // In place, as a run does.
    let lock = std::fs::File::options().write(true).open(folder.path(LOCK)).unwrap();
    let is_over = ends.clone();
    let other = std::thread::spawn(move || {
        for beats in 1.. {
            if is_over.load(Ordering::Relaxed) {
                break;
            }
            lock.write_all_at(foreign_record(beats).as_bytes(), 0).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    });
    for _ in 0..2 {
        let refused = folder.run(&import(&url, &[])).expect(11).stderr;
        assert!(refused.contains("t.ledger.db (process 7 on web-2"), "{refused}");
        assert!(refused.contains("mounts that do not share locks"), "{refused}");
    }
    assert!(std::fs::read(folder.path("t.ledger.db")).unwrap() == before);
    assert_eq!(endpoint.requests().len(), 1, "a refused run sent something");
    // After a sign of life, a run can wait for the other one; this other one dies.
    let queued = start_with_stderr_file(&folder, &import(&url, &["--lock-wait", "1h"]));
    until("it waits", || stderr_so_far(&folder).contains("process 7 on web-2"));
    assert_eq!(endpoint.requests().len(), 1);
    ends.store(true, Ordering::Relaxed);
    other.join().unwrap();
    assert_eq!(queued.end().code, Some(0));
    assert_eq!(endpoint.requests().len(), 3);
}

#[test]
fn a_run_whose_record_another_run_overwrites_sends_nothing_more_and_ends_in_74() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(200));
    let lock = folder.path(LOCK);
    let taken = lock.clone();
    let endpoint = Endpoint::start(move |number, _| {
        if number == 9 {
            std::fs::write(&taken, foreign_record(0)).unwrap();
        }
        Reply::Created
    });
    let ended = folder.run(&import(&endpoint.url(), &["--concurrency", "1"])).expect(74);
    let told = ended.stderr;
    assert!(
        told.contains("another run (process 7 on web-2, since 2026-11-21T13:00:00Z) took the ledger"),
        "{told}"
    );
    assert!(!told.contains("nothing was sent"), "{told}");
    // The request during which the record was overwritten is the last one.
    let sent = endpoint.requests().len();
    assert!(sent <= 11, "{sent} requests");
    assert_eq!(folder.read(LOCK), foreign_record(0), "the other run's record was overwritten");
    // The log stays for the other run, and rows in flight for the next one.
    assert!(folder.path("t.ledger.db-wal").metadata().unwrap().len() > 0);
    let states = folder.states("t.ledger.db");
    assert!(states.contains(", in_flight 1, "), "{states}");
}
