//! Rejections that the job accepts: a row that is rejected with such a code becomes accepted at once, and rows of earlier
//! runs follow the list of each new run.

use rusqlite::params;

use super::error::Stored;
use super::state::{RowEvent, RowState, RowStatus, transition};
use super::writer::Session;

impl Session {
    /// Whether the job accepts rows that are rejected with `code`.
    pub(super) fn is_accepted(&self, code: &str) -> bool {
        self.accepted_codes.iter().any(|accepted| accepted == code)
    }

    /// The status of a row that has just got `status` because of `code`: a rejected row becomes accepted if the job
    /// accepts the code.
    pub(super) fn unless_accepted(&self, status: RowStatus, code: &str) -> Stored<RowStatus> {
        if status.state == RowState::Rejected && self.is_accepted(code) {
            return Ok(transition(status, RowEvent::Accepted)?);
        }
        Ok(status)
    }

    /// Applies the list of this run to the rows that earlier runs rejected or accepted.
    pub(super) fn apply_acceptance(&self) -> Stored<()> {
        for (from, event) in
            [(RowState::Rejected, RowEvent::Accepted), (RowState::Accepted, RowEvent::AcceptanceEnded)]
        {
            let next = transition(RowStatus { state: from, may_exist: false }, event)?;
            let codes = "SELECT DISTINCT code FROM row_counts WHERE state = ?1 AND rows > 0";
            let mut codes = self.connection.prepare(codes)?;
            let codes =
                codes.query_map([from.name()], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
            for code in
                codes.iter().filter(|code| self.is_accepted(code) == (next.state == RowState::Accepted))
            {
                // The state is a literal, so that SQLite uses the partial index; and the run is assigned, so that the
                // trigger counts the rows.
                self.connection.execute(
                    &format!(
                        "UPDATE rows INDEXED BY rows_by_cause SET run_id = run_id, state = ?2
                         WHERE state = '{}' AND code = ?1",
                        from.name()
                    ),
                    params![code, next.state.name()],
                )?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ledger, new_run, row, run_with};
    use super::super::{
        Cause, IntakeTotals, Ledger, LedgerReader, NewRun, Note, RowState, ScanCounts, SetAside, Settlement,
    };
    use crate::mapping::Rejection;
    use crate::request::{ContactRequest, Operation};
    use crate::source::{Header, Input};

    fn accepting(codes: &[&str]) -> NewRun {
        NewRun { accept: codes.iter().map(|code| code.to_string()).collect(), ..new_run() }
    }

    /// Rejected, accepted and pending rows of the ledger; its counts must be right.
    fn counts(folder: &tempfile::TempDir) -> [u64; 3] {
        let reader = LedgerReader::open(&folder.path().join("x.db")).unwrap();
        let counts = reader.state_counts().unwrap();
        let connection = rusqlite::Connection::open(folder.path().join("x.db")).unwrap();
        assert!(super::super::counts::are_counts_right(&connection).unwrap());
        [RowState::Rejected, RowState::Accepted, RowState::Pending].map(|state| counts.of(state))
    }

    /// Starts a run and reads rows of these ids as a whole file; the ids of `faulty` are rejected with `EmptyKey`.
    fn read(ledger: &Ledger, run: NewRun, ids: &[&str], faulty: &[&str]) -> Vec<Note> {
        ledger.start_run(run).unwrap();
        let header = Header::new(vec!["Id".to_owned(), "Name".to_owned()]);
        let source = ledger.enter_source(&Input::File("/rows.csv".into()), &header).unwrap();
        let rows = ids.iter().zip(2..).map(|(id, line)| {
            let mut row = row(ledger, source, line, id, "a");
            row.rejection =
                faulty.contains(id).then(|| Rejection::of_row("EmptyKey", "is empty", "needs a key"));
            row
        });
        let notes = ledger.take_in(rows.collect()).unwrap();
        ledger
            .leave_source(source.0, ScanCounts { rows: ids.len() as u64, ..ScanCounts::default() })
            .unwrap();
        ledger
            .finish_intake(IntakeTotals { files_read: vec![source.0], rows_read: ids.len() as u64 })
            .unwrap();
        notes
    }

    fn wait<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
    }

    #[test]
    fn a_faulty_row_is_accepted_without_a_note_and_mended_it_is_sent() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(folder.path());
        let notes = read(&ledger, accepting(&["EmptyKey"]), &["1", "2"], &["2"]);
        assert!(notes.is_empty(), "{notes:?}");
        assert_eq!(counts(&folder), [0, 1, 1]);
        // Read again it stays accepted; with another list it is rejected, and noted.
        assert!(read(&ledger, accepting(&["EmptyKey"]), &["1", "2"], &["2"]).is_empty());
        assert_eq!(counts(&folder), [0, 1, 1]);
        assert_eq!(read(&ledger, accepting(&["Mapping"]), &["1", "2"], &["2"]).len(), 1);
        assert_eq!(counts(&folder), [1, 0, 1]);
        read(&ledger, accepting(&["EmptyKey"]), &["1", "2"], &[]);
        assert_eq!(counts(&folder), [0, 0, 2]);
    }

    #[test]
    fn the_second_row_of_a_key_is_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(folder.path());
        let record = run_with(&ledger, accepting(&[Rejection::DUPLICATE]), &[("1", "a"), ("1", "b")]);
        assert_eq!((record.rows.of(RowState::Accepted), record.rows.of(RowState::Rejected)), (1, 0));
        assert_eq!(counts(&folder), [0, 1, 1]);
    }

    #[test]
    fn rows_of_earlier_runs_follow_the_list_in_both_directions_also_if_they_are_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(folder.path());
        read(&ledger, new_run(), &["1", "2"], &["1", "2"]);
        assert_eq!(counts(&folder), [2, 0, 0]);
        for (codes, expected) in [
            (&["EmptyKey"][..], [0, 2, 0]),
            (&["EmptyKey", "Mapping"], [0, 2, 0]),
            (&["Mapping"], [2, 0, 0]),
            (&[], [2, 0, 0]),
        ] {
            ledger.start_run(accepting(codes)).unwrap();
            assert_eq!(counts(&folder), expected, "{codes:?}");
        }
    }

    #[test]
    fn a_refusal_of_connect_and_an_unmappable_row_are_accepted_and_failures_and_doubts_never() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(folder.path());
        let cause = || Cause { code: "XException".to_owned(), message: "".into() };
        run_with(&ledger, accepting(&["XException"]), &[("1", "a"), ("2", "a"), ("3", "a"), ("4", "a")]);
        let states = wait(async {
            let mut claims = ledger.claim(4).await.unwrap().into_iter();
            let mut states = Vec::new();
            let settlements = [
                Settlement::Refused(cause()),
                Settlement::Exhausted(cause()),
                Settlement::InDoubt { cause: cause(), may_resend: false },
            ];
            for settlement in settlements {
                let request = ContactRequest::empty(Operation::CreateContact);
                let sent = ledger.begin(claims.next().unwrap(), request).await.unwrap();
                states.push(ledger.settle(sent, settlement).await.unwrap().status.state);
            }
            let last = claims.next().unwrap();
            states.push(ledger.set_aside(last, SetAside::Unmappable, cause()).await.unwrap().status.state);
            states
        });
        let expected = [RowState::Accepted, RowState::Failed, RowState::Unknown, RowState::Accepted];
        assert_eq!(states, expected);
        assert_eq!(counts(&folder), [0, 2, 0]);
        // Unchanged it is not sent again.
        let record = run_with(&ledger, accepting(&["XException"]), &[("1", "a")]);
        assert_eq!(record.rows.of(RowState::Accepted), 1);
    }
}
