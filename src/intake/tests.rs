//! Tests of the intake into a real ledger.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::*;
use crate::event::{Observer, RunEvent};
use crate::intake::testing::{take_in, write_csv};
use crate::ledger::testing::{ledger, new_run};
use crate::ledger::{Contact, Note, NoteKind, RowState, Settlement};
use crate::mapping::Rejection;
use crate::shutdown::Signal;

#[derive(Clone, Default)]
struct NoteRecorder(Arc<Mutex<Vec<Note>>>);

impl Observer for NoteRecorder {
    fn observe(&mut self, event: &RunEvent) {
        if let RunEvent::RowNoted { note, .. } = event {
            self.0.lock().unwrap().push(note.clone());
        }
    }
}

/// Runs an intake of the files into the folder's ledger, and returns its record and notes.
fn run(folder: &Path, files: &[PathBuf]) -> (Result<RunRecord, IntakeError>, Vec<Note>) {
    let notes = NoteRecorder::default();
    let reporter = Arc::new(Reporter::start(vec![Box::new(notes.clone())]).unwrap());
    let ledger = ledger(folder);
    let result = take_in(&ledger, new_run(), files, &reporter, &Shutdown::manual().1);
    ledger.close().unwrap();
    reporter.finish();
    let notes = std::mem::take(&mut *notes.0.lock().unwrap());
    (result, notes)
}

/// As `run`, for rows that are pairs of id and name.
fn run_rows(folder: &TempDir, rows: &[(&str, &str)]) -> (RunRecord, Vec<Note>) {
    let file = write_csv(folder.path(), "rows.csv", rows);
    let (result, notes) = run(folder.path(), &[file]);
    (result.unwrap(), notes)
}

/// Settles every waiting row as `settle` says.
fn settle_all(folder: &Path, settle: impl Fn(&str) -> Settlement) {
    let ledger = ledger(folder);
    let empty = write_csv(folder, "empty.csv", &[]);
    let reporter = Reporter::start(Vec::new()).unwrap();
    take_in(&ledger, new_run(), &[empty], &reporter, &Shutdown::manual().1).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for claim in ledger.claim(100).await.unwrap() {
            let settlement = settle(&claim.key);
            let request = crate::request::ContactRequest::default();
            let in_flight = ledger.begin(claim, request).await.unwrap();
            ledger.settle(in_flight, settlement).await.unwrap();
        }
    });
    ledger.close().unwrap();
}

fn created(key: &str) -> Settlement {
    Settlement::Created(Contact { id: format!("contact-{key}"), arn: None })
}

#[test]
fn rows_with_a_key_wait_to_be_sent_and_faulty_rows_are_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(1025);
    let (record, notes) = run_rows(&folder, &[("1", "a"), ("2", &long), ("", "c"), ("4", "d")]);
    assert_eq!((record.rows_read, record.waiting(), record.rows.of(RowState::Rejected)), (4, 2, 2));
    let rejected = notes.iter().map(|note| match &note.kind {
        NoteKind::Rejected(rejection) => (note.line, rejection.code),
        kind => panic!("{kind:?}"),
    });
    assert_eq!(rejected.collect::<Vec<_>>(), [(3, "Validation"), (4, "EmptyKey")]);
}

#[test]
fn the_second_row_of_a_key_is_rejected_and_the_first_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (record, notes) = run_rows(&folder, &[("1", "a"), ("2", "b"), ("1", "c")]);
    assert_eq!((record.waiting(), record.rows.of(RowState::Rejected)), (2, 1));
    let [Note { line: 4, kind: NoteKind::Rejected(rejection), .. }] = &notes[..] else { panic!("{notes:?}") };
    assert_eq!(rejection.code, Rejection::DUPLICATE);
    assert!(rejection.to_string().contains("line 2"), "{rejection}");
}

#[test]
fn a_second_run_of_the_same_rows_skips_the_created_ones() {
    let folder = tempfile::tempdir().unwrap();
    let rows = [("1", "a"), ("2", "b"), ("3", "c")];
    run_rows(&folder, &rows[..2]);
    settle_all(folder.path(), created);
    let (record, notes) = run_rows(&folder, &rows);
    assert_eq!((record.already_created, record.changed_created, record.waiting()), (2, 0, 1));
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn a_created_row_that_changed_is_noted_and_not_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    run_rows(&folder, &[("1", "a"), ("2", "b")]);
    settle_all(folder.path(), created);
    let (record, notes) = run_rows(&folder, &[("1", "a"), ("2", "changed")]);
    assert_eq!((record.already_created, record.changed_created, record.waiting()), (2, 1, 0));
    assert!(matches!(&notes[..], [Note { line: 3, kind: NoteKind::ChangedSinceCreated, .. }]), "{notes:?}");
}

#[test]
fn a_rejected_row_waits_again_when_it_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(1025);
    run_rows(&folder, &[("1", "a"), ("2", &long)]);
    let (record, _) = run_rows(&folder, &[("1", "a"), ("2", "corrected")]);
    assert_eq!((record.waiting(), record.rows.of(RowState::Rejected)), (2, 0));
}

#[test]
fn rows_of_a_file_that_was_read_in_part_are_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let ids: Vec<String> = (0..1000).map(|id| id.to_string()).collect();
    let rows: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "a name")).collect();
    let broken = write_csv(folder.path(), "broken.csv", &rows);
    let text = std::fs::read_to_string(&broken).unwrap();
    std::fs::write(&broken, format!("{text}1000,\"never closed")).unwrap();
    let (result, _) = run(folder.path(), std::slice::from_ref(&broken));
    assert!(matches!(result, Err(IntakeError::Source(_))), "{result:?}");
    let other = write_csv(folder.path(), "other.csv", &[("a", "another name")]);
    let (result, _) = run(folder.path(), &[other]);
    let record = result.unwrap();
    assert_eq!((record.waiting(), record.stranded), (1, 1000));
    // Reading the corrected file takes them up.
    std::fs::write(&broken, text).unwrap();
    let (result, _) = run(folder.path(), &[broken]);
    assert_eq!(result.unwrap().waiting(), 1001);
}

#[test]
fn a_signal_stops_the_reading() {
    let folder = tempfile::tempdir().unwrap();
    let file = write_csv(folder.path(), "rows.csv", &[("1", "a")]);
    let ledger = ledger(folder.path());
    let reporter = Reporter::start(Vec::new()).unwrap();
    let (sender, shutdown) = Shutdown::manual();
    sender.send(Some(Signal::Terminate)).unwrap();
    let result = take_in(&ledger, new_run(), &[file], &reporter, &shutdown);
    assert!(matches!(result, Err(IntakeError::Interrupted(Signal::Terminate))), "{result:?}");
}
