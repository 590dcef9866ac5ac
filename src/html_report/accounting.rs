//! Every row accounted for: what is in a file is held against what became of it.

use serde::Serialize;

use super::shards::{Entry, Share, together};
use super::words::{count, file, rows};
use crate::ledger::{RowState, SourceAccount};

/// Rows by what became of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub(super) struct Tally {
    /// Contacts.
    pub(super) contacts: u64,
    /// Rejected, for another reason than the next.
    pub(super) rejected: u64,
    /// Rejected because an earlier row has the same key.
    pub(super) duplicates: u64,
    /// Failed, and can be sent again.
    pub(super) failed: u64,
    /// Unknown.
    pub(super) unknown: u64,
    /// Not settled yet.
    pub(super) waiting: u64,
    /// Have left their file before they were contacts, and are not sent any more.
    pub(super) withdrawn: u64,
    /// Of those, the ones that had failed before.
    pub(super) withdrawn_failed: u64,
}

impl Tally {
    fn of(account: &SourceAccount) -> Self {
        let SourceAccount { rows, withdrawn, duplicates, .. } = account;
        let waiting = rows.of(RowState::Pending) + rows.of(RowState::InFlight);
        Tally {
            contacts: rows.of(RowState::Created),
            rejected: rows.of(RowState::Rejected).saturating_sub(*duplicates),
            duplicates: *duplicates,
            failed: rows.of(RowState::Failed).saturating_sub(withdrawn.of(RowState::Failed)),
            unknown: rows.of(RowState::Unknown),
            waiting: waiting.saturating_sub(withdrawn.of(RowState::Pending)),
            withdrawn: withdrawn.total(),
            withdrawn_failed: withdrawn.of(RowState::Failed),
        }
    }

    fn add(&mut self, other: &Tally) {
        self.contacts += other.contacts;
        self.rejected += other.rejected;
        self.duplicates += other.duplicates;
        self.failed += other.failed;
        self.unknown += other.unknown;
        self.waiting += other.waiting;
        self.withdrawn += other.withdrawn;
        self.withdrawn_failed += other.withdrawn_failed;
    }

    /// All of them.
    pub(super) fn total(&self) -> u64 {
        self.not_withdrawn() + self.withdrawn
    }

    /// Those that may be in their file.
    fn not_withdrawn(&self) -> u64 {
        self.contacts + self.rejected + self.duplicates + self.failed + self.unknown + self.waiting
    }
}

/// One file, or the sum of all.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub(super) struct Line {
    /// The file's name.
    pub(super) name: String,
    /// The folder that it lies in; may be empty.
    pub(super) folder: String,
    /// The ledger, where others have the same file.
    pub(super) ledger: Option<String>,
    /// Rows in the file at its last complete reading; none if that is not known.
    pub(super) rows: Option<u64>,
    /// What became of them.
    pub(super) tally: Tally,
    /// Rows of shards whose ledgers are not at hand.
    pub(super) elsewhere: u64,
    /// Whether both sides are equal: `adds-up`, `differs` or `open`.
    pub(super) standing: &'static str,
    /// The same in words.
    pub(super) words: String,
}

/// All files and their sum.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub(super) struct Accounting {
    /// The files, in the order in which they were first read; if they are folded away, those that do not add up first.
    pub(super) files: Vec<Line>,
    /// Their sum.
    pub(super) sum: Line,
    /// Whether they are too many to be shown at once.
    is_folded: bool,
    /// How many of them do not add up, or may not.
    odd: u64,
    /// The first of those.
    first_odd: Vec<Line>,
}

/// Files that are shown at once.
const SHOWN: usize = 20;

impl Accounting {
    /// The account of these ledgers' inputs.
    pub(super) fn of(shares: &[Share]) -> Self {
        let entries = together(shares);
        let is_shared =
            |source: &str| entries.iter().filter(|entry| entry.account.source == source).count() > 1;
        let mut files: Vec<Line> =
            entries.iter().map(|entry| line(entry, is_shared(&entry.account.source))).collect();
        let sum = sum(&files);
        let is_folded = files.len() > SHOWN;
        if is_folded {
            files.sort_by_key(|file| file.standing == ADDS_UP);
        }
        let odd = || files.iter().filter(|file| file.standing != ADDS_UP);
        let (first_odd, odd) = (odd().take(SHOWN).cloned().collect(), odd().count() as u64);
        Accounting { files, sum, is_folded, odd, first_odd }
    }
}

fn line(entry: &Entry<'_>, is_shared: bool) -> Line {
    let account = &entry.account;
    let (name, folder) = file(&account.source);
    let tally = Tally::of(account);
    let (standing, words) = verdict(account, &tally);
    Line {
        name,
        folder,
        ledger: is_shared.then(|| entry.ledger.to_owned()),
        rows: account.reading.map(|reading| reading.rows),
        tally,
        elsewhere: account.reading.map_or(0, |reading| reading.elsewhere),
        standing,
        words,
    }
}

const ADDS_UP: &str = "adds-up";
const DIFFERS: &str = "differs";
const OPEN: &str = "open";

/// Whether what became of a file's rows comes to the rows in it, and why it may not: the ledger keeps the rows that have
/// left their file, and a row that two files bring up one after the other belongs to the later one.
fn verdict(account: &SourceAccount, tally: &Tally) -> (&'static str, String) {
    let Some(reading) = account.reading else {
        let why = if account.is_open {
            "it has not been read to its end yet, so nobody knows how many rows it has"
        } else {
            "its rows were not counted by the version that read it; the next run counts them"
        };
        return (OPEN, format!("cannot be told: {why}"));
    };
    let found = tally.not_withdrawn() + reading.elsewhere;
    let difference = rows(found.abs_diff(reading.rows));
    let is_input = account.source == "-";
    if found == reading.rows {
        let may_offset = account.was_read_before && account.has_successor;
        let unless =
            ", unless rows that have left it make up for rows that another file has brought up since";
        return (ADDS_UP, format!("{}{}", adds_up(tally), if may_offset { unless } else { "" }));
    }
    let why = if found > reading.rows {
        match (account.was_read_before, account.is_open) {
            (true, _) if is_input => "earlier readings of standard input brought them",
            (true, false) => "an earlier reading had them, and they have left the file",
            (false, true) => "a later reading, which has not come to its end, brought them",
            (true, true) => {
                "they have left the file, or a later reading brought them, which has not come to its end"
            }
            (false, false) => "nothing on record says why",
        }
    } else if account.has_successor {
        "another file has brought them up since, and they are counted there"
    } else {
        "nothing on record says why"
    };
    let which = if found > reading.rows { "more" } else { "fewer" };
    (DIFFERS, format!("{difference} {which}: {why}"))
}

/// That both sides are equal: withdrawn rows are no part of either.
fn adds_up(tally: &Tally) -> &'static str {
    if tally.withdrawn > 0 { "adds up without the withdrawn rows, which have left it" } else { "adds up" }
}

fn sum(files: &[Line]) -> Line {
    let mut sum = Line { rows: Some(0), ..Line::default() };
    for file in files {
        sum.rows = sum.rows.zip(file.rows).map(|(sum, rows)| sum + rows);
        sum.tally.add(&file.tally);
        sum.elsewhere += file.elsewhere;
    }
    let found = sum.tally.not_withdrawn() + sum.elsewhere;
    let all_add_up = files.iter().all(|file| file.standing == ADDS_UP);
    (sum.standing, sum.words) = match sum.rows {
        None => (OPEN, "cannot be told: not of every file is it known how many rows it has".to_owned()),
        Some(rows) if rows == found && all_add_up => (ADDS_UP, adds_up(&sum.tally).to_owned()),
        Some(rows) if rows == found => {
            (ADDS_UP, "adds up over all files; of each, the lines above say more".to_owned())
        }
        Some(rows) => {
            let which = if found > rows { "more" } else { "fewer" };
            (DIFFERS, format!("{} {which}: the lines above say why", count(found.abs_diff(rows))))
        }
    };
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Reading, RunId, StateCounts};

    /// A file of which so many rows are contacts.
    fn read(source: &str, contacts: u64, reading: Option<(u64, u64)>) -> SourceAccount {
        let mut rows = StateCounts::default();
        rows.add(RowState::Created, contacts);
        let reading = reading.map(|(rows, elsewhere)| Reading { run: RunId(1), rows, elsewhere });
        SourceAccount { source: source.to_owned(), rows, reading, ..SourceAccount::default() }
    }

    fn share(shard: &str, accounts: Vec<SourceAccount>) -> Share {
        Share { ledger: format!("{shard}.db"), shard: shard.parse().ok(), accounts }
    }

    fn verdicts(accounting: &Accounting) -> Vec<String> {
        let lines = accounting.files.iter().chain([&accounting.sum]);
        lines.map(|line| format!("{:?} {}: {}", line.rows, line.standing, line.words)).collect()
    }

    #[test]
    fn what_is_in_a_file_is_held_against_what_became_of_it() {
        let mut whole = read("/d/a.csv", 5, Some((9, 0)));
        whole.rows.add(RowState::Rejected, 2);
        whole.duplicates = 1;
        whole.rows.add(RowState::Pending, 1);
        whole.rows.add(RowState::InFlight, 1);
        let accounting = Accounting::of(&[share("", vec![whole])]);
        let line = &accounting.files[0];
        assert_eq!((line.name.as_str(), line.folder.as_str(), &line.ledger), ("a.csv", "/d", &None));
        let tally = Tally { contacts: 5, rejected: 1, duplicates: 1, waiting: 2, ..Tally::default() };
        assert_eq!(line.tally, tally);
        assert_eq!(verdicts(&accounting), ["Some(9) adds-up: adds up", "Some(9) adds-up: adds up"]);
    }

    #[test]
    fn a_difference_is_given_with_the_reason_that_the_record_has() {
        let with = |contacts, change: fn(&mut SourceAccount)| {
            let mut account = read("/a.csv", contacts, Some((10, 0)));
            change(&mut account);
            verdict(&account, &Tally::of(&account))
        };
        assert_eq!(
            with(13, |account| account.was_read_before = true),
            (DIFFERS, "3 rows more: an earlier reading had them, and they have left the file".into())
        );
        assert_eq!(
            with(13, |account| account.is_open = true).1,
            "3 rows more: a later reading, which has not come to its end, brought them"
        );
        assert_eq!(
            with(9, |account| account.has_successor = true).1,
            "1 row fewer: another file has brought them up since, and they are counted there"
        );
        for contacts in [9, 11] {
            assert!(with(contacts, |_| ()).1.ends_with("nothing on record says why"));
        }
        // Both at once may hide each other, and nothing on record would show it.
        let both = |account: &mut SourceAccount| {
            (account.was_read_before, account.has_successor) = (true, true);
        };
        assert!(with(10, both).1.starts_with("adds up, unless rows"));
        assert_eq!(with(10, |account| account.was_read_before = true).1, "adds up");
    }

    #[test]
    fn rows_that_left_their_file_unsent_stand_apart() {
        let mut account = read("/a.csv", 7, Some((8, 0)));
        account.was_read_before = true;
        for (state, rows) in [(RowState::Pending, 3), (RowState::Failed, 1)] {
            account.rows.add(state, rows);
        }
        for (state, rows) in [(RowState::Pending, 2), (RowState::Failed, 1)] {
            account.withdrawn.add(state, rows);
        }
        let accounting = Accounting::of(&[share("", vec![account])]);
        let tally = accounting.sum.tally;
        assert_eq!((tally.waiting, tally.failed, tally.withdrawn, tally.withdrawn_failed), (1, 0, 3, 1));
        assert_eq!(tally.total(), 11);
        let said = "Some(8) adds-up: adds up without the withdrawn rows, which have left it";
        assert_eq!(verdicts(&accounting)[0], said);
    }

    #[test]
    fn many_files_are_folded_and_those_that_do_not_add_up_are_first() {
        let file = |number: u64| read(&format!("/{number}.csv"), 1, Some((1 + number / 20, 0)));
        let few = Accounting::of(&[share("", (0..20).map(file).collect())]);
        assert_eq!((few.is_folded, few.odd), (false, 0));
        let many = Accounting::of(&[share("", (0..42).map(file).collect())]);
        assert_eq!((many.is_folded, many.odd, many.first_odd.len()), (true, 22, 20));
        assert_eq!([0, 21, 22].map(|at: usize| many.files[at].name.as_str()), ["20.csv", "41.csv", "0.csv"]);
    }

    #[test]
    fn where_rows_were_not_counted_nothing_is_said_to_add_up() {
        let mut broken_off = read("/b.csv", 3, None);
        broken_off.is_open = true;
        let accounts = vec![read("/a.csv", 3, None), broken_off, read("-", 2, Some((2, 0)))];
        let accounting = Accounting::of(&[share("", accounts)]);
        let said = verdicts(&accounting);
        assert!(said[0].contains("not counted by the version"), "{}", said[0]);
        assert!(said[1].contains("not been read to its end"), "{}", said[1]);
        assert_eq!(said[2], "Some(2) adds-up: adds up");
        assert!(said[3].starts_with("None open"), "{}", said[3]);
        assert_eq!((accounting.files[2].name.as_str(), accounting.sum.tally.total()), ("Standard input", 8));
    }

    #[test]
    fn shards_of_one_file_are_one_line_and_what_is_missing_is_elsewhere() {
        let shards = [
            share("0/3", vec![read("/a.csv", 4, Some((10, 6)))]),
            share("2/3", vec![read("/a.csv", 3, Some((10, 7)))]),
        ];
        let two = Accounting::of(&shards);
        assert_eq!((two.files.len(), two.sum.elsewhere, two.sum.tally.contacts), (1, 3, 7));
        assert_eq!(verdicts(&two)[0], "Some(10) adds-up: adds up");
        let third = share("1/3", vec![read("/a.csv", 3, Some((10, 7)))]);
        let all = Accounting::of(&[&shards[..], &[third]].concat());
        assert_eq!((all.files.len(), all.sum.elsewhere, all.sum.rows), (1, 0, Some(10)));
    }

    #[test]
    fn ledgers_that_are_no_shards_of_one_another_have_a_line_each() {
        let whole = |ledger: &str| Share {
            ledger: ledger.to_owned(),
            ..share("", vec![read("/a.csv", 2, Some((2, 0)))])
        };
        let twice = Accounting::of(&[whole("x.db"), whole("y.db")]);
        let ledgers: Vec<_> = twice.files.iter().filter_map(|line| line.ledger.clone()).collect();
        assert_eq!((ledgers, twice.sum.rows), (vec!["x.db".into(), "y.db".into()], Some(4)));
        // The same shard twice, other numbers of shards, another reading.
        for (one, other, rows) in [("0/2", "0/2", 4), ("0/2", "1/3", 4), ("0/2", "1/2", 5)] {
            let shares = [
                share(one, vec![read("/a.csv", 2, Some((4, 2)))]),
                share(other, vec![read("/a.csv", 2, Some((rows, rows - 2)))]),
            ];
            assert_eq!(Accounting::of(&shares).files.len(), 2, "{one} {other}");
        }
    }
}
