//! What must be true after every run of a script.

use super::*;

impl Script<'_> {
    pub(super) fn store_rows(&mut self, rows: &[Row]) {
        self.last_rows = rows.iter().map(|row| (row.id, row.clone())).collect();
    }

    /// Checks everything after a run.
    pub(super) fn check_run(&mut self, options: &RunOptions, ended: &Ended) {
        let code = ended.code;
        let (rows, contacts) = (rows(&self.folder), contacts(self.sandbox()));
        let contradictions = contradictions(&rows, &contacts);
        assert!(contradictions.is_empty(), "{contradictions:#?}");
        for contact in &contacts {
            assert!(self.names[&contact.key].contains(&contact.name), "the CSV never had {contact:?}");
            assert!(contact.name.len() <= 1024, "{contact:?}");
        }
        // A row with its own key is mended no more once the CSV has its key with other content.
        let origins = mended_origins(&self.folder);
        self.mends.retain(|mend| mend.row.key != mend.was.0.key || origins.contains(&mend.origin));
        self.check_transitions(options, &rows);
        self.check_new_contacts(options, &contacts);
        for name in [LEDGER, REJECTS] {
            assert!(is_private(&self.folder, name), "{name}");
        }
        // A signal before the handlers are installed kills the run. One that arrives while the input is read, or the end
        // of the time budget then, leaves all rows to the next run.
        let is_out_of_time = ended.stderr.contains("that --max-duration allows was over before ");
        if code.is_some_and(|code| code != 143) && !is_out_of_time {
            self.is_read = true;
            self.check_expired_rows_are_unknown(options, &rows);
            self.check_rejects_and_exit_code(options, &rows, code);
            let own = self.known_rows().into_iter().filter(|known| !known.is_mended);
            self.last_own = own.map(|known| (known.row.key, known.row.name, known.number)).collect();
            assert_eq!(left_behind(&self.folder), Vec::<String>::new());
        }
        self.store_rows(&rows);
        self.last_contacts = contacts.into_iter().map(|contact| contact.id).collect();
    }

    /// A run creates contacts only from the rows of the CSV, and at most `--limit` of them.
    pub(super) fn check_new_contacts(&self, options: &RunOptions, contacts: &[Contact]) {
        let first_rows = self.first_rows();
        // A late request of an earlier run may have created the contact of a row in doubt.
        let was_in_doubt = |contact: &&Contact| {
            self.last_rows.values().any(|last| last.token == contact.token && last.in_doubt)
        };
        let new = contacts.iter().filter(|contact| !self.last_contacts.contains(&contact.id));
        let new: Vec<&Contact> = new.filter(|contact| !was_in_doubt(contact)).collect();
        for contact in &new {
            let row = first_rows.get(&*contact.key);
            // A row that was mended is sent, whatever the CSV has by now.
            let is_mended = self.mends.iter().any(|mend| mend.row.key == contact.key);
            assert!(is_mended || row.is_some_and(|row| row.name == contact.name), "{contact:?} for {row:?}");
        }
        assert!(options.limit.is_none_or(|limit| new.len() <= limit), "more than the limit: {new:#?}");
    }

    /// No run loses a row, a contact or a doubt.
    pub(super) fn check_transitions(&self, options: &RunOptions, rows: &[Row]) {
        let now: BTreeMap<i64, &Row> = rows.iter().map(|row| (row.id, row)).collect();
        for (id, before) in &self.last_rows {
            let after = now.get(id);
            let after = after.unwrap_or_else(|| panic!("the ledger has lost {before:?}"));
            let is_legal = match &*before.state {
                "created" => {
                    after.state == "created"
                        && (&after.contact, &after.token) == (&before.contact, &before.token)
                }
                "unknown" => after.state == "unknown" || options.retries_unknown,
                _ => true,
            };
            assert!(is_legal, "{before:?} became {after:?}");
            assert!(!before.in_doubt || after.token == before.token, "{before:?} became {after:?}");
            let keeps_doubt = after.state == "created" || after.in_doubt || !before.in_doubt;
            assert!(keeps_doubt, "{before:?} was in doubt and became {after:?}");
        }
    }

    /// A row in doubt becomes unknown when it is held, when its idempotency window has passed, or when it has
    /// left the CSV.
    pub(super) fn check_expired_rows_are_unknown(&self, options: &RunOptions, rows: &[Row]) {
        let holds = options.holds && !options.retries_unknown;
        assert!(!holds || rows.iter().all(|row| !row.in_doubt || row.state == "unknown"), "{rows:#?}");
        let oldest = now_ms() - options.window_ms - 60_000;
        let first_rows = self.first_rows();
        let is_sent_for = |row: &&Row| first_rows.contains_key(&*row.key) || row.key.starts_with('M');
        for row in rows.iter().filter(|row| row.in_doubt && !is_sent_for(row)) {
            assert_eq!(row.state, "unknown", "{row:?} has left the CSV");
        }
        for row in rows.iter().filter(|_| !options.retries_unknown) {
            let before = self.last_rows.get(&row.id).filter(|before| before.in_doubt);
            let has_expired = before.is_some_and(|before| options.holds || before.doubt_ms < oldest);
            assert!(!has_expired || row.state == "unknown", "{before:?} became {row:?}");
        }
    }

    /// The rejects file and the exit code agree with the ledger about every row of the CSV.
    pub(super) fn check_rejects_and_exit_code(&self, options: &RunOptions, rows: &[Row], code: Option<i32>) {
        let has_own_key =
            |row: &&Row| row.code != "DuplicateKey" && row.code != "EmptyKey" && row.state != "withdrawn";
        let mut by_key: BTreeMap<&str, &Row> = BTreeMap::new();
        for row in rows.iter().filter(has_own_key) {
            assert!(by_key.insert(&row.key, row).is_none(), "a key has two rows: {row:?}");
        }
        assert!(rows.iter().all(|row| row.state != "in_flight"), "{rows:#?}");

        let mut expected = Vec::new();
        let known_rows = self.known_rows();
        for (index, known) in known_rows.iter().enumerate() {
            let line = index as u64 + 2;
            let state = if known.is_rejected {
                "rejected"
            } else {
                let row = by_key.get(&*known.row.key);
                let row = row.unwrap_or_else(|| panic!("the ledger does not have {known:?}"));
                assert_eq!(row.line, line, "{row:?}");
                &row.state
            };
            if state != "created" && state != "pending" {
                expected.push((line, state, &known.row));
            }
        }
        let waiting = rows.iter().filter(|row| row.state == "pending").count();

        let rejects = rejects(&self.folder);
        for (line, state, row) in &expected {
            // The rejects file has a label in place of an empty key.
            let matches = |reject: &&Reject| {
                (reject.line, &*reject.state) == (*line, *state)
                    && (row.key.is_empty() || reject.key == row.key)
            };
            let reject = rejects.iter().find(matches);
            let reject = reject
                .unwrap_or_else(|| panic!("line {line} is {state} and not in the rejects: {rejects:#?}"));
            // The cells of an unknown row are those that were sent.
            assert!(*state == "unknown" || reject.cells == row.cells(), "{reject:?} is not {row:?}");
        }
        // The other rejects are rows that left the CSV while they were in doubt.
        let first_rows = self.first_rows();
        for reject in &rejects {
            let is_expected =
                expected.iter().any(|(line, state, _)| (*line, *state) == (reject.line, &reject.state));
            let is_gone = match &*reject.state {
                "unknown" => !first_rows.contains_key(&*reject.key),
                "failed" => reject.key.starts_with('M'),
                _ => false,
            };
            assert!(is_expected || is_gone, "not to be expected in the rejects: {reject:?}");
        }

        let in_doubt = rows.iter().any(|row| row.state == "pending" && row.in_doubt);
        let fits = match code {
            Some(0) => waiting == 0 && rejects.is_empty(),
            Some(1) => waiting == 0 && !rejects.is_empty(),
            Some(3) => options.has_budget && !rejects.is_empty(),
            Some(7) => self.faults.is_fatal && waiting > 0,
            Some(10) => options.may_stop && waiting > 0,
            Some(75) => in_doubt && waiting > 0,
            _ => false,
        };
        assert!(fits, "{code:?} with {waiting} waiting, {} rejects, in doubt: {in_doubt}", rejects.len());
    }

    /// A last run without faults, which retries all rows that it may, creates every valid row.
    pub(super) fn finish(&mut self) {
        self.faults = PermanentFaults::default();
        self.start_sandbox(&[]);
        let mut options = RunOptions { window_ms: 24 * 3_600_000, ..RunOptions::default() };
        let retry = if self.honours_tokens {
            options.retries_unknown = true;
            ["--retry", "unknown,rejected"]
        } else {
            options.holds = true;
            ["--on-unknown", "hold"]
        };
        options.arguments.extend(retry.map(str::to_owned));
        let code = self.run_with(&options);
        assert!(matches!(code, Some(0 | 1)), "{code:?}");

        let contacts = contacts(self.sandbox());
        for (key, csv_row) in self.first_rows() {
            let contact = contacts.iter().find(|contact| contact.key == key);
            let own_row =
                |row: &&Row| row.key == key && row.code != "DuplicateKey" && row.state != "withdrawn";
            let row = self.last_rows.values().find(own_row).unwrap();
            let fits = match (&*row.state, contact) {
                ("created", Some(_)) => true,
                // The row was sent with another name, so the service refuses its token.
                ("unknown", Some(contact)) if self.honours_tokens => contact.name != csv_row.name,
                ("unknown", None) if self.honours_tokens => !csv_row.is_valid(),
                ("unknown", _) => true,
                ("rejected", None) => !csv_row.is_valid(),
                (_, _) => false,
            };
            assert!(fits, "{csv_row:?} is {row:?}, and the sandbox has {contact:?}");
        }

        // Another run sends nothing.
        let requests = self.sandbox().stat("requests");
        let before = self.last_rows.clone();
        options.retries_unknown = false;
        options.arguments = if self.honours_tokens { Vec::new() } else { retry.map(str::to_owned).into() };
        let second_code = self.run_with(&options);
        assert_eq!(code, second_code);
        assert_eq!(self.sandbox().stat("requests"), requests);
        assert_eq!(self.last_rows, before);
    }
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}
