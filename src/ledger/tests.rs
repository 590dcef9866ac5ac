//! The ledger as its callers see it: a row's way through the states, over runs, crashes and failures.

use std::time::Duration;

use rusqlite::Connection;

use super::testing::{ledger, new_run, row, run_with};
use super::{
    Cause, Claim, Contact, InFlight, IntakeTotals, Ledger, LedgerError, LedgerReader, NewRun, Note, NoteKind,
    Retry, RowState, RunRecord, ScanCounts, SetAside, Settlement, SharedContact, SharedContacts,
};
use crate::request::{ContactRequest, Operation};
use crate::source::{Header, Input};

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

fn cause(code: &str) -> Cause {
    Cause { code: code.to_owned(), message: "m".into() }
}

fn contact() -> Contact {
    Contact { id: "c".to_owned(), arn: None }
}

fn in_doubt(may_resend: bool) -> Settlement {
    Settlement::InDoubt { cause: cause("NoAnswer"), may_resend }
}

fn request() -> ContactRequest<'static> {
    ContactRequest::empty(Operation::CreateContact)
}

fn retrying(retry: Retry) -> NewRun {
    NewRun { retry: vec![retry], ..new_run() }
}

fn claim(ledger: &Ledger) -> Option<Claim> {
    wait(ledger.claim(1)).unwrap().pop()
}

fn begin(ledger: &Ledger) -> InFlight {
    wait(ledger.begin(claim(ledger).unwrap(), request())).unwrap()
}

/// Sends the next row once.
fn attempt(ledger: &Ledger, settlement: Settlement) -> (RowState, bool) {
    let status = wait(ledger.settle(begin(ledger), settlement)).unwrap().status;
    (status.state, status.may_exist)
}

/// State, code and count of attempts of the row with this key.
fn row_of(folder: &tempfile::TempDir, key: &str) -> (String, Option<String>, u32) {
    let connection = Connection::open(folder.path().join("x.db")).unwrap();
    let sql = "SELECT state, code, attempts FROM rows WHERE key = ?1";
    connection.query_row(sql, [key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap()
}

/// Reads rows of a file. One that is not finished has not come to its end.
fn read(ledger: &Ledger, path: &str, rows: &[(&str, &str)], is_finished: bool) -> Vec<Note> {
    let header = Header::new(vec!["Id".to_owned(), "Name".to_owned()]);
    let ids = ledger.enter_source(&Input::File(path.into()), &header).unwrap();
    let lines = rows.iter().zip(2..);
    let notes =
        ledger.take_in(lines.map(|((id, name), line)| row(ledger, ids, line, id, name)).collect()).unwrap();
    if is_finished {
        ledger.leave_source(ids.0, ScanCounts { rows: rows.len() as u64, ..ScanCounts::default() }).unwrap();
    }
    notes
}

fn finish(ledger: &Ledger) -> RunRecord {
    ledger.finish_intake(IntakeTotals::default()).unwrap()
}

/// Closes the ledger, and checks that its row counts are right.
fn close(ledger: Ledger, folder: &tempfile::TempDir) {
    ledger.close().unwrap();
    assert!(LedgerReader::open(&folder.path().join("x.db")).unwrap().expect_sound().unwrap());
}

#[test]
fn a_row_is_claimed_once_and_created_with_its_contact() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    run_with(&ledger, new_run(), &[("1", "a")]);
    let in_flight = begin(&ledger);
    assert!(claim(&ledger).is_none());
    assert_eq!(row_of(&folder, "1"), ("in_flight".to_owned(), None, 1));
    let settled = wait(ledger.settle(in_flight, Settlement::Created(contact()))).unwrap();
    assert_eq!((settled.status.state, settled.status.may_exist), (RowState::Created, false));
    assert!(wait(ledger.has_contact("c".to_owned())).unwrap());
    let record = ledger.end_run("complete", 0).unwrap();
    assert_eq!((record.rows.of(RowState::Created), record.rows.total(), record.waiting()), (1, 1, 0));
    close(ledger, &folder);
}

#[test]
fn each_result_of_an_attempt_leads_to_its_state() {
    for (settlement, state, may_exist, code) in [
        (Settlement::Retry(None), RowState::Pending, false, None),
        (Settlement::Retry(Some(cause("Conflict"))), RowState::Pending, false, Some("Conflict")),
        (in_doubt(true), RowState::Pending, true, Some("NoAnswer")),
        (in_doubt(false), RowState::Unknown, true, Some("NoAnswer")),
        (Settlement::Refused(cause("Invalid")), RowState::Rejected, false, Some("Invalid")),
        (Settlement::Exhausted(cause("Conflict")), RowState::Failed, false, Some("Conflict")),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(folder.path());
        run_with(&ledger, new_run(), &[("1", "a")]);
        assert_eq!(attempt(&ledger, settlement.clone()), (state, may_exist), "{settlement:?}");
        assert_eq!(row_of(&folder, "1").1.as_deref(), code, "{settlement:?}");
        close(ledger, &folder);
    }
}

#[test]
fn a_refused_row_in_doubt_is_unknown_since_an_earlier_attempt_may_have_created_it() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    run_with(&ledger, new_run(), &[("1", "a")]);
    let claim = wait(ledger.settle(begin(&ledger), in_doubt(true))).unwrap().claim;
    let since = claim.in_doubt_since_ms();
    assert!(since.is_some());
    let in_flight = wait(ledger.begin(claim, request())).unwrap();
    // The first unanswered attempt counts.
    assert_eq!(in_flight.claim().in_doubt_since_ms(), since);
    let refused = wait(ledger.settle(in_flight, Settlement::Refused(cause("Invalid")))).unwrap();
    assert_eq!(refused.status.state, RowState::Unknown);
    close(ledger, &folder);
}

#[test]
fn a_row_that_is_set_aside_is_rejected_or_unknown_and_was_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    run_with(&ledger, new_run(), &[("1", "a"), ("2", "b")]);
    assert_eq!(attempt(&ledger, in_doubt(true)), (RowState::Pending, true));
    let unmappable = ledger.set_aside(claim(&ledger).unwrap(), SetAside::Unmappable, cause("Mapping"));
    let rejected = wait(unmappable).unwrap();
    assert_eq!(rejected.status.state, RowState::Rejected);
    run_with(&ledger, new_run(), &[("1", "a"), ("2", "b")]);
    let row = loop {
        let row = claim(&ledger).unwrap();
        if row.key == "1" {
            break row;
        }
    };
    assert_eq!(
        wait(ledger.set_aside(row, SetAside::TokenTooOld, cause("TokenTooOld"))).unwrap().status.state,
        RowState::Unknown
    );
    assert_eq!(row_of(&folder, "1"), ("unknown".to_owned(), Some("TokenTooOld".to_owned()), 1));
    close(ledger, &folder);
}

#[test]
fn rows_in_doubt_are_claimed_before_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let first = ledger(folder.path());
    let rows = [("1", "a"), ("2", "b"), ("3", "c")];
    run_with(&first, new_run(), &rows);
    let claims = wait(first.claim(3)).unwrap();
    let last = claims.into_iter().next_back().unwrap();
    let in_flight = wait(first.begin(last, request())).unwrap();
    wait(first.settle(in_flight, in_doubt(true))).unwrap();
    close(first, &folder);
    let second = ledger(folder.path());
    run_with(&second, new_run(), &rows);
    let claimed: Vec<String> = std::iter::from_fn(|| claim(&second)).map(|row| row.key.clone()).collect();
    assert_eq!(claimed, ["3", "1", "2"]);
    close(second, &folder);
}

#[test]
fn a_row_that_a_dead_run_left_in_flight_is_sent_again_within_the_window_and_unknown_after_it() {
    for (window, resend, state) in [
        (Duration::from_secs(3600), true, "pending"),
        (Duration::from_secs(3600), false, "unknown"),
        (Duration::ZERO, true, "unknown"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let first = ledger(folder.path());
        run_with(&first, new_run(), &[("1", "a")]);
        let token = begin(&first).token();
        close(first, &folder);
        let second = ledger(folder.path());
        let earlier = "UPDATE rows SET doubt_ms = doubt_ms - 1000";
        Connection::open(folder.path().join("x.db")).unwrap().execute_batch(earlier).unwrap();
        run_with(&second, NewRun { idempotency_window: window, resend, ..new_run() }, &[("1", "a")]);
        assert_eq!(row_of(&folder, "1").0, state);
        if let Some(row) = claim(&second) {
            assert_eq!((row.token, row.in_doubt_since_ms().is_some()), (token, true));
        }
        second.close().unwrap();
    }
}

#[test]
fn an_unknown_row_that_the_operator_sends_again_counts_its_age_from_then() {
    let folder = tempfile::tempdir().unwrap();
    let first = ledger(folder.path());
    run_with(&first, new_run(), &[("1", "a")]);
    attempt(&first, in_doubt(false));
    let long_ago = "UPDATE rows SET first_sent_ms = 1, last_sent_ms = 1, doubt_ms = 1";
    Connection::open(folder.path().join("x.db")).unwrap().execute_batch(long_ago).unwrap();
    close(first, &folder);
    let second = ledger(folder.path());
    run_with(&second, retrying(Retry::Unknown), &[("1", "a")]);
    let row = claim(&second).unwrap();
    assert_eq!(row.in_doubt_since_ms(), None);
    let in_flight = wait(second.begin(row, request())).unwrap();
    assert!(in_flight.claim().in_doubt_since_ms().is_some_and(|since| since > 1));
    let settled = wait(second.settle(in_flight, Settlement::Created(contact()))).unwrap();
    assert_eq!(settled.status.state, RowState::Created);
    close(second, &folder);
}

#[test]
fn an_operators_retry_that_was_not_sent_is_unknown_again_at_the_end_of_the_run_and_after_a_crash() {
    for ends in [true, false] {
        for adopted in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let first = ledger(folder.path());
            run_with(&first, new_run(), &[("1", "a")]);
            attempt(&first, in_doubt(false));
            close(first, &folder);
            let second = ledger(folder.path());
            second.start_run(retrying(Retry::Unknown)).unwrap();
            if !adopted {
                read(&second, "/rows.csv", &[("1", "a")], true);
            }
            let record = finish(&second);
            assert_eq!((record.adopted, record.doubts.waiting), (u64::from(adopted), 1));
            assert_eq!(row_of(&folder, "1").0, "pending");
            if ends {
                assert_eq!(second.end_run("interrupted", 0).unwrap().doubts.unknown, 1);
            } else {
                second.start_run(new_run()).unwrap();
            }
            assert_eq!(row_of(&folder, "1").0, "unknown");
            close(second, &folder);
        }
    }
}

#[test]
fn rows_of_other_inputs_are_taken_up_unless_their_input_was_not_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    ledger.start_run(new_run()).unwrap();
    read(&ledger, "/whole.csv", &[("1", "a")], true);
    read(&ledger, "/broken.csv", &[("2", "b")], false);
    ledger.start_run(new_run()).unwrap();
    read(&ledger, "/new.csv", &[("3", "c")], true);
    let record = finish(&ledger);
    assert_eq!((record.adopted, record.stranded), (1, 1));
    let claimed: Vec<String> = std::iter::from_fn(|| claim(&ledger)).map(|row| row.key.clone()).collect();
    assert_eq!(claimed, ["1", "3"]);
    close(ledger, &folder);
}

#[test]
fn rows_that_were_removed_from_their_file_are_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    run_with(&ledger, new_run(), &[("1", "a"), ("2", "b")]);
    let record = run_with(&ledger, new_run(), &[("2", "b")]);
    assert_eq!(record.rows.of(RowState::Withdrawn), 1);
    assert_eq!(claim(&ledger).unwrap().key, "2");
    assert!(claim(&ledger).is_none());
    close(ledger, &folder);
}

#[test]
fn a_created_row_is_recognised_and_never_sent_again_though_it_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    run_with(&ledger, new_run(), &[("1", "a")]);
    attempt(&ledger, Settlement::Created(contact()));
    ledger.start_run(new_run()).unwrap();
    let notes = read(&ledger, "/rows.csv", &[("1", "changed")], true);
    assert_eq!(notes, [Note { line: 2, key: "1".to_owned(), kind: NoteKind::ChangedSinceCreated }]);
    let record = finish(&ledger);
    assert_eq!((record.already_created, record.changed_created), (1, 1));
    assert!(claim(&ledger).is_none());
    close(ledger, &folder);
}

#[test]
fn a_second_row_of_a_key_is_rejected_with_the_line_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    ledger.start_run(new_run()).unwrap();
    let notes = read(&ledger, "/rows.csv", &[("1", "a"), ("1", "b")], true);
    let [Note { line: 3, kind: NoteKind::Rejected(rejection), .. }] = &notes[..] else { panic!("{notes:?}") };
    assert!(rejection.to_string().contains("line 2"), "{rejection}");
    finish(&ledger);
    assert_eq!(wait(ledger.state_counts()).unwrap().of(RowState::Rejected), 1);
    close(ledger, &folder);
}

#[test]
fn a_row_that_connect_refused_is_sent_again_when_it_changed_or_the_operator_says_so() {
    for (name, run, is_sent) in
        [("a", new_run(), false), ("changed", new_run(), true), ("a", retrying(Retry::Rejected), true)]
    {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(folder.path());
        run_with(&ledger, new_run(), &[("1", "a")]);
        attempt(&ledger, Settlement::Refused(cause("Invalid")));
        run_with(&ledger, run, &[("1", name)]);
        assert_eq!(claim(&ledger).is_some(), is_sent, "{name}");
        close(ledger, &folder);
    }
}

#[test]
fn a_row_that_another_process_changed_stops_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    run_with(&ledger, new_run(), &[("1", "a"), ("2", "b")]);
    let row = claim(&ledger).unwrap();
    let changed = "UPDATE rows SET state = 'failed', code = 'X' WHERE key = '1'";
    Connection::open(folder.path().join("x.db")).unwrap().execute_batch(changed).unwrap();
    let refused = wait(ledger.begin(row, request()));
    assert!(matches!(refused, Err(LedgerError::Disturbed { .. })), "{refused:?}");
    assert!(matches!(wait(ledger.claim(1)), Err(LedgerError::Disturbed { .. })));
}

#[test]
fn rows_that_get_the_contact_of_another_row_are_known_with_the_run_that_found_them() {
    let folder = tempfile::tempdir().unwrap();
    let of_contact = |id: &str| Settlement::Created(Contact { id: id.into(), arn: None });
    let keys = |shared: &SharedContacts| {
        let row = |row: &SharedContact| format!("{} {} {}", row.contact_id, row.key, row.line);
        (shared.total, shared.rows.iter().map(row).collect::<Vec<_>>())
    };
    let send = |ids: &[(&str, &str)], contacts: &[&str]| {
        let ledger = ledger(folder.path());
        run_with(&ledger, new_run(), ids);
        for contact in contacts {
            assert_eq!(attempt(&ledger, of_contact(contact)), (RowState::Created, false));
        }
        let record = ledger.end_run("complete", 0).unwrap();
        // A run that ends in another code than 1 has not told them, so that the next run does.
        ledger.note_exit(u8::from(record.shared.total > 0)).unwrap();
        ledger.close().unwrap();
        record.shared
    };
    assert_eq!(keys(&send(&[("1", "a"), ("2", "b")], &["c", "d"])), (0, vec![]));
    let rows = [("3", "c"), ("4", "d"), ("5", "e"), ("6", "f")];
    let found = send(&rows, &["d", "e", "f", "d"]);
    let expected = ["d 2 3", "d 3 2", "d 6 5"].map(str::to_owned).to_vec();
    assert_eq!(keys(&found), (3, expected.clone()));
    assert_eq!(keys(&send(&[("7", "g")], &["g"])), (0, vec![]));
    let reader = LedgerReader::open(&folder.path().join("x.db")).unwrap();
    assert_eq!(keys(&reader.shared_contacts().unwrap()), (3, expected));
}
