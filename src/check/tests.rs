//! Tests of a check without a ledger.

use super::*;
use crate::intake::testing::{prepared, write_csv};
use crate::printable::ShownPath as _;

/// The findings in the files' rows, pairs of id and name, and each fault as code, file index, line and text.
fn check(files: &[&[(&str, &str)]]) -> (CheckFindings, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let name = |index| format!("{index}.csv");
    let paths = files.iter().enumerate().map(|(index, rows)| write_csv(folder.path(), &name(index), rows));
    let paths: Vec<_> = paths.collect();
    let reporter = Reporter::start(Vec::new()).unwrap();
    let shutdown = Shutdown::manual().1;
    let shown = ShownRows::default();
    let (reporter, shutdown, shown) = (&reporter, &shutdown, &shown);
    let check = Check { shard: None, ledger: None, accept: &[], shown, reporter, shutdown };
    let mut faults = FaultRecorder { root: format!("{}/", folder.path().shown()), faults: Vec::new() };
    let findings = check.run(prepared(&paths), &mut faults);
    (findings.unwrap(), faults.faults)
}

struct FaultRecorder {
    root: String,
    faults: Vec<String>,
}

impl RowSink for FaultRecorder {
    fn fault(&mut self, fault: &FoundFault<'_>) -> io::Result<()> {
        let FoundFault { file, line, key, code, fault, .. } = fault;
        let fault = format!("{file}:{line} {key} {code} {}", fault.found);
        self.faults.push(fault.replace(&self.root, ""));
        Ok(())
    }

    fn show(&mut self, _: &ShownRow<'_>) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn every_row_of_a_key_but_the_first_is_a_duplicate_that_names_the_first() {
    let (findings, faults) =
        check(&[&[("1", "a"), ("2", "b"), ("1", "c")], &[("3", "d"), ("1", "e"), ("3", "f")]]);
    let expected = [
        "0.csv:4 1 DuplicateKey has the key of line 2",
        "1.csv:3 1 DuplicateKey has the key of line 2 of 0.csv",
        "1.csv:4 3 DuplicateKey has the key of line 2",
    ];
    assert_eq!(faults, expected);
    assert_eq!((findings.of(RowClass::Ready), findings.of(RowClass::Faulty)), (3, 3));
    assert_eq!((findings.rows, findings.files[1].rows, findings.groups()[0].count), (6, 3, 3));
}

#[test]
fn faults_are_reported_in_the_order_of_the_input() {
    let long = "x".repeat(1025);
    let (findings, faults) = check(&[&[("1", "a"), ("1", &long), ("", "b"), ("2", &long)]]);
    let heads: Vec<&str> =
        faults.iter().map(|fault| fault.split_once(" has").unwrap_or((fault, "")).0).collect();
    assert_eq!(heads[..2], ["0.csv:3 1 Validation", "0.csv:3 1 DuplicateKey"]);
    assert!(heads[2].starts_with("0.csv:4 ") && heads[2].ends_with(" EmptyKey "), "{faults:?}");
    assert_eq!(heads[3..], ["0.csv:5 2 Validation"]);
    assert_eq!((findings.of(RowClass::Ready), findings.of(RowClass::Faulty)), (1, 3));
}
