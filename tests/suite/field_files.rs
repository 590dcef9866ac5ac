//! One table in the forms of four exporters, from `init` to the requests: every cell arrives as `cells.json` says, which was
//! decoded apart. PostgreSQL's COPY in the text format and as CSV, `mysql --batch`, and exceljs, which leaves out the last
//! empty cells of a row.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::support::*;

/// Rows by the id of the ticket, without their empty cells.
type Rows = BTreeMap<String, Map<String, Value>>;

fn by_id(rows: impl IntoIterator<Item = Map<String, Value>>) -> Rows {
    rows.into_iter().map(|row| (row["id"].as_str().unwrap().to_owned(), row)).collect()
}

/// The attributes that arrive with the `[source]` that `init` proposes, and every column as an attribute.
fn arrived(file: &str) -> Rows {
    let folder = Folder::new();
    folder.write(file, std::fs::read(repository("tests/suite/field_files").join(file)).unwrap());
    folder.run(&["init", file, "--job", "t.toml"]).expect(0);
    let guessed: toml::Table = folder.read("t.toml").parse().unwrap();
    let mut source = guessed["source"].as_table().unwrap().clone();
    if file == "short-rows.csv" {
        assert!(
            folder.read("t.toml").contains("# short_rows = \"pad\""),
            "init leaves the choice to the user"
        );
        source.insert("short_rows".to_owned(), "pad".into());
    }
    folder.write("t.toml", format!("[source]\n{source}\n[request]\nAttributes = \"*\"\n"));
    let checked = folder.run(&["check", "--job", "t.toml", "--sandbox"]).expect(0).stdout;
    assert!(checked.contains("No faults.") && checked.contains("12  send"), "{checked}");
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.run(&[&["run", "--job", "t.toml"][..], &into(&url)].concat()).expect(0);
    let requests = endpoint.requests();
    by_id(requests.into_iter().map(|request| request["Attributes"].as_object().unwrap().clone()))
}

#[test]
fn every_cell_of_four_exporters_arrives_as_the_file_says() {
    let cells = std::fs::read_to_string(repository("tests/suite/field_files/cells.json")).unwrap();
    let cells: BTreeMap<String, Vec<Map<String, Value>>> = serde_json::from_str(&cells).unwrap();
    assert_eq!(cells.len(), 4);
    for (file, rows) in cells {
        assert_eq!(arrived(&file), by_id(rows), "{file}");
    }
}
