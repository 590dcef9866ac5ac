//! From a row to a request: compiled once a header, then pure.
//!
//! `[request]` of the job file is the operation's own JSON with a template wherever a string stands;
//! without one the header's JSON paths are the mapping. Both become the same tree.

mod columns;
mod filters;
mod header_paths;
mod template;
mod tree;

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::digest::Digest;
use crate::request::{ContactRequest, members, validate};
use crate::source::Header;
use crate::suggest::did_you_mean;
use columns::Columns;
use template::Compiler;
use tree::Node;

/// The mapping as the user wrote it, before it meets a header.
#[derive(Clone, Debug)]
pub enum MappingSource {
    /// `[request]` of a job file.
    Templates(RequestTemplates),
    /// The header names the members; the key columns named here need not be members.
    HeaderPaths {
        /// Columns that make the row's key.
        key: Vec<String>,
    },
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
}

impl MappingSource {
    /// A digest of all that decides what a row maps to besides the row. When it changes, rows that
    /// Connect refused are tried again.
    pub fn fingerprint(&self) -> Digest {
        match self {
            MappingSource::Templates(templates) => {
                let text = Value::Object(templates.tree.clone()).to_string();
                Digest::of([b"templates".as_slice(), text.as_bytes()])
            }
            MappingSource::HeaderPaths { .. } => Digest::of([b"header paths".as_slice()]),
        }
    }
}

/// The mapping does not fit the operation or the header; nothing can be sent.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("{place}: {problem}")]
pub struct MappingError {
    /// Job file and line, or CSV file, and the member.
    pub place: String,
    /// What is wrong and what to do.
    pub problem: String,
}

/// Why one row cannot become a request.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("{message}")]
pub struct Rejection {
    /// A stable word for counting, one of [`Rejection::CODES`].
    pub code: &'static str,
    /// Members, limits and sizes; never a value.
    pub message: String,
}

impl Rejection {
    /// The words for what this tool itself finds wrong with a row, anew in every run. Any other code on a
    /// rejected row is the service's.
    pub const CODES: [&str; 5] = ["Mapping", "Validation", "RaggedRow", "EmptyKey", "DuplicateKey"];
}

/// What can go wrong with one row.
#[derive(Debug, Error)]
pub enum MapFault {
    /// The row is at fault.
    #[error(transparent)]
    Row(#[from] Rejection),
    /// The mapping is at fault, in a branch that no earlier row took.
    #[error(transparent)]
    Job(#[from] MappingError),
}

/// A mapping compiled for one header.
pub struct Mapping {
    columns: Columns,
    compiler: Compiler,
    root: Node,
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
    /// An unknown member, column or filter, a template that does not parse, a member of the wrong
    /// shape: each with its place and, where one is near, a suggestion.
    pub fn compile(source: &MappingSource, header: &Header) -> Result<Self, MappingError> {
        let columns = Columns::new(header);
        let mut compiler = Compiler::new();
        let root = match source {
            MappingSource::Templates(templates) => {
                let mut tree = templates.tree.clone();
                refuse_given_members(templates)?;
                defaults(&mut tree);
                Node::compile(&Value::Object(tree), members(), "", templates, &columns, &mut compiler)?
            }
            MappingSource::HeaderPaths { key } => {
                let tree = header_paths::tree(header, key)?;
                header_paths::with_defaults(tree)
            }
        };
        Ok(Mapping { columns, compiler, root })
    }

    /// The request of one row.
    ///
    /// # Errors
    /// [`MapFault::Row`] if the row cannot be mapped or breaks a rule of the service;
    /// [`MapFault::Job`] if a template asks for a column that the header does not have.
    pub fn map(&self, cells: &csv::StringRecord) -> Result<ContactRequest, MapFault> {
        let rendered = self.root.render_root(cells, &self.columns, &self.compiler)?;
        let mut request: ContactRequest = serde_json::from_value(rendered).map_err(|_| Rejection {
            // The tree was compiled against the same members, so this is out of reach; serde's own
            // message could quote a value.
            code: "Mapping",
            message: "the row does not fit the operation's members".into(),
        })?;
        // A reference that leads nowhere is left out together with its type.
        request.references.retain(|_, reference| reference.value.is_some() || reference.arn.is_some());
        let violations = validate(&request);
        if violations.is_empty() {
            return Ok(request);
        }
        let message = violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Err(Rejection { code: "Validation", message }.into())
    }
}

/// A task that is already completed is what this tool is for; a member that is given, even as an
/// empty string, wins.
fn defaults(tree: &mut Map<String, Value>) {
    let is_task = tree.get("Channel").is_none_or(|channel| channel == "TASK");
    let mut default = |name: &str, value: &str| {
        tree.entry(name).or_insert_with(|| Value::from(value));
    };
    default("Channel", "TASK");
    if is_task {
        default("InitiationMethod", "API");
        default("InitiateAs", "COMPLETED");
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

#[cfg(test)]
mod tests {
    use super::*;

    fn templates(toml: &str) -> MappingSource {
        let tree = toml::from_str::<toml::Table>(toml).unwrap();
        let Value::Object(tree) = serde_json::to_value(tree).unwrap() else { panic!("a table") };
        MappingSource::Templates(RequestTemplates {
            file: "job.toml".into(),
            tree,
            lines: BTreeMap::from([("Name".into(), 7)]),
        })
    }

    fn map(toml: &str, header: &[&str], row: &[&str]) -> Result<ContactRequest, String> {
        let header = Header::new(header.iter().map(|name| name.to_string()).collect());
        let mapping = Mapping::compile(&templates(toml), &header).map_err(|e| e.to_string())?;
        mapping.map(&csv::StringRecord::from(row.to_vec())).map_err(|e| e.to_string())
    }

    #[test]
    fn a_task_is_completed_unless_told_otherwise() {
        let request = map("Name = \"{{ id }}\"", &["ID"], &["7"]).unwrap();
        assert_eq!(request.channel, "TASK");
        assert_eq!(request.initiation_method, "API");
        assert_eq!(request.initiate_as.as_deref(), Some("COMPLETED"));
        assert_eq!(request.name.as_deref(), Some("7"));
        let open = map("InitiateAs = \"\"", &["ID"], &["7"]).unwrap();
        assert_eq!(open.initiate_as, None);
    }

    #[test]
    fn columns_are_reached_by_exact_header_and_by_identifier() {
        let toml = "Name = \"{{ row['Ticket ID'] }}/{{ ticket_id }}\"";
        assert_eq!(map(toml, &["Ticket ID"], &["7"]).unwrap().name.as_deref(), Some("7/7"));
    }

    #[test]
    fn braces_in_a_cell_are_text() {
        let request = map("Name = \"{{ a }}\"\nDescription = \"x{{ a }}\"", &["a"], &["{{ 7 * 7 }}"]);
        let request = request.unwrap();
        assert_eq!(request.name.as_deref(), Some("{{ 7 * 7 }}"));
        assert_eq!(request.description.as_deref(), Some("x{{ 7 * 7 }}"));
    }

    #[test]
    fn a_misspelt_column_is_an_error_with_a_suggestion() {
        for template in
            ["{{ row['Ticket Subjekt'] }}", "{{ ticket_subjekt }}", "{{ ticket_subjekt | upper }}"]
        {
            let error = map(&format!("Name = \"{template}\""), &["Ticket Subject"], &["x"]).unwrap_err();
            assert!(error.starts_with("job.toml, line 7, [request] Name: "), "{error}");
            assert!(error.contains("did you mean"), "{template}: {error}");
        }
    }

    #[test]
    fn a_misspelt_column_is_found_even_behind_a_default() {
        let error = map("Name = \"{{ row['Subjekt'] | default('none') }}\"", &["Subject"], &["x"]);
        assert!(error.unwrap_err().contains("did you mean 'Subject'?"));
    }

    #[test]
    fn a_misspelt_member_is_an_error_with_a_suggestion() {
        let error = map("Nmae = \"x\"", &["a"], &["x"]).unwrap_err();
        assert!(error.contains("did you mean 'Name'?"), "{error}");
    }

    #[test]
    fn a_misspelt_filter_is_an_error() {
        let error = map("Name = \"{{ a | uper }}\"", &["a"], &["x"]).unwrap_err();
        assert!(error.contains("uper"), "{error}");
    }

    #[test]
    fn a_member_that_renders_to_nothing_is_left_out() {
        let toml = "Name = \"{{ a }}\"\n[Attributes]\nx = \"{{ a }}\"\ny = \"{{ b }}\"";
        let request = map(toml, &["a", "b"], &["", "kept"]).unwrap();
        assert_eq!(request.name, None);
        assert_eq!(request.attributes, BTreeMap::from([("y".into(), "kept".into())]));
    }

    #[test]
    fn a_reference_without_a_value_is_left_out_with_its_type() {
        let toml = "[References.Link]\nType = \"URL\"\nValue = \"{{ url }}\"";
        assert!(map(toml, &["url"], &[""]).unwrap().references.is_empty());
        assert_eq!(map(toml, &["url"], &["https://x"]).unwrap().references["Link"].r#type, "URL");
    }

    #[test]
    fn whole_numbers_may_come_from_a_cell() {
        let toml = "ExpiryDurationInMinutes = \"{{ n }}\"\n\
             [SegmentAttributes.\"connect:ContactExpiry\".ValueMap.ExpiryDuration]\nValueInteger = 135";
        let request = map(toml, &["n"], &["90"]).unwrap();
        assert_eq!(request.expiry_duration_in_minutes, Some(90));
        let expiry = &request.segment_attributes["connect:ContactExpiry"].value_map;
        assert_eq!(expiry.as_ref().unwrap()["ExpiryDuration"].value_integer, Some(135));
        let error = map(toml, &["n"], &["soon"]).unwrap_err();
        assert_eq!(error, "ExpiryDurationInMinutes must be a whole number");
    }

    #[test]
    fn a_list_of_segment_values_maps() {
        let toml = "[[SegmentAttributes.tags.ValueList]]\nValueString = \"{{ a }}\"\n\
                    [[SegmentAttributes.tags.ValueList]]\nValueString = \"{{ b }}\"";
        let request = map(toml, &["a", "b"], &["one", ""]).unwrap();
        let list = request.segment_attributes["tags"].value_list.clone().unwrap();
        assert_eq!(list.len(), 1);
        assert_eq!(list[0].value_string.as_deref(), Some("one"));
    }

    #[test]
    fn the_token_and_the_instance_are_not_the_mappings_to_set() {
        assert!(map("ClientToken = \"x\"", &["a"], &["x"]).unwrap_err().contains("row's key"));
        assert!(map("InstanceId = \"x\"", &["a"], &["x"]).unwrap_err().contains("[connect]"));
        assert!(map("ClientToken = \"\"\nName = \"a\"", &["a"], &["x"]).is_ok());
    }

    #[test]
    fn without_a_job_file_the_header_is_the_mapping() {
        let names =
            ["id", "Name", "Attributes.legacy_id", "References.Ticket.Value", "References.Ticket.Type"];
        let header = Header::new(names.map(String::from).to_vec());
        let source = MappingSource::HeaderPaths { key: vec!["id".into()] };
        let mapping = Mapping::compile(&source, &header).unwrap();
        let row = csv::StringRecord::from(vec!["1", "A", "L", "https://x", "URL"]);
        let request = mapping.map(&row).unwrap();
        assert_eq!(request.name.as_deref(), Some("A"));
        assert_eq!(request.attributes["legacy_id"], "L");
        assert_eq!(request.references["Ticket"].value.as_deref(), Some("https://x"));
        assert_eq!(request.initiate_as.as_deref(), Some("COMPLETED"));
        let row = csv::StringRecord::from(vec!["1", "A", "L", "", "URL"]);
        assert_eq!(mapping.map(&row).map(|r| r.references.len()).unwrap(), 0);
    }

    #[test]
    fn a_header_that_is_no_member_is_an_error() {
        let header = Header::new(vec!["Nmae".into()]);
        let error = Mapping::compile(&MappingSource::HeaderPaths { key: vec![] }, &header).unwrap_err();
        assert!(error.to_string().contains("did you mean 'Name'?"), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn any_text_in_a_cell_reaches_the_request_unchanged(cell in "\\PC{1,80}") {
            let request = map("Name = \"{{ a }}\"\nDescription = \"[{{ a }}]\"", &["a"], &[&cell]).unwrap();
            if !cell.trim().is_empty() {
                proptest::prop_assert_eq!(request.name.as_deref(), Some(cell.as_str()));
            }
            proptest::prop_assert_eq!(request.description, Some(format!("[{cell}]")));
        }
    }
}
