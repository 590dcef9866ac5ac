//! A mapping compiled for one header.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::columns::{Columns, RowView};
use super::compiler::Compiler;
use super::day_month::{DayMonthColumn, day_month_columns};
use super::error::{MapError, MappingError, Rejection, RowFault};
use super::filters::take_cut;
use super::filters::zone_use::{self, ZoneUse};
use super::key_rule::columns_of_key;
use super::members::{FilledValue, MappedMember, MemberIndex};
use super::source::{MappingSource, MemberSource, OnTooLong};
use super::tree::{Children, members, templated_maps};
use super::{header_paths, request_table};
use crate::request::{ContactRequest, Operation, Violation, truncate_texts, validate};
use crate::source::Header;

/// The request of one row.
#[derive(Debug)]
pub struct Mapped<'a> {
    /// The request.
    pub request: ContactRequest<'a>,
    /// The paths of the members whose texts were cut, by `truncate` or to the service's limits.
    pub cuts: Vec<Cow<'a, str>>,
    /// How the rules of time zones decide the dates in it.
    pub zone_use: ZoneUse,
}

/// A mapping compiled for one header.
pub struct Mapping {
    operation: Operation,
    on_too_long: OnTooLong,
    columns: Arc<Columns>,
    compiler: Compiler,
    root: Children,
    day_month_columns: Vec<DayMonthColumn>,
    members: MemberIndex,
    /// Columns without a name, which nothing maps. A row with text in one is rejected.
    unnamed: Vec<usize>,
    /// The origin of each member by path, for messages.
    origins: HashMap<String, String>,
    /// The maps with keys that cells decide, each with the paths of its other entries.
    templated_maps: BTreeMap<String, Vec<String>>,
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
    /// An unknown member, column, filter or table; a template that does not parse; a member of the wrong
    /// shape; a literal that the service would refuse for every row. Each with its place and, if one is
    /// similar, a suggestion.
    pub fn compile(source: &MappingSource, header: &Header) -> Result<Self, MappingError> {
        let operation = source.operation;
        let columns = Arc::new(Columns::new(header));
        let (place, compiler, root, unnamed) = match &source.members {
            MemberSource::Templates(templates) => {
                let mut compiler = Compiler::new(columns.clone(), &templates.tables);
                let root = request_table::tree(operation, templates, &mut compiler)?;
                (format!("{}, [request]", templates.file), compiler, root, Vec::new())
            }
            MemberSource::HeaderPaths { key } => {
                let mut compiler = Compiler::new(columns.clone(), &Default::default());
                let key = columns_of_key(key, &columns);
                let (root, unnamed) = header_paths::tree(operation, header.columns(), &key, &mut compiler)?;
                ("the header".to_owned(), compiler, root, unnamed)
            }
        };
        if compiler.uses_no_column() {
            let problem = "uses no column, so every row would make the same contact; use one, such as the key in \
                           an attribute";
            return Err(MappingError { place, problem: problem.to_owned() });
        }
        let mut origins = HashMap::new();
        for (_, node) in &root {
            node.for_each_leaf(&mut |leaf| {
                origins.insert(leaf.path.clone(), leaf.origin.clone());
            });
        }
        let templated_maps = templated_maps(&root);
        let members = MemberIndex::new(operation, &root);
        let on_too_long = source.on_too_long;
        let day_month_columns = day_month_columns(&root, &columns);
        Ok(Mapping {
            operation,
            on_too_long,
            columns,
            compiler,
            root,
            day_month_columns,
            members,
            unnamed,
            origins,
            templated_maps,
        })
    }

    /// The columns of dates whose day and month are numbers.
    pub fn day_month_columns(&self) -> &[DayMonthColumn] {
        &self.day_month_columns
    }

    /// The members that rows may fill, in the mapping's order.
    pub fn members(&self) -> &[MappedMember] {
        self.members.members()
    }

    /// Calls `visit` with the index in [`Self::members`] and the value of every filled member of a request that this
    /// mapping made.
    pub fn for_each_filled<'r>(
        &self,
        request: &'r ContactRequest<'_>,
        visit: &mut impl FnMut(usize, FilledValue<'r>),
    ) {
        self.members.for_each_filled(request, visit);
    }

    /// The indices of the columns that no template uses; empty if a template may use columns that it does not spell
    /// out.
    pub fn unused_columns(&self) -> Vec<usize> {
        if self.compiler.hides_columns { Vec::new() } else { self.compiler.unused_columns() }
    }

    /// The request of one row at `now`, in seconds since 1970.
    ///
    /// # Errors
    /// [`MapError::Row`] if the row cannot be mapped or breaks a rule of the service;
    /// [`MapError::Job`] if a template looks up a column that the header does not have.
    pub fn map<'a>(&'a self, cells: &'a csv::StringRecord, now: i64) -> Result<Mapped<'a>, MapError> {
        let row = RowView::new(&self.columns, cells);
        if let Some(column) = self.unnamed.iter().find(|column| !row.cell(**column).trim().is_empty()) {
            let found = format!("column {} has text", column + 1);
            return Err(Rejection::of_row("Mapping", found, "but no name, so nothing maps it").into());
        }
        // An earlier row may have failed after a cut.
        take_cut();
        // A template outside of the request may have noted dates of its own.
        zone_use::take();
        let members = members(&self.root, &row, &self.compiler)?;
        let zone_use = zone_use::take();
        let mut request = ContactRequest::assemble(self.operation, members);
        request.keys_are_data = !self.templated_maps.is_empty();
        let mut cuts: Vec<Cow<'_, str>> = Vec::new();
        for leaf in row.take_cuts() {
            cuts.extend(self.members.member_of(&leaf).map(Cow::Borrowed));
        }
        if self.on_too_long == OnTooLong::Truncate {
            let members = truncate_texts(&mut request).into_iter();
            cuts.extend(members.map(|member| Cow::Owned(self.redacted_path(member))));
        }
        if cuts.len() > 1 {
            cuts.sort_unstable();
            cuts.dedup();
        }
        let violations = validate(&request, now);
        if violations.is_empty() {
            return Ok(Mapped { request, cuts, zone_use });
        }
        let faults = violations.into_iter().map(|Violation { member, found, rule }| {
            let origin = self.origins.get(&member).cloned().unwrap_or_default();
            RowFault { member: self.redacted_path(member), found, rule, origin }
        });
        Err(Rejection { code: "Validation", faults: faults.collect() }.into())
    }

    /// A member's path for messages. A key that cells decide may be personal data, so it becomes `*`.
    fn redacted_path(&self, member: String) -> String {
        let is_below = |path: &str| member.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
        let templated = self.templated_maps.iter().find(|(map, literal_entries)| {
            is_below(map) && !literal_entries.iter().any(|entry| member == **entry || is_below(entry))
        });
        match templated {
            Some((map, _)) => format!("{map}.*"),
            None => member,
        }
    }
}
