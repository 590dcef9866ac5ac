//! What a check found, counted and grouped, with a few examples of each kind.

use std::collections::{BTreeMap, HashMap};

use super::Class;
use crate::intake::Prepared;
use crate::mapping::RowFault;
use crate::request::ContactRequest;

/// Examples kept of each kind of fault.
const EXAMPLES: usize = 3;

/// Kinds of faults that are told apart; templates in map keys could make any number of them.
const KINDS: usize = 1000;

/// One fault of one row.
#[derive(Debug)]
pub struct FoundFault<'a> {
    /// The input.
    pub file: &'a str,
    /// The row's line.
    pub line: u64,
    /// The row's key; empty where the check does not have it at hand any more.
    pub key: &'a str,
    /// One of [`crate::mapping::Rejection::CODES`].
    pub code: &'a str,
    /// The fault.
    pub fault: &'a RowFault,
}

/// What a file turned out to be.
#[derive(Clone, Debug)]
pub struct FileFacts {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Its form, such as `semicolon-separated, windows-1252, gzip`.
    pub form: String,
}

/// Faults of one kind.
#[derive(Clone, Debug)]
pub struct Group {
    /// One of [`crate::mapping::Rejection::CODES`].
    pub code: String,
    /// The fault that they share; its `found` is empty.
    pub fault: RowFault,
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub examples: Vec<Example>,
}

/// One fault of a group.
#[derive(Clone, Debug)]
pub struct Example {
    /// The input's index.
    pub file: usize,
    /// The row's line.
    pub line: u64,
    /// The row's key; may be empty.
    pub key: String,
    /// The size that was found; may be empty.
    pub found: String,
}

/// The longest request of the input.
#[derive(Clone, Copy, Debug, Default)]
pub struct Longest {
    /// Length of its JSON body, bytes, with instance id and client token.
    pub bytes: u64,
    /// The input's index.
    pub file: usize,
    /// The row's line.
    pub line: u64,
}

/// Everything that a check found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The inputs.
    pub files: Vec<FileFacts>,
    /// Rows read.
    pub rows: u64,
    /// Of those, rows of other shards, of which nothing else is said.
    pub of_other_shards: u64,
    /// Rows by what a run would do with them.
    classes: [u64; 6],
    /// Faults by kind.
    groups: Vec<Group>,
    index: HashMap<(String, String, String, String), usize>,
    /// Texts that are cut, by member.
    pub cuts: BTreeMap<String, u64>,
    /// Rows without a key that equal an earlier one; each is imported.
    pub identical: u64,
    /// The longest request.
    pub longest: Longest,
    /// Ids of previous contacts that more tasks share than the service allows.
    pub long_chains: u64,
    /// The file and line of one such task.
    pub long_chain_at: Option<(usize, u64)>,
    /// Tasks scheduled further ahead than the API reference allows.
    pub scheduled_far: u64,
    /// Rows of other inputs that wait in the ledger and would be sent too.
    pub elsewhere: u64,
    /// Rows of this input that the ledger has from others, and that wait there.
    pub(super) met_elsewhere: u64,
}

impl FileFacts {
    pub(super) fn of(input: &Prepared) -> Self {
        FileFacts { name: input.input.to_string(), rows: 0, form: input.form.clone() }
    }
}

impl Findings {
    pub(super) fn new(files: Vec<FileFacts>) -> Self {
        Findings { files, ..Findings::default() }
    }

    /// Rows that a run would treat so.
    pub fn of(&self, class: Class) -> u64 {
        self.classes[class as usize]
    }

    /// Kinds of faults, the most frequent first.
    pub fn groups(&self) -> Vec<&Group> {
        let mut groups: Vec<&Group> = self.groups.iter().collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        groups
    }

    pub(super) fn count(&mut self, class: Class) {
        self.classes[class as usize] += 1;
    }

    /// A row turns out to be of another class than it was counted for.
    pub(super) fn recount(&mut self, from: Class, to: Class) {
        self.classes[from as usize] -= 1;
        self.classes[to as usize] += 1;
    }

    pub(super) fn cut(&mut self, member: &str) {
        let is_full = self.cuts.len() >= KINDS && !self.cuts.contains_key(member);
        let member = if is_full { "(others)" } else { member };
        *self.cuts.entry(member.to_owned()).or_default() += 1;
    }

    pub(super) fn tell(&mut self, file: usize, line: u64, key: &str, code: &str, fault: &RowFault) {
        let mut kind = RowFault { found: String::new(), ..fault.clone() };
        let mut name = (code.to_owned(), kind.member.clone(), kind.rule.clone(), kind.origin.clone());
        if self.groups.len() >= KINDS && !self.index.contains_key(&name) {
            kind = RowFault { rule: "other faults".into(), ..RowFault::default() };
            name = (code.to_owned(), String::new(), kind.rule.clone(), String::new());
        }
        let groups = &mut self.groups;
        let index = *self.index.entry(name).or_insert_with(|| {
            groups.push(Group { code: code.to_owned(), fault: kind, count: 0, examples: Vec::new() });
            groups.len() - 1
        });
        let group = &mut groups[index];
        group.count += 1;
        if group.examples.len() < EXAMPLES {
            group.examples.push(Example { file, line, key: key.to_owned(), found: fault.found.clone() });
        }
    }
}

/// What the instance's id and the client token add to every body.
const FIXED: u64 = r#""InstanceId":"","ClientToken":"","#.len() as u64 + 36 + 36;

impl Longest {
    pub(super) fn meet(&mut self, file: usize, line: u64, request: &ContactRequest<'_>) {
        let bytes = FIXED + request.json_len() as u64;
        if bytes > self.bytes {
            *self = Longest { bytes, file, line };
        }
    }
}
