//! The CSV of a script: random rows, edits, and rows that are mended there or in the rejects file.

use std::cell::RefCell;

use super::*;

impl Script<'_> {
    pub(super) fn random_row(&mut self) -> CsvRow {
        let key = match self.random.u32(0..20) {
            0 => String::new(),
            _ => format!("K{}", self.random.u32(0..30)),
        };
        CsvRow { key, name: self.random_name() }
    }

    /// One of few names, so that an edited row may get an earlier name again.
    pub(super) fn random_name(&mut self) -> String {
        if self.chance(12) {
            // Each is another, so that a row which was mended is never as it was again.
            format!("{}{}", name_too_long(), self.random.u32(..))
        } else {
            format!("Name {}", self.random.u32(0..4))
        }
    }

    /// A key that no other row has had.
    pub(super) fn mended_key(&mut self) -> String {
        self.mended_keys += 1;
        format!("M{}", self.mended_keys)
    }

    pub(super) fn write_csv(&mut self) {
        let mut text = "id,Name,Attributes.id\n".to_owned();
        for CsvRow { key, name } in &self.csv {
            text.push_str(&format!("{key},{name},{key}\n"));
            self.names.entry(key.clone()).or_default().insert(name.clone());
        }
        self.folder.write("t.csv", text);
        self.is_read = false;
        // The CSV may have a mended row as it is, with another name since.
        for mend in &mut self.mends {
            if let Some(row) = self.csv.iter().find(|row| row.key == mend.row.key && row.key.starts_with('M'))
            {
                mend.row = row.clone();
            }
        }
        let rows: Vec<_> = self.csv.iter().map(|row| format!("{}={}", row.key, row.name)).collect();
        self.record(format!("  t.csv: {}", rows.join(", ")));
    }

    /// Index of a row of the CSV, mostly of one in doubt: these have the most states to go wrong.
    pub(super) fn random_index(&mut self) -> usize {
        let is_in_doubt =
            |row: &CsvRow| self.last_rows.values().any(|last| last.key == row.key && last.in_doubt);
        let in_doubt: Vec<usize> =
            (0..self.csv.len()).filter(|index| is_in_doubt(&self.csv[*index])).collect();
        if in_doubt.is_empty() || self.chance(40) {
            self.random.usize(0..self.csv.len())
        } else {
            in_doubt[self.random.usize(0..in_doubt.len())]
        }
    }

    pub(super) fn edit(&mut self) {
        self.record("edit");
        for _ in 0..self.random.usize(1..4) {
            let at = self.random_index();
            match self.random.u32(0..6) {
                0 | 1 => self.csv[at].name = self.random_name(),
                2 if self.csv.len() > 1 => {
                    self.csv.remove(at);
                }
                3 | 4 => {
                    for _ in 0..self.random.usize(1..5) {
                        let row = self.random_row();
                        self.csv.insert(at, row);
                    }
                }
                _ => {
                    let other = self.random.usize(0..self.csv.len());
                    self.csv.swap(at, other);
                }
            }
        }
        if self.chance(50) {
            let name = self.random_name();
            if let Some(invalid) = self.csv.iter_mut().find(|row| !row.is_valid()) {
                invalid.name = name;
            }
        }
        self.write_csv();
    }

    /// The rows of the CSV as the ledger has them after it was read.
    pub(super) fn known_rows(&self) -> Vec<KnownRow> {
        // By what is counted, the number of the last row that is not the first.
        let mut numbers: BTreeMap<(String, String), usize> = BTreeMap::new();
        let identity = |row: &CsvRow| {
            let (key, content) = row.identity();
            (key.to_owned(), content.to_owned())
        };
        let found = RefCell::new(BTreeSet::new());
        // The number is `None` for a row that has another than when it was mended.
        let mended = |row: &CsvRow, number: Option<usize>, has_first: bool| {
            let was = |mend: &&Mend| {
                let is_number = number.is_none_or(|number| mend.was.1 == number);
                let is_same = is_number && mend.was.0 == *row && !found.borrow().contains(&mend.origin);
                // The first row of a key has it, mended or not.
                is_same && !(has_first && mend.row.key == row.key)
            };
            let mend = self.mends.iter().find(was)?;
            found.borrow_mut().insert(mend.origin.clone());
            Some(KnownRow { row: mend.row.clone(), number: mend.was.1, is_rejected: false, is_mended: true })
        };
        let mut rows = Vec::new();
        for row in &self.csv {
            // A first row that was mended is known wherever it is.
            let has_first = numbers.contains_key(&identity(row));
            if let Some(known) = mended(row, Some(1), has_first) {
                numbers.entry(identity(row)).or_insert(1);
                numbers.entry(identity(&known.row)).or_insert(1);
                rows.push(known);
                continue;
            }
            let number = *numbers.entry(identity(row)).and_modify(|number| *number += 1).or_insert(1);
            let own = || KnownRow {
                row: row.clone(),
                number,
                is_rejected: row.key.is_empty() || number > 1,
                is_mended: false,
            };
            let exact = mended(row, Some(number), false);
            let known = exact
                .or_else(|| if self.keeps_row(row, number) { None } else { mended(row, None, has_first) });
            if let Some(known) = &known {
                numbers.entry(identity(&known.row)).or_insert(1);
            } else if let Some(mend) = self.mends.iter().find(|mend| mend.row.key == row.key && number == 1) {
                // The CSV has it as it was mended, so that no other row of the CSV is it.
                found.borrow_mut().insert(mend.origin.clone());
            }
            rows.push(known.unwrap_or_else(own));
        }
        rows
    }

    /// Whether the ledger's row of this number among those of its key is this one, or may have a contact.
    fn keeps_row(&self, row: &CsvRow, number: usize) -> bool {
        let has_contact = |last: &Row| last.key == row.key && (last.state == "created" || last.in_doubt);
        self.last_own.contains(&(row.key.clone(), row.name.clone(), number))
            || number == 1 && self.last_rows.values().any(has_contact)
    }

    /// The rows that are sent unless they have a fault.
    pub(super) fn first_rows(&self) -> BTreeMap<String, CsvRow> {
        let known = self.known_rows().into_iter().filter(|known| !known.is_rejected);
        known.map(|known| (known.row.key.clone(), known.row)).collect()
    }

    /// Mends rows in the CSV as they were mended in a rejects file, or gives rejected rows keys and names.
    pub(super) fn mend_csv(&mut self) {
        self.record("mend in the CSV");
        for (index, known) in self.known_rows().into_iter().enumerate() {
            if self.chance(50) {
                continue;
            }
            if known.row != self.csv[index] {
                self.csv[index] = known.row;
            } else if known.is_rejected || !known.row.is_valid() {
                let key = self.mended_key();
                self.csv[index] = CsvRow { key, name: "Mended".to_owned() };
            }
        }
        self.write_csv();
    }

    /// Mends rows in the rejects file and imports it, perhaps after an import that is killed.
    pub(super) fn mend_rejects(&mut self) {
        if !self.is_read {
            return self.run();
        }
        let mut lines = vec!["id,Name,Attributes.id,_file,_line,_key,_state,_code,_message,_row".to_owned()];
        let known_rows = self.known_rows();
        for (reject, origin) in rejects_with_origins(&self.folder) {
            let index = usize::try_from(reject.line).unwrap() - 2;
            let is_own = known_rows.get(index).is_some_and(|known| known.row.cells() == reject.cells);
            if !is_own || reject.state == "unknown" || self.chance(40) {
                continue;
            }
            let row = known_rows[index].row.clone();
            // A name alone is mended only where it was the fault, and the key is the row's own.
            let key = match row.key.is_empty()
                || known_rows[index].is_rejected
                || row.is_valid()
                || self.chance(50)
            {
                true => self.mended_key(),
                false => row.key,
            };
            let mended = CsvRow { key, name: self.random_name() };
            let [id, name, attribute] = mended.cells().try_into().unwrap();
            lines.push(format!("{id},{name},{attribute},,,,,,,{}", origin));
            self.names.entry(id).or_default().insert(name);
            for mend in self.mends.iter_mut().filter(|mend| mend.origin == origin) {
                mend.row = mended.clone();
            }
            // The CSV has the row as it was first, or as it was mended before.
            let was = (self.csv[index].clone(), known_rows[index].number);
            if !self.mends.iter().any(|mend| mend.was == was) {
                self.mends.push(Mend { origin, was, row: mended });
            }
        }
        if lines.len() == 1 {
            return self.run();
        }
        self.record(format!("mend in the rejects file:\n  {}", lines[1..].join("\n  ")));
        self.folder.write("mended.csv", lines.join("\n") + "\n");
        let mut options = self.random_options();
        while options.limit.is_some() {
            options = self.random_options();
        }
        if self.chance(50) {
            const POINTS: [&str; 5] =
                ["check", "before-commit", "after-commit", "after-intent", "after-answer"];
            let point = format!("{}:{}", POINTS[self.random.usize(0..5)], self.random.u32(1..9));
            self.record(format!("run mended.csv {} --crash-at {point}", options.arguments.join(" ")));
            let mut arguments = options.arguments.clone();
            arguments.extend(["--crash-at".to_owned(), point]);
            self.start_file("mended.csv", &arguments).end();
            let contradictions = contradictions(&rows(&self.folder), &contacts(self.sandbox()));
            assert!(contradictions.is_empty(), "{contradictions:#?}");
        }
        self.record(format!("run mended.csv {}", options.arguments.join(" ")));
        let ended = self.start_file("mended.csv", &options.arguments).end();
        self.record(format!("  ended in {:?}", ended.code));
        self.check_run(&options, &ended);
    }
}
