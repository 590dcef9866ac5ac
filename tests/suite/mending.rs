//! Fixture: an import of 200 rows, seven of which have faults, and what every command says once all are created.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::html_report::accounts;
use crate::support::*;

pub const REJECTS: &str = "t.ledger.db.rejects.csv";
pub const ROWS: usize = 200;

/// Kinds of keys: columns, a template, and the whole row.
pub const KEYS: [&str; 3] = ["key = [\"id\"]", "key = [\"{{ id | upper }}\"]", ""];

/// The row of this number as it should be.
pub fn mended(number: usize) -> [String; 3] {
    [format!("K{number}"), format!("Task {number}"), "2023-02-01".to_owned()]
}

/// The row of this number as the CSV has it. Seven have faults; without a key six, and two of those are equal.
pub fn faulty(number: usize, has_key: bool) -> Vec<String> {
    let [id, name, opened] = mended(number);
    let long = "x".repeat(1025);
    match number {
        10 if has_key => vec![String::new(), name, opened],
        20 if has_key => vec!["K19".to_owned(), name, opened],
        30 => vec![id, name],
        40 => vec![id, long, opened],
        50 => vec![id, name, "2023-02-31".to_owned()],
        60 => vec![id, "refused".to_owned(), opened],
        70 if has_key => vec![String::new(), long, opened],
        80 | 81 if !has_key => vec!["twin".to_owned(), long, opened],
        _ => vec![id, name, opened],
    }
}

pub fn csv(row: impl Fn(usize) -> Vec<String>) -> String {
    let rows = (0..ROWS).map(|number| row(number).join(",") + "\n");
    format!("id,Name,opened\n{}", rows.collect::<String>())
}

pub fn whole_csv() -> String {
    csv(|number| mended(number).to_vec())
}

/// The rows of a rejects file, with its header.
pub fn records(text: &str) -> Vec<csv::StringRecord> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(Result::unwrap).collect()
}

pub fn text(records: &[csv::StringRecord]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    records.iter().for_each(|record| writer.write_record(record).unwrap());
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

/// The rejects file with every row replaced: the line of the CSV is that of the row's number. The code is cleared.
pub fn with_mended_rows(rejects: &str) -> String {
    let mut records = records(rejects);
    for record in records.iter_mut().skip(1) {
        let line: usize = record[4].parse().unwrap();
        let mut cells: Vec<String> = record.iter().map(str::to_owned).collect();
        cells.splice(..3, mended(line - 2));
        cells[7].clear();
        *record = cells.into();
    }
    text(&records)
}

/// A folder with the faulty CSV, a job with this key, and an endpoint that refuses one row.
pub struct FaultyImport {
    pub folder: Folder,
    pub endpoint: Endpoint,
}

impl FaultyImport {
    pub fn of(key: &str) -> Self {
        let folder = Folder::new();
        let has_key = !key.is_empty();
        folder.write("t.csv", csv(|number| faulty(number, has_key)));
        let job = "[request]\nName = \"{{ row['Name'] }}\"\n[request.Attributes]\nid = \"{{ id }}\"\n\
                   [request.References.Opened]\nType = \"DATE\"\nValue = \"{{ opened | epoch('%Y-%m-%d', tz='UTC') }}\"\n";
        folder.write("t.toml", format!("[source]\n{key}\n{job}"));
        let endpoint = Endpoint::start(|_, body| match body["Name"].as_str() {
            Some("refused") => Reply::Error(400, "InvalidParameterException"),
            _ => Reply::Created,
        });
        FaultyImport { folder, endpoint }
    }

    pub fn run(&self, csv: &str, more: &[&str]) -> Ended {
        let url = self.endpoint.url();
        let run = ["run", csv, "--job", "t.toml", "--output", "json"];
        self.folder.run(&[&run[..], &into(&url), more].concat())
    }

    /// Expects every row to be created, by the last run, `status`, `export` and `report`.
    pub fn agree(&self, ended: &Ended) {
        let summary = &messages(&ended.stdout)["summary"];
        assert_eq!(
            (&summary["in_ledger"]["created"], &summary["total_in_ledger"]),
            (&ROWS.into(), &ROWS.into())
        );
        assert_eq!(summary["rejects"], Value::Null, "{summary}");
        let status = self.folder.run(&["status", "--ledger", "t.ledger.db", "--output", "json"]).expect(0);
        let status: Value = serde_json::from_str(&status.stdout).unwrap();
        assert_eq!((&status["rows"]["created"], &status["total"]), (&ROWS.into(), &ROWS.into()), "{status}");
        let export = self.folder.run(&["export", "--ledger", "t.ledger.db", "--output", "json"]).expect(0);
        let states = export.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let of_input: Vec<Value> = states.filter(|row| row["state"] != "withdrawn").collect();
        assert!(of_input.iter().all(|row| row["state"] == "created"), "{}", export.stdout);
        assert_eq!(of_input.len(), ROWS);
        let report = self.folder.run(&["report", "--ledger", "t.ledger.db", "--to", "-"]).expect(0);
        let accounts = accounts(&report.stdout);
        assert_eq!(accounts.len(), 1, "one input: {accounts:?}");
        let account = &accounts[0];
        let cells: Vec<&str> = account.split('|').collect();
        assert_eq!(cells[..3], ["t.csv", "200", "200"], "{account}");
        assert!(account.contains("adds up"), "{account}");
    }

    /// Expects one contact per row, and no second one.
    pub fn each_once(&self) {
        let requests = self.endpoint.requests();
        let sent = |member: &str| -> BTreeSet<String> {
            let accepted = requests.iter().filter(|request| request["Name"] != "refused");
            accepted.map(|request| request[member].to_string()).collect()
        };
        assert_eq!((sent("Name").len(), sent("ClientToken").len()), (ROWS, ROWS));
        assert_eq!(requests.len(), ROWS + 1, "with the one that was refused");
    }

    /// Expects `export --join` of this CSV to find the contact of every row.
    pub fn joins(&self, csv: &str, rows: usize) {
        let joined =
            self.folder.run(&["export", "--job", "t.toml", "--ledger", "t.ledger.db", "--join", csv]);
        let joined = joined.expect(0).stdout;
        let contacts: BTreeSet<String> = crate::export::columns(&joined, &["_contact_id"])
            .into_iter()
            .filter(|id| !id.is_empty())
            .collect();
        assert_eq!(contacts.len(), rows, "{csv}: {joined}");
    }
}
