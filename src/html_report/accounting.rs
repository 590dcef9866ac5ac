//! Accounting of the rows of each input file: rows in the file against rows in the ledgers, by outcome.

use serde::Serialize;

use super::text::{count, file, rows};
use crate::ledger::{RowState, SourceAccount, SourceScan};
use crate::shard::Shard;

/// The inputs of one ledger.
#[derive(Clone, Debug)]
pub(super) struct LedgerAccounts {
    /// Path of the ledger.
    pub(super) ledger: String,
    /// The shard that the ledger holds, or `None` for all rows.
    pub(super) shard: Option<Shard>,
    /// Its inputs.
    pub(super) accounts: Vec<SourceAccount>,
}

/// An input as one ledger has it, or merged from the ledgers of its shards.
struct MergedAccount<'a> {
    account: SourceAccount,
    /// The first of the ledgers.
    ledger: &'a str,
    shards: Vec<Option<Shard>>,
}

/// The inputs of all ledgers. Accounts of one file by several shards are merged.
fn merge_shards(ledgers: &[LedgerAccounts]) -> Vec<MergedAccount<'_>> {
    let mut merged: Vec<MergedAccount<'_>> = Vec::new();
    for own in ledgers {
        for account in &own.accounts {
            match merged.iter_mut().find(|other| other.is_complemented_by(own.shard, account)) {
                Some(other) => other.add(own.shard, account),
                None => merged.push(MergedAccount {
                    account: account.clone(),
                    ledger: &own.ledger,
                    shards: vec![own.shard],
                }),
            }
        }
    }
    merged
}

impl MergedAccount<'_> {
    /// Whether `account` has another shard of the same rows.
    fn is_complemented_by(&self, shard: Option<Shard>, account: &SourceAccount) -> bool {
        let Some(own) = shard else { return false };
        let is_another =
            |shard: &Option<Shard>| shard.is_some_and(|shard| shard.count() == own.count() && shard != own);
        let rows = |account: &SourceAccount| account.scan.map(|reading| reading.counts.rows);
        self.account.source == account.source
            && self.shards.iter().all(is_another)
            && account.scan.is_some()
            && rows(&self.account) == rows(account)
    }

    fn add(&mut self, shard: Option<Shard>, account: &SourceAccount) {
        let whole = &mut self.account;
        add_rows(whole, account);
        if let (Some(whole), Some(part)) = (&mut whole.scan, account.scan) {
            // Rows of this shard were rows of other shards until now.
            let (whole, part) = (&mut whole.counts, part.counts);
            whole.other_shards =
                whole.other_shards.saturating_sub(part.rows.saturating_sub(part.other_shards));
            whole.passed_over += part.passed_over;
        }
        whole.was_read_before |= account.was_read_before;
        whole.is_unfinished |= account.is_unfinished;
        whole.has_successor |= account.has_successor;
        self.shards.push(shard);
    }
}

fn add_rows(sum: &mut SourceAccount, account: &SourceAccount) {
    sum.rows = [sum.rows, account.rows].into_iter().sum();
    sum.duplicates += account.duplicates;
}

/// Numbers of rows by outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub(super) struct OutcomeCounts {
    /// Created contacts.
    pub(super) contacts: u64,
    /// Rejected rows without the duplicates.
    pub(super) rejected: u64,
    /// Rows rejected because an earlier row has the same key.
    pub(super) duplicates: u64,
    /// Failed rows, which can be sent again.
    pub(super) failed: u64,
    /// Unknown rows.
    pub(super) unknown: u64,
    /// Pending and in-flight rows.
    pub(super) waiting: u64,
    /// Rows rejected with a code that the job accepts, duplicates among them.
    pub(super) accepted: u64,
    /// Rows removed from their file before they were created, which are not sent.
    pub(super) withdrawn: u64,
}

impl OutcomeCounts {
    fn of(account: &SourceAccount) -> Self {
        let SourceAccount { rows, duplicates, .. } = account;
        OutcomeCounts {
            contacts: rows.of(RowState::Created),
            rejected: rows.of(RowState::Rejected).saturating_sub(*duplicates),
            duplicates: *duplicates,
            failed: rows.of(RowState::Failed),
            unknown: rows.of(RowState::Unknown),
            waiting: rows.of(RowState::Pending) + rows.of(RowState::InFlight),
            accepted: rows.of(RowState::Accepted),
            withdrawn: rows.of(RowState::Withdrawn),
        }
    }

    /// Rows of the inputs: all but the withdrawn ones.
    pub(super) fn total(&self) -> u64 {
        self.contacts
            + self.rejected
            + self.duplicates
            + self.failed
            + self.unknown
            + self.waiting
            + self.accepted
    }
}

/// Accounting of one input, or of all.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub(super) struct FileAccount {
    /// Name of the file.
    pub(super) name: String,
    /// Folder of the file; may be empty.
    pub(super) folder: String,
    /// Path of the ledger, if several ledgers have the same file.
    pub(super) ledger: Option<String>,
    /// Rows in the file at its last complete read.
    pub(super) rows: Option<u64>,
    /// Rows in the ledgers.
    pub(super) counts: OutcomeCounts,
    /// Rows of shards whose ledgers were not given.
    pub(super) other_shards: u64,
    /// Rows that the job's condition does not select.
    pub(super) passed_over: u64,
    /// Class of the result: `adds-up`, `differs` or `open`.
    pub(super) balance: &'static str,
    /// The result with its reason.
    pub(super) explanation: String,
}

/// Accounting of all inputs and their sum.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub(super) struct Accounting {
    /// The inputs in the order of their first read; if folded, those that do not add up come first.
    pub(super) files: Vec<FileAccount>,
    /// Sum of the inputs.
    pub(super) sum: FileAccount,
    /// Whether the inputs are too many to be shown unfolded.
    is_folded: bool,
    /// Number of inputs that do not add up, or may not.
    unbalanced: usize,
}

/// Number of files that are shown unfolded.
const SHOWN: usize = 20;

impl Accounting {
    /// The accounting of the inputs of these ledgers.
    pub(super) fn of(ledgers: &[LedgerAccounts]) -> Self {
        let merged = merge_shards(ledgers);
        let is_shared =
            |source: &str| merged.iter().filter(|other| other.account.source == source).count() > 1;
        let mut files: Vec<FileAccount> =
            merged.iter().map(|own| file_account(own, is_shared(&own.account.source))).collect();
        let unbalanced = files.iter().filter(|file| file.balance != ADDS_UP).count();
        let sum = sum(&merged, &files, unbalanced);
        let is_folded = files.len() > SHOWN;
        if is_folded {
            files.sort_by_key(|file| file.balance == ADDS_UP);
        }
        Accounting { files, sum, is_folded, unbalanced }
    }
}

fn file_account(merged: &MergedAccount<'_>, is_shared: bool) -> FileAccount {
    let account = &merged.account;
    let (name, folder) = file(&account.source);
    let counts = OutcomeCounts::of(account);
    let (balance, explanation) = balance(account, &counts);
    FileAccount {
        name,
        folder,
        ledger: is_shared.then(|| merged.ledger.to_owned()),
        rows: account.scan.map(|reading| reading.counts.rows),
        counts,
        other_shards: account.scan.map_or(0, |reading| reading.counts.other_shards),
        passed_over: account.scan.map_or(0, |reading| reading.counts.passed_over),
        balance,
        explanation,
    }
}

const ADDS_UP: &str = "adds-up";
const DIFFERS: &str = "differs";
const OPEN: &str = "open";

/// Compares the rows in a file with its rows in the ledgers, and explains a difference: the ledger keeps rows that were
/// removed from their file, and counts a row that two files have in the one read last.
fn balance(account: &SourceAccount, counts: &OutcomeCounts) -> (&'static str, String) {
    let Some(SourceScan { counts: reading, .. }) = account.scan else {
        return (OPEN, "unknown: the file has not been read to its end yet".to_owned());
    };
    let found = counts.total() + reading.other_shards + reading.passed_over;
    if found == reading.rows {
        let may_offset = account.was_read_before && account.has_successor;
        let unless = ", unless rows removed from it offset rows that another file has too";
        return (ADDS_UP, format!("{}{}", adds_up(counts), if may_offset { unless } else { "" }));
    }
    let reason = if found > reading.rows {
        match (account.was_read_before, account.is_unfinished) {
            (true, _) if account.source == "-" => "earlier runs read them from standard input",
            (true, false) => "they were in the file at an earlier read",
            (false, true) => "an unfinished later read found them",
            (true, true) => {
                "they were in the file at an earlier read, or an unfinished later read found them"
            }
            (false, false) => "the ledger does not record why",
        }
    } else if account.has_successor {
        "counted in another file, which has them too and was read later"
    } else {
        "the ledger does not record why"
    };
    let difference = rows(found.abs_diff(reading.rows));
    (DIFFERS, format!("{difference} {}: {reason}", more_or_fewer(found, reading.rows)))
}

fn more_or_fewer(found: u64, expected: u64) -> &'static str {
    if found > expected { "more" } else { "fewer" }
}

/// Withdrawn rows are on neither side.
fn adds_up(counts: &OutcomeCounts) -> &'static str {
    if counts.withdrawn > 0 { "adds up without the withdrawn rows" } else { "adds up" }
}

fn sum(merged: &[MergedAccount<'_>], files: &[FileAccount], unbalanced: usize) -> FileAccount {
    let mut account = SourceAccount::default();
    merged.iter().for_each(|own| add_rows(&mut account, &own.account));
    let counts = OutcomeCounts::of(&account);
    let rows = files.iter().map(|file| file.rows).sum::<Option<u64>>();
    let other_shards: u64 = files.iter().map(|file| file.other_shards).sum();
    let passed_over: u64 = files.iter().map(|file| file.passed_over).sum();
    let found = counts.total() + other_shards + passed_over;
    let (balance, explanation) = match rows {
        None => (OPEN, "unknown: not every file has been read to its end".to_owned()),
        Some(rows) if rows == found && unbalanced == 0 => (ADDS_UP, adds_up(&counts).to_owned()),
        Some(rows) if rows == found => (ADDS_UP, "adds up over all files, but not in each".to_owned()),
        Some(rows) => {
            let difference = count(found.abs_diff(rows));
            (DIFFERS, format!("{difference} {}: see the files above", more_or_fewer(found, rows)))
        }
    };
    FileAccount { rows, counts, other_shards, passed_over, balance, explanation, ..FileAccount::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{RunId, ScanCounts, StateCounts};

    /// A file with `contacts` created rows.
    fn read(source: &str, contacts: u64, reading: Option<(u64, u64)>) -> SourceAccount {
        let mut rows = StateCounts::default();
        rows.add(RowState::Created, contacts);
        let reading = reading.map(|(rows, other_shards)| SourceScan {
            run: RunId(1),
            counts: ScanCounts { rows, other_shards, passed_over: 0 },
        });
        SourceAccount { source: source.to_owned(), rows, scan: reading, ..SourceAccount::default() }
    }

    fn ledger(shard: &str, accounts: Vec<SourceAccount>) -> LedgerAccounts {
        LedgerAccounts { ledger: format!("{shard}.db"), shard: shard.parse().ok(), accounts }
    }

    fn balances(accounting: &Accounting) -> Vec<String> {
        let lines = accounting.files.iter().chain([&accounting.sum]);
        lines.map(|line| format!("{:?} {}: {}", line.rows, line.balance, line.explanation)).collect()
    }

    #[test]
    fn rows_in_a_file_are_compared_with_its_rows_in_the_ledger() {
        let mut whole = read("/d/a.csv", 5, Some((9, 0)));
        whole.rows.add(RowState::Rejected, 2);
        whole.duplicates = 1;
        whole.rows.add(RowState::Pending, 1);
        whole.rows.add(RowState::InFlight, 1);
        let accounting = Accounting::of(&[ledger("", vec![whole])]);
        let line = &accounting.files[0];
        assert_eq!((line.name.as_str(), line.folder.as_str(), &line.ledger), ("a.csv", "/d", &None));
        let counts =
            OutcomeCounts { contacts: 5, rejected: 1, duplicates: 1, waiting: 2, ..OutcomeCounts::default() };
        assert_eq!(line.counts, counts);
        assert_eq!(balances(&accounting), ["Some(9) adds-up: adds up", "Some(9) adds-up: adds up"]);
    }

    #[test]
    fn a_difference_has_the_reason_that_the_ledger_records() {
        let with = |contacts, change: fn(&mut SourceAccount)| {
            let mut account = read("/a.csv", contacts, Some((10, 0)));
            change(&mut account);
            balance(&account, &OutcomeCounts::of(&account))
        };
        assert_eq!(
            with(13, |account| account.was_read_before = true),
            (DIFFERS, "3 rows more: they were in the file at an earlier read".into())
        );
        assert_eq!(
            with(13, |account| account.is_unfinished = true).1,
            "3 rows more: an unfinished later read found them"
        );
        assert_eq!(
            with(9, |account| account.has_successor = true).1,
            "1 row fewer: counted in another file, which has them too and was read later"
        );
        for contacts in [9, 11] {
            assert!(with(contacts, |_| ()).1.ends_with("the ledger does not record why"));
        }
        // Rows removed and rows counted elsewhere may offset each other.
        let both = |account: &mut SourceAccount| {
            (account.was_read_before, account.has_successor) = (true, true);
        };
        assert!(with(10, both).1.starts_with("adds up, unless rows"));
        assert_eq!(with(10, |account| account.was_read_before = true).1, "adds up");
    }

    #[test]
    fn withdrawn_rows_are_counted_apart() {
        let mut account = read("/a.csv", 7, Some((8, 0)));
        account.was_read_before = true;
        account.rows.add(RowState::Pending, 1);
        account.rows.add(RowState::Withdrawn, 3);
        let accounting = Accounting::of(&[ledger("", vec![account])]);
        let counts = accounting.sum.counts;
        assert_eq!((counts.waiting, counts.failed, counts.withdrawn), (1, 0, 3));
        assert_eq!(counts.total(), 8);
        let said = "Some(8) adds-up: adds up without the withdrawn rows";
        assert_eq!(balances(&accounting)[0], said);
    }

    #[test]
    fn many_files_are_folded_and_those_that_do_not_add_up_are_first() {
        let file = |number: u64| read(&format!("/{number}.csv"), 1, Some((1 + number / 20, 0)));
        let few = Accounting::of(&[ledger("", (0..20).map(file).collect())]);
        assert_eq!((few.is_folded, few.unbalanced), (false, 0));
        let many = Accounting::of(&[ledger("", (0..42).map(file).collect())]);
        assert_eq!((many.is_folded, many.unbalanced), (true, 22));
        assert_eq!([0, 21, 22].map(|at: usize| many.files[at].name.as_str()), ["20.csv", "41.csv", "0.csv"]);
    }

    #[test]
    fn a_file_that_was_not_read_to_its_end_does_not_add_up() {
        let accounts =
            vec![read("/a.csv", 3, None), read("/b.csv", 3, Some((3, 0))), read("-", 2, Some((2, 0)))];
        let accounting = Accounting::of(&[ledger("", accounts)]);
        let said = balances(&accounting);
        assert!(said[0].contains("not been read to its end"), "{}", said[0]);
        assert_eq!(said[2], "Some(2) adds-up: adds up");
        assert!(said[3].starts_with("None open"), "{}", said[3]);
        assert_eq!((accounting.files[2].name.as_str(), accounting.sum.counts.total()), ("Standard input", 8));
    }

    #[test]
    fn shards_of_one_file_are_merged_and_missing_shards_are_counted() {
        let shards = [
            ledger("0/3", vec![read("/a.csv", 4, Some((10, 6)))]),
            ledger("2/3", vec![read("/a.csv", 3, Some((10, 7)))]),
        ];
        let two = Accounting::of(&shards);
        assert_eq!((two.files.len(), two.sum.other_shards, two.sum.counts.contacts), (1, 3, 7));
        assert_eq!(balances(&two)[0], "Some(10) adds-up: adds up");
        let third = ledger("1/3", vec![read("/a.csv", 3, Some((10, 7)))]);
        let all = Accounting::of(&[&shards[..], &[third]].concat());
        assert_eq!((all.files.len(), all.sum.other_shards, all.sum.rows), (1, 0, Some(10)));
    }

    #[test]
    fn ledgers_that_are_not_shards_of_one_file_are_not_merged() {
        let whole = |path: &str| LedgerAccounts {
            ledger: path.to_owned(),
            ..ledger("", vec![read("/a.csv", 2, Some((2, 0)))])
        };
        let twice = Accounting::of(&[whole("x.db"), whole("y.db")]);
        let ledgers: Vec<_> = twice.files.iter().filter_map(|line| line.ledger.clone()).collect();
        assert_eq!((ledgers, twice.sum.rows), (vec!["x.db".into(), "y.db".into()], Some(4)));
        // The same shard twice, other numbers of shards, another reading.
        for (one, other, rows) in [("0/2", "0/2", 4), ("0/2", "1/3", 4), ("0/2", "1/2", 5)] {
            let ledgers = [
                ledger(one, vec![read("/a.csv", 2, Some((4, 2)))]),
                ledger(other, vec![read("/a.csv", 2, Some((rows, rows - 2)))]),
            ];
            assert_eq!(Accounting::of(&ledgers).files.len(), 2, "{one} {other}");
        }
    }
}
