//! From a row to a request: compiled once a header, then pure.
//!
//! `[request]` of the job file is the operation's own JSON with a template wherever a string stands;
//! without one the header's JSON paths are the mapping. Both become the same tree.

mod columns;
mod fault;
mod filters;
mod header_paths;
mod lexer;
mod passthrough;
mod sketch;
mod template;
mod tree;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::digest::Digest;
use crate::request::{
    ContactRequest, Member, Operation, Shape, Truncation, Violation, truncate_texts, validate,
};
use crate::source::Header;
use crate::suggest::did_you_mean;
use columns::{Columns, Row};
pub use fault::{Fault, MapFault, MappingError, Rejection};
use filters::Tables;
use template::Compiler;
use tree::{Children, Node, Planter};

/// The mapping as the user wrote it, before it meets a header.
#[derive(Clone, Debug)]
pub struct MappingSource {
    /// The operation whose requests are made.
    pub operation: Operation,
    /// What becomes of texts that are too long.
    pub on_too_long: OnTooLong,
    /// Where the members come from.
    pub members: Members,
}

/// Where the members of a request come from.
#[derive(Clone, Debug)]
pub enum Members {
    /// `[request]` of a job file.
    Templates(RequestTemplates),
    /// The header names them; the key columns named here need not be members.
    HeaderPaths {
        /// Columns that make the row's key.
        key: Vec<String>,
    },
}

/// What becomes of a text that is longer than the service takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnTooLong {
    /// The row is rejected.
    #[default]
    Reject,
    /// It is cut; ids, URLs, dates and numbers never are.
    Truncate,
}

/// `[request]` of a job file.
#[derive(Clone, Debug, Default)]
pub struct RequestTemplates {
    /// The job file's name, for messages.
    pub file: String,
    /// The operation's JSON with templates in its strings.
    pub tree: Map<String, Value>,
    /// The job file's line of each member, by dotted path.
    pub lines: BTreeMap<String, usize>,
    /// `[lookup]`: tables by name.
    pub tables: BTreeMap<String, BTreeMap<String, String>>,
}

impl MappingSource {
    /// A digest of all that decides what a row maps to besides the row. When it changes, rows that
    /// Connect refused are tried again.
    pub fn fingerprint(&self) -> Digest {
        let mut parts: Vec<Vec<u8>> = match &self.members {
            Members::Templates(templates) => {
                let text = Value::Object(templates.tree.clone()).to_string();
                let tables = serde_json::json!(templates.tables).to_string();
                let tables = (!templates.tables.is_empty()).then(|| tables.into_bytes());
                [b"templates".to_vec(), text.into_bytes()].into_iter().chain(tables).collect()
            }
            Members::HeaderPaths { .. } => vec![b"header paths".to_vec()],
        };
        if self.on_too_long == OnTooLong::Truncate {
            parts.push(b"truncate".to_vec());
        }
        Digest::of(parts.iter().map(Vec::as_slice))
    }
}

/// A row's request.
#[derive(Debug)]
pub struct Mapped<'a> {
    /// The request.
    pub request: ContactRequest<'a>,
    /// The texts that were cut to fit.
    pub cuts: Vec<Truncation>,
}

/// A mapping compiled for one header.
pub struct Mapping {
    operation: Operation,
    on_too_long: OnTooLong,
    columns: Columns,
    compiler: Compiler,
    root: Children,
    /// Columns without a name that nothing maps; text in one would be lost.
    unnamed: Vec<usize>,
    /// What each member is made from, by path.
    origins: HashMap<String, String>,
    /// Whether some key of a map is made from cells.
    keys_are_data: bool,
}

impl std::fmt::Debug for Mapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mapping").finish_non_exhaustive()
    }
}

impl Mapping {
    /// Compiles `source` for the columns of `header`.
    ///
    /// # Errors
    /// An unknown member, column, filter or table, a template that does not parse, a member of the wrong
    /// shape, a literal that no row could be sent with: each with its place and, where one is near, a
    /// suggestion.
    pub fn compile(source: &MappingSource, header: &Header) -> Result<Self, MappingError> {
        let operation = source.operation;
        let columns = Columns::new(header);
        let (compiler, root, unnamed) = match &source.members {
            Members::Templates(templates) => {
                let tables = templates.tables.iter();
                let tables: Tables =
                    tables.map(|(name, table)| (name.clone(), Arc::new(table.clone()))).collect();
                let mut compiler = Compiler::new(columns.clone(), tables);
                let root = planted(operation, templates, &mut compiler)?;
                (compiler, root, Vec::new())
            }
            Members::HeaderPaths { key } => {
                let mut compiler = Compiler::new(columns.clone(), Tables::new());
                let (mut root, unnamed) =
                    header_paths::tree(operation, header.columns(), key, &mut compiler)?;
                if compiler.uses_none() {
                    return Err(MappingError { place: "the header".into(), problem: NO_COLUMN.to_owned() });
                }
                header_paths::add_defaults(operation, &mut root);
                (compiler, root, unnamed)
            }
        };
        let mut origins = HashMap::new();
        for (_, node) in &root {
            node.leaves(&mut |leaf| {
                origins.insert(leaf.path.clone(), leaf.origin.clone());
            });
        }
        let keys_are_data = root.iter().any(|(_, node)| node.has_made_keys());
        let on_too_long = source.on_too_long;
        Ok(Mapping { operation, on_too_long, columns, compiler, root, unnamed, origins, keys_are_data })
    }

    /// The request of one row at `now`, in seconds since 1970.
    ///
    /// # Errors
    /// [`MapFault::Row`] if the row cannot be mapped or breaks a rule of the service;
    /// [`MapFault::Job`] if a template asks for a column that the header does not have.
    pub fn map<'a>(&'a self, cells: &'a csv::StringRecord, now: i64) -> Result<Mapped<'a>, MapFault> {
        let row = Row::new(&self.columns, cells);
        if let Some(column) = self.unnamed.iter().find(|column| !row.cell(**column).trim().is_empty()) {
            let found = format!("column {} has text", column + 1);
            return Err(Rejection::of_row("Mapping", found, "but no name, so nothing maps it").into());
        }
        let members = tree::members(&self.root, &row, &self.compiler)?;
        let mut request = ContactRequest::assemble(self.operation, members);
        request.keys_are_data = self.keys_are_data;
        let cuts = match self.on_too_long {
            OnTooLong::Reject => Vec::new(),
            OnTooLong::Truncate => {
                let truncations = truncate_texts(&mut request).into_iter();
                truncations.map(|cut| Truncation { member: self.shown(cut.member) }).collect()
            }
        };
        let violations = validate(&request, now);
        if violations.is_empty() {
            return Ok(Mapped { request, cuts });
        }
        let faults = violations.into_iter().map(|Violation { member, found, rule }| {
            let origin = self.origins.get(&member).cloned().unwrap_or_default();
            Fault { member: self.shown(member), found, rule, origin }
        });
        Err(Rejection { code: "Validation", faults: faults.collect() }.into())
    }

    /// A member's path as a message may show it: a key that a template made could be anybody's name.
    fn shown(&self, member: String) -> String {
        let maps = ["Attributes", "References", "SegmentAttributes"];
        let map =
            maps.into_iter().find(|map| member.strip_prefix(map).is_some_and(|rest| rest.starts_with('.')));
        match map {
            Some(map) if !self.is_written_out(&member) => format!("{map}.*"),
            Some(_) | None => member,
        }
    }

    /// Whether all of a path's keys stand in the mapping itself.
    fn is_written_out(&self, member: &str) -> bool {
        self.origins.keys().any(|path| {
            let below =
                path.strip_prefix(member).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
            let above = member.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('.'));
            // A member that the mapping leaves out, such as a reference's type, has its neighbours.
            let beside = member.rsplit_once('.').is_some_and(|(parent, name)| {
                MEMBERS_OF_ENTRIES.contains(&name)
                    && path.strip_prefix(parent).is_some_and(|rest| rest.starts_with('.'))
            });
            below || above || beside
        })
    }
}

/// What may stand under a key of `References`.
const MEMBERS_OF_ENTRIES: [&str; 5] = ["Type", "Value", "Status", "Arn", "StatusReason"];

/// Nobody wants the same contact for every row.
const NO_COLUMN: &str =
    "uses no column, so every row would make the same contact; use one, such as the key in an attribute";

/// The tree of a job file's `[request]`.
fn planted(
    operation: Operation,
    templates: &RequestTemplates,
    compiler: &mut Compiler,
) -> Result<Children, MappingError> {
    refuse_given_members(templates)?;
    let mut tree = templates.tree.clone();
    add_defaults(operation, &mut tree);
    let mut planter = Planter { source: templates, compiler, passthrough: false };
    let root = planter.node(&Value::Object(tree), operation.members(), "")?;
    let passthrough = planter.passthrough;
    let Node::Object(mut children) = root else { return Ok(Vec::new()) };
    if passthrough {
        if compiler.hides_columns() {
            let problem = "cannot tell which columns are used elsewhere, since a template uses row without \
                           spelling them out; name the columns as row['Exact Header']";
            return Err(templates.error("Attributes", problem.to_owned()));
        }
        passthrough::add(&mut children, compiler);
    }
    if compiler.uses_none() {
        let place = format!("{}, [request]", templates.file);
        return Err(MappingError { place, problem: NO_COLUMN.to_owned() });
    }
    Ok(children)
}

/// What a member of a new contact is if nothing is said: a task that is already completed is what this tool
/// is for. Of a contact that is no task only the channel is given.
fn defaults(operation: Operation, is_task: bool) -> impl Iterator<Item = (&'static str, &'static str)> {
    let members: &[Member] = match operation.members() {
        Shape::Structure(members) => members,
        _ => &[],
    };
    let of_contact = members.iter().filter(move |member| is_task || member.name == "Channel");
    of_contact.map(|member| (member.name, member.default)).filter(|(_, default)| !default.is_empty())
}

/// Adds the defaults; a member that is given, even as an empty string, wins.
fn add_defaults(operation: Operation, tree: &mut Map<String, Value>) {
    let is_task = tree.get("Channel").is_none_or(|channel| channel == "TASK");
    for (name, default) in defaults(operation, is_task) {
        tree.entry(name).or_insert_with(|| Value::from(default));
    }
}

/// Two members of the operation are not the mapping's to set.
fn refuse_given_members(templates: &RequestTemplates) -> Result<(), MappingError> {
    let remedies = [
        ("InstanceId", "set instance_id under [connect] instead"),
        ("ClientToken", "is derived from the row's key; remove it"),
    ];
    for (name, remedy) in remedies {
        if templates.tree.get(name).is_some_and(|value| value != "") {
            return Err(templates.error(name, remedy.to_owned()));
        }
    }
    Ok(())
}

impl RequestTemplates {
    fn error(&self, member: &str, problem: String) -> MappingError {
        let line = self.lines.get(member).map(|line| format!(", line {line}")).unwrap_or_default();
        MappingError { place: format!("{}{line}, [request] {member}", self.file), problem }
    }

    fn unknown_member<'a>(
        &self,
        path: &str,
        name: &str,
        known: impl Iterator<Item = &'a str> + Clone,
    ) -> MappingError {
        let hint = did_you_mean(name, known.clone())
            .unwrap_or_else(|| format!("; it has {}", known.collect::<Vec<_>>().join(", ")));
        self.error(path, format!("the operation has no such member{hint}"))
    }
}
