//! Findings of a check: counts, faults and warnings, grouped by kind with examples.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use crate::intake::{InputReview, MemberCount, PreparedInput};
use crate::mapping::{RowFault, ZoneUse};
use crate::request::ContactRequest;
use crate::warning::{RowExample, Warning, Warnings};

/// Examples kept for each kind of fault.
const EXAMPLES: usize = 3;

/// Maximum number of kinds; templates in map keys could produce any number of member names.
const KINDS: usize = 1000;

/// What a run would do with a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowClass {
    /// Send it.
    Ready,
    /// Reject it.
    Faulty,
    /// Reject it with a code that the job accepts.
    Accepted,
    /// Nothing: it is created.
    Created,
    /// Nothing: it is created, and its content has changed since.
    CreatedChanged,
    /// Nothing: it may have been created.
    Unknown,
    /// Nothing: Connect refused it, and neither the row nor the mapping has changed since.
    Refused,
}

/// One fault of one row.
#[derive(Debug)]
pub struct FoundFault<'a> {
    /// Name of the input.
    pub file: &'a str,
    /// Line on which the row starts.
    pub line: u64,
    /// Label of the row's key.
    pub key: &'a str,
    /// One of [`crate::mapping::Rejection::CODES`].
    pub code: &'a str,
    /// The fault itself.
    pub fault: &'a RowFault,
    /// Whether the job accepts the code.
    pub is_accepted: bool,
}

/// An input file.
// Published in the messages of `check`, as the next type is, with these descriptions.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "CheckedFile"))]
pub struct InputSummary {
    /// Path, or -.
    #[serde(rename = "file")]
    pub name: String,
    /// Number of rows.
    pub rows: u64,
    /// Delimiter, encoding and compression; for people.
    pub form: String,
}

/// Faults of one kind.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FaultGroup"))]
pub struct Group {
    /// Kind of the faults.
    pub code: String,
    /// Path of the member; empty if the faults concern whole rows.
    pub member: String,
    /// The rule, or the remedy.
    pub rule: String,
    /// Template or column of the member; may be empty.
    pub origin: String,
    /// Whether the job accepts rows with this kind of fault.
    #[serde(rename = "accepted")]
    pub is_accepted: bool,
    /// Number of faults.
    pub count: u64,
    /// First faults of the group.
    pub examples: Vec<RowExample>,
}

/// The request with the longest texts.
#[derive(Clone, Copy, Debug, Default)]
pub struct LongestRequest {
    text_bytes: usize,
    /// Size of its JSON body in bytes, including the instance id and the client token.
    pub bytes: u64,
    /// Index of the input.
    pub file: usize,
    /// Line on which the row starts.
    pub line: u64,
}

/// Result of a check.
#[derive(Clone, Debug, Default)]
pub struct CheckFindings {
    /// Inputs in the order of reading.
    pub files: Vec<InputSummary>,
    /// Number of rows read.
    pub rows: u64,
    /// Rows of other shards, which are not checked.
    pub of_other_shards: u64,
    /// Rows that the job's condition does not select.
    pub passed_over: u64,
    /// Codes of rejections that the job accepts.
    accept: Vec<String>,
    /// Rows by class.
    classes: [u64; 7],
    /// Faults by kind.
    groups: Vec<Group>,
    /// Index in `groups` by code, member, rule and origin.
    group_index: HashMap<[String; 4], usize>,
    warnings: Warnings,
    /// How the rules of time zones decide the dates of all rows.
    pub zone_use: ZoneUse,
    /// Members that rows fill, in the mapping's order.
    pub members: Vec<MemberCount>,
    /// Columns that neither the key nor a template uses, in any input.
    pub unused_columns: Vec<String>,
    /// The request with the longest texts.
    pub longest: LongestRequest,
    /// Rows of other inputs that wait in the ledger and would be sent as well.
    pub elsewhere: u64,
    /// Those of [`ShownRows::keys`](super::ShownRows::keys) that a row has.
    pub shown_keys: BTreeSet<String>,
}

impl InputSummary {
    pub(super) fn of(input: &PreparedInput) -> Self {
        InputSummary { name: input.input.to_string(), rows: 0, form: input.form.clone() }
    }
}

impl CheckFindings {
    pub(super) fn new(inputs: &[PreparedInput], accept: &[String]) -> Self {
        let files = inputs.iter().map(InputSummary::of).collect();
        let mut unused_columns: Vec<String> = Vec::new();
        for column in inputs.iter().flat_map(PreparedInput::unused_columns) {
            if !unused_columns.iter().any(|known| known == column) {
                unused_columns.push(column.to_owned());
            }
        }
        CheckFindings { files, unused_columns, accept: accept.to_vec(), ..CheckFindings::default() }
    }

    /// Class of a row that a run would reject with this code.
    pub(super) fn class_of(&self, code: &str) -> RowClass {
        if self.is_accepted(code) { RowClass::Accepted } else { RowClass::Faulty }
    }

    /// Whether the job accepts rows that are rejected with this code.
    pub(super) fn is_accepted(&self, code: &str) -> bool {
        self.accept.iter().any(|accepted| accepted == code)
    }

    /// Number of rows of this class.
    pub fn of(&self, class: RowClass) -> u64 {
        self.classes[class as usize]
    }

    /// Kinds of faults, the most frequent first.
    pub fn groups(&self) -> Vec<&Group> {
        let mut groups: Vec<&Group> = self.groups.iter().collect();
        groups.sort_by_key(|group| Reverse(group.count));
        groups
    }

    pub(super) fn count(&mut self, class: RowClass) {
        self.classes[class as usize] += 1;
    }

    /// Rows read that this check maps: those of the shard that the condition selects.
    pub fn checked(&self) -> u64 {
        self.rows - self.of_other_shards - self.passed_over
    }

    /// Adds a warning. Every warning of `check` goes through here.
    pub fn warn(&mut self, warning: Warning) {
        self.warnings.warn(warning);
    }

    /// Warnings so far.
    pub fn warnings(&self) -> &Warnings {
        &self.warnings
    }

    /// Adds what the review of the rows found.
    pub(super) fn add_review(&mut self, review: InputReview) {
        let (warnings, members) = review.finish();
        self.warnings.extend(warnings);
        self.members = members;
    }

    pub(super) fn count_fault(&mut self, file: usize, found: &FoundFault<'_>) {
        let FoundFault { line, key, code, fault, is_accepted, .. } = *found;
        let name: [&str; 4] = [code, &fault.member, &fault.rule, &fault.origin];
        let mut name = name.map(str::to_owned);
        if self.groups.len() >= KINDS && !self.group_index.contains_key(&name) {
            name = [code, "", "other faults", ""].map(str::to_owned);
        }
        let groups = &mut self.groups;
        let index = *self.group_index.entry(name).or_insert_with_key(|name| {
            let [code, member, rule, origin] = name.clone();
            groups.push(Group { code, member, rule, origin, is_accepted, count: 0, examples: Vec::new() });
            groups.len() - 1
        });
        let group = &mut groups[index];
        group.count += 1;
        if group.examples.len() < EXAMPLES {
            let (file, key, found) = (self.files[file].name.clone(), key.to_owned(), fault.found.clone());
            group.examples.push(RowExample { file, line, key, found });
        }
    }
}

/// Bytes that the instance id and the client token add to every body.
const FIXED: u64 = r#""InstanceId":"","ClientToken":"","#.len() as u64 + 36 + 36;

impl LongestRequest {
    pub(super) fn record(&mut self, file: usize, line: u64, request: &ContactRequest<'_>) {
        // Serializing every request would take a third of the check.
        let text_bytes = request.text_len();
        if text_bytes > self.text_bytes || self.bytes == 0 {
            let bytes = FIXED + request.json_len() as u64;
            *self = LongestRequest { text_bytes, bytes, file, line };
        }
    }
}
