//! After the first request nothing ends a run with 2, which says that nothing was sent.

use crate::support::*;

/// Runs an import during whose only request `disturb` changes its folder.
fn disturbed(disturb: impl Fn(&std::path::Path) + Send + Sync + 'static) -> Ended {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let at = folder.path("");
    let endpoint = Endpoint::start(move |_, _| {
        disturb(&at);
        Reply::Created
    });
    let ended = folder.run(&import(&endpoint.url(), &[]));
    assert_eq!(endpoint.requests().len(), 1);
    assert_eq!(folder.states("t.ledger.db"), "created 1");
    ended
}

#[test]
fn a_foreign_file_in_the_place_of_the_rejects_ends_the_run_in_74_once_it_has_sent() {
    let notes = |folder: &std::path::Path| {
        std::fs::write(folder.join("t.ledger.db.rejects.csv"), "my notes\n").unwrap();
    };
    let ended = disturbed(notes).expect(74);
    assert!(ended.stderr.contains("t.ledger.db.rejects.csv"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("nothing was sent"), "{}", ended.stderr);
}

#[test]
fn a_second_name_of_the_ledger_ends_the_run_in_74_once_it_has_sent() {
    let link = |folder: &std::path::Path| {
        std::fs::hard_link(folder.join("t.ledger.db"), folder.join("second.db")).unwrap();
    };
    let ended = disturbed(link).expect(74);
    assert!(ended.stderr.contains("has a second name"), "{}", ended.stderr);
}
