//! Whole mappings: a job file or header, and the request that a row becomes.

mod bounds;
mod filter_arguments;
mod missing_values;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::request::Operation;
use crate::source::Header;

fn templates(toml: &str) -> MappingSource {
    let tree = toml::from_str::<toml::Table>(toml).unwrap();
    let Value::Object(tree) = serde_json::to_value(tree).unwrap() else { panic!("a table") };
    let table = BTreeMap::from([("Closed".to_owned(), "DONE".to_owned())]);
    MappingSource {
        operation: Operation::CreateContact,
        on_too_long: OnTooLong::Reject,
        members: MemberSource::Templates(RequestTemplates {
            file: "job.toml".into(),
            tree,
            lines: BTreeMap::from([("Name".into(), 7)]),
            tables: BTreeMap::from([("status".to_owned(), table)]),
        }),
    }
}

fn header_paths(operation: Operation, key: &[&str]) -> MappingSource {
    let key = key.iter().map(|name| name.to_string()).collect();
    MappingSource { operation, on_too_long: OnTooLong::Reject, members: MemberSource::HeaderPaths { key } }
}

/// The request of one row as JSON, or the error's message.
fn map_with(source: &MappingSource, header: &[&str], row: &[&str]) -> Result<Value, String> {
    let header = Header::new(header.iter().map(|name| name.to_string()).collect());
    let mapping = Mapping::compile(source, &header).map_err(|error| error.to_string())?;
    let cells = csv::StringRecord::from(row.to_vec());
    let mapped = mapping.map(&cells, 0).map_err(|error| error.to_string())?;
    Ok(serde_json::to_value(mapped.request).unwrap())
}

fn map(toml: &str, header: &[&str], row: &[&str]) -> Result<Value, String> {
    map_with(&templates(toml), header, row)
}

/// A member of the request of one row.
fn member(name: &str, toml: &str, header: &[&str], row: &[&str]) -> Value {
    map(toml, header, row).unwrap()[name].clone()
}

#[test]
fn a_task_is_completed_by_default() {
    let request = map("Name = \"{{ id }}\"", &["ID"], &["7"]).unwrap();
    let expected =
        json!({"Channel": "TASK", "InitiationMethod": "API", "InitiateAs": "COMPLETED", "Name": "7"});
    assert_eq!(request, expected);
    let open = map("InitiateAs = \"\"\nName = \"{{ id }}\"", &["ID"], &["7"]).unwrap();
    assert_eq!(open, json!({"Channel": "TASK", "InitiationMethod": "API", "Name": "7"}));
}

#[test]
fn columns_are_reached_by_exact_header_and_by_identifier() {
    let toml = "Name = \"{{ row['Ticket ID'] }}/{{ ticket_id }}\"";
    assert_eq!(member("Name", toml, &[" Ticket ID "], &["7"]), "7/7");
}

#[test]
fn braces_in_a_cell_are_text() {
    let request = map("Name = \"{{ a }}\"\nDescription = \"x{{ a }}\"", &["a"], &["{{ 7 * 7 }}"]).unwrap();
    assert_eq!((&request["Name"], &request["Description"]), (&json!("{{ 7 * 7 }}"), &json!("x{{ 7 * 7 }}")));
}

#[test]
fn a_misspelt_column_is_an_error_with_a_suggestion() {
    for template in ["{{ row['Ticket Subjekt'] }}", "{{ ticket_subjekt }}", "{{ ticket_subjekt | upper }}"] {
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
fn a_misspelt_filter_or_table_is_an_error_with_a_suggestion() {
    let error = map("Name = \"{{ a | uper }}\"", &["a"], &["x"]).unwrap_err();
    assert!(error.contains("did you mean 'upper'?"), "{error}");
    let error = map("Name = \"{{ a | lookup('sttaus') }}\"", &["a"], &["x"]).unwrap_err();
    assert!(error.contains("did you mean 'status'?"), "{error}");
}

#[test]
fn a_literal_that_no_row_could_be_sent_with_is_an_error_of_the_job() {
    for (toml, words) in [
        ("Channel = \"CHAT\"", "Channel: must be one of VOICE, EMAIL, TASK"),
        ("[References.X]\nType = \"LINK\"\nValue = \"{{ a }}\"", "References.X.Type: must be one of URL"),
        ("[Attributes]\n\"a b\" = \"{{ a }}\"", "Attributes.a b: the key has 1 other characters"),
        ("Name = { x = \"1\" }", "Name: must be a string"),
        ("ExpiryDurationInMinutes = \"soon\"", "ExpiryDurationInMinutes: must be a whole number"),
    ] {
        let error = map(toml, &["a"], &["x"]).unwrap_err();
        assert!(error.contains(words), "{error}");
        assert!(error.starts_with("job.toml"), "{error}");
    }
}

#[test]
fn a_member_that_renders_to_an_empty_text_is_left_out() {
    let toml = "Name = \"{{ a }}\"\n[Attributes]\nx = \"{{ a }}\"\ny = \"{{ b }}\"";
    let request = map(toml, &["a", "b"], &["", "kept"]).unwrap();
    assert_eq!(request.get("Name"), None);
    assert_eq!(request["Attributes"], json!({"y": "kept"}));
}

#[test]
fn a_reference_without_a_value_is_left_out_with_its_type() {
    let toml = "[References.Link]\nType = \"URL\"\nValue = \"{{ url }}\"";
    assert_eq!(map(toml, &["url"], &[""]).unwrap().get("References"), None);
    let references = member("References", toml, &["url"], &["https://x"]);
    assert_eq!(references, json!({"Link": {"Type": "URL", "Value": "https://x"}}));
}

#[test]
fn whole_numbers_may_come_from_a_cell() {
    let toml = "ExpiryDurationInMinutes = \"{{ n }}\"\n\
         [SegmentAttributes.\"connect:ContactExpiry\".ValueMap.ExpiryDuration]\nValueInteger = 135";
    let request = map(toml, &["n"], &["90"]).unwrap();
    assert_eq!(request["ExpiryDurationInMinutes"], 90);
    let expiry = json!({"connect:ContactExpiry": {"ValueMap": {"ExpiryDuration": {"ValueInteger": 135}}}});
    assert_eq!(request["SegmentAttributes"], expiry);
    let error = map(toml, &["n"], &["soon"]).unwrap_err();
    assert_eq!(error, "ExpiryDurationInMinutes must be a whole number (from {{ n }})");
    let error = map(toml, &["n"], &["99999999999"]).unwrap_err();
    assert!(error.contains("32 bits"), "{error}");
}

#[test]
fn a_list_of_segment_values_maps() {
    let toml = "[[SegmentAttributes.\"connect:tags\".ValueList]]\nValueString = \"{{ a }}\"\n\
                [[SegmentAttributes.\"connect:tags\".ValueList]]\nValueString = \"{{ b }}\"";
    let tags = member("SegmentAttributes", toml, &["a", "b"], &["one", ""]);
    assert_eq!(tags, json!({"connect:tags": {"ValueList": [{"ValueString": "one"}]}}));
}

#[test]
fn the_mapping_may_not_set_the_client_token_and_the_instance() {
    assert!(map("ClientToken = \"x\"", &["a"], &["x"]).unwrap_err().contains("row's key"));
    assert!(map("InstanceId = \"x\"", &["a"], &["x"]).unwrap_err().contains("[connect]"));
    assert!(map("ClientToken = \"\"\nName = \"{{ a }}\"", &["a"], &["x"]).is_ok());
}

#[test]
fn a_key_may_be_a_template() {
    let toml = "[Attributes]\n\"{{ kind | slug }}\" = \"{{ a }}\"\nfixed = \"1\"";
    let attributes =
        |kind| map(toml, &["kind", "a"], &[kind, "v"]).map(|request| request["Attributes"].clone());
    assert_eq!(attributes("Größe"), Ok(json!({"grosse": "v", "fixed": "1"})));
    assert!(attributes("fixed").unwrap_err().starts_with("Attributes.fixed is given twice"));
}

#[test]
fn a_key_from_a_cell_is_not_repeated_in_a_message() {
    let toml = "[Attributes]\n\"{{ kind }}\" = \"{{ a }}\"\nfixed = \"{{ a }}\"";
    let error = map(toml, &["kind", "a"], &["a secret", "v"]).unwrap_err();
    assert!(error.contains("Attributes.*") && !error.contains("secret"), "{error}");
    let in_list = "[[SegmentAttributes.\"connect:x\".ValueList]]\nValueMap.\"{{ kind }}\".ValueInteger = \"1\"\n\
                   ValueMap.\"{{ kind }}\".ValueString = \"{{ a }}\"";
    let error = map(in_list, &["kind", "a"], &["a secret", "v"]).unwrap_err();
    assert!(error.contains("ValueList.0.ValueMap.*") && !error.contains("secret"), "{error}");
}

#[test]
fn unused_columns_become_attributes_on_request() {
    let header = ["Ticket ID", "Größe (cm)", "Labels", "Labels", "", "empty", "legacy id"];
    let row = ["7", "180", "a", "b", "x", "", "L"];
    let toml = "Name = \"{{ ticket_id }}\"\n[Attributes]\n\"*\" = \"*\"\nlegacy_id = \"{{ ticket_id }}\"";
    let expected = json!({
        "legacy_id": "7", "grosse_cm": "180", "labels_1": "a", "labels_2": "b", "column_5": "x",
        "legacy_id_2": "L",
    });
    assert_eq!(member("Attributes", toml, &header, &row), expected);
    let all = member("Attributes", "Attributes = \"*\"", &["a", "A"], &["1", "2"]);
    assert_eq!(all, json!({"a": "1", "a_2": "2"}));
}

#[test]
fn a_repeated_column_must_be_named_by_its_number() {
    let error = map("Name = \"{{ row['L'] }}\"", &["L", "L"], &["1", "2"]).unwrap_err();
    assert!(error.contains("write one of row['L (1)'], row['L (2)']"), "{error}");
    assert_eq!(member("Name", "Name = \"{{ row['L (2)'] }}\"", &["L", "L"], &["1", "2"]), "2");
}

#[test]
fn a_violation_names_the_template_of_the_member_and_no_value() {
    let error = map("Name = \"{{ a | upper }}\"", &["a"], &["ä".repeat(1025).as_str()]).unwrap_err();
    assert_eq!(error, "Name has 1025 characters, at most 1024 characters are allowed (from {{ a | upper }})");
}

#[test]
fn a_text_that_is_too_long_may_be_cut() {
    let source = MappingSource { on_too_long: OnTooLong::Truncate, ..templates("Name = \"{{ a }}\"") };
    let request = map_with(&source, &["a"], &["x".repeat(2000).as_str()]).unwrap();
    assert_eq!(request["Name"].as_str().map(str::len), Some(1024));
    assert_ne!(source.fingerprint(None), templates("Name = \"{{ a }}\"").fingerprint(None));
    assert_ne!(source.fingerprint(None), source.fingerprint(Some("a == 'b'")));
}

#[test]
fn without_a_job_file_the_header_is_the_mapping() {
    let header =
        ["id", " Name ", "Attributes.legacy_id", "References.Ticket.Value", "References.Ticket.Type", ""];
    let source = header_paths(Operation::CreateContact, &["id"]);
    let request = map_with(&source, &header, &["1", "A", "L", "https://x", "URL", ""]).unwrap();
    let expected = json!({
        "Channel": "TASK", "InitiationMethod": "API", "InitiateAs": "COMPLETED", "Name": "A",
        "Attributes": {"legacy_id": "L"}, "References": {"Ticket": {"Type": "URL", "Value": "https://x"}},
    });
    assert_eq!(request, expected);
    let request = map_with(&source, &header, &["1", "A", "L", "", "URL", ""]).unwrap();
    assert_eq!(request.get("References"), None);
    let error = map_with(&source, &header, &["1", "A", "L", "", "URL", "lost"]).unwrap_err();
    assert_eq!(error, "column 6 has text, but no name, so nothing maps it");
}

#[test]
fn every_member_of_an_open_task_is_reached_by_its_path() {
    let header = [
        "Name",
        "ContactFlowId",
        "ScheduledTime",
        "Attachments.0.FileName",
        "Attachments.0.S3Url",
        "SegmentAttributes.connect:ContactExpiry.ValueMap.ExpiryDuration.ValueInteger",
    ];
    let source = header_paths(Operation::StartTaskContact, &[]);
    let request = map_with(&source, &header, &["n", "f", "60", "a.pdf", "https://s3", "9"]).unwrap();
    let expected = json!({
        "Name": "n", "ContactFlowId": "f", "ScheduledTime": 60,
        "Attachments": [{"FileName": "a.pdf", "S3Url": "https://s3"}],
        "SegmentAttributes": {"connect:ContactExpiry": {"ValueMap": {"ExpiryDuration": {"ValueInteger": 9}}}},
    });
    assert_eq!(request, expected);
    let error = map_with(&source, &header, &["n", "f", "2030-01-01", "", "", ""]).unwrap_err();
    assert_eq!(error, "ScheduledTime must be epoch seconds; use the filter epoch");
}

#[test]
fn a_column_that_is_no_member_is_an_error() {
    let source = header_paths(Operation::CreateContact, &[]);
    for (name, words) in [
        ("Nmae", "did you mean 'Name'?"),
        ("ContactFlowId", "is no member of CreateContact"),
        ("References.X", "continue with one of References.X.Type"),
        ("Attributes", "continue with a name"),
        ("Name.x", "Name has no members"),
        ("SegmentAttributes.connect:x.ValueList.a", "a list has items by number"),
        ("SegmentAttributes.connect:x.ValueList.00", "a list has items by number"),
        ("Attributes.a b", "the key 'a b' has 1 other characters"),
    ] {
        let error = map_with(&source, &[name], &["x"]).unwrap_err();
        assert!(error.contains(words), "{name}: {error}");
    }
}

#[test]
fn two_members_of_one_dotted_path_keep_their_templates_apart() {
    let toml = "[SegmentAttributes.\"x.ValueMap.y\"]\nValueString = \"{{ a | title }}\"\n\
                [SegmentAttributes.x.ValueMap.y]\nValueString = \"{{ b | title }}\"";
    let segments = member("SegmentAttributes", toml, &["a", "b"], &["foo", "bar"]);
    let expected =
        json!({"x.ValueMap.y": {"ValueString": "Foo"}, "x": {"ValueMap": {"y": {"ValueString": "Bar"}}}});
    assert_eq!(segments, expected);
}

#[test]
fn a_column_that_a_template_names_is_not_added_again() {
    for template in
        ["{{- row['Range'] -}}", "{{ row.Range }}", "{{ range | title }}", "{% if range %}x{% endif %}"]
    {
        let toml = format!("Name = \"{template}\"\nAttributes = \"*\"");
        assert_eq!(
            member("Attributes", &toml, &["Range", "b"], &["1", "2"]),
            json!({"b": "2"}),
            "{template}"
        );
    }
    let raw = "Name = \"{% raw %}{{ row['a'] }}{% endraw %}\"\nAttributes = \"*\"";
    assert_eq!(member("Attributes", raw, &["a"], &["1"]), json!({"a": "1"}));
}

#[test]
fn all_unused_columns_are_refused_if_a_template_hides_which_it_uses() {
    for template in [
        "{% set r = row %}{{ r['a'] }}",
        "{{ row['a' ~ ''] }}",
        "{% for x in row %}{{ x }}{% endfor %}",
        "{% set a = a[-1:] %}{{ a }}",
    ] {
        let toml = format!("Name = \"{template}\"\nAttributes = \"*\"");
        let error = map(&toml, &["a"], &["x"]).unwrap_err();
        assert!(error.contains("without spelling them out"), "{template}: {error}");
    }
}

#[test]
fn a_mapping_that_uses_no_column_is_refused() {
    let error = map("Name = \"fixed\"", &["a"], &["x"]).unwrap_err();
    assert!(error.starts_with("job.toml, [request]: uses no column"), "{error}");
    assert!(map("Name = \"{% set a = a %}{{ a }}\"", &["a"], &["x"]).is_ok());
    let error = map_with(&header_paths(Operation::CreateContact, &["id"]), &["id"], &["x"]).unwrap_err();
    assert!(error.starts_with("the header: uses no column"), "{error}");
}

#[test]
fn a_message_that_a_template_composes_of_a_cell_is_not_repeated() {
    let template = "Name = \"{{ a | title | required(b) }}\"";
    let error = map(template, &["a", "b"], &["", "planted secret"]).unwrap_err();
    assert_eq!(error, "Name the template refuses the row (from {{ a | title | required(b) }})");
}

#[test]
fn a_wrong_template_is_an_error_of_the_job_not_of_the_row() {
    for template in [
        "{{ a | truncate(5, end=1) }}",
        "{{ a | lookup }}",
        "{{ a.upper(1) }}",
        "{{ a | epoch('%Y', 'UTC') }}",
    ] {
        let error = map(&format!("Name = \"{template}\""), &["a"], &["x"]).unwrap_err();
        assert!(error.starts_with("job.toml, line 7, [request] Name: "), "{template}: {error}");
    }
    assert!(map("Name = \"{{ größe | title }}\"", &["Größe"], &["x"]).is_ok());
}

#[test]
fn a_value_under_an_empty_key_is_refused() {
    let error = map("[Attributes]\n\"{{ a }}\" = \"{{ b }}\"", &["a", "b"], &["", "x"]).unwrap_err();
    assert!(error.contains("has a value under an empty key"), "{error}");
}

proptest::proptest! {
    #[test]
    fn any_text_in_a_cell_reaches_the_request_unchanged(cell in "\\PC{1,80}") {
        let request = map("Name = \"{{ a }}\"\nDescription = \"[{{ a }}]\"", &["a"], &[&cell]).unwrap();
        if !cell.trim().is_empty() {
            proptest::prop_assert_eq!(&request["Name"], &json!(cell));
        }
        proptest::prop_assert_eq!(&request["Description"], &json!(format!("[{cell}]")));
    }

    #[test]
    fn no_header_and_no_row_panics(
        header in proptest::collection::vec("\\PC{0,12}|Name|(Attributes|References|SegmentAttributes|Attachments)(\\.\\PC{0,5}){0,4}", 0..5),
        row in proptest::collection::vec("\\PC{0,9}|[0-9]{0,20}", 0..6),
    ) {
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let row: Vec<&str> = row.iter().map(String::as_str).collect();
        for operation in Operation::ALL {
            let _ = map_with(&header_paths(operation, &[]), &header, &row);
        }
        let _ = map("Attributes = \"*\"", &header, &row);
    }
}
