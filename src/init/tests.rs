//! Whole job files: snapshots, and that every one is valid and loses no cell.

use std::collections::BTreeMap;

use minijinja::value::{Kwargs, Rest};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};
use proptest::prelude::*;

use super::CsvSample;
use crate::dates::DateReader;

fn job_file(sample: &CsvSample<'_>, job_name: &str) -> String {
    super::job_file(sample, job_name).text
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| text.to_string()).collect()
}

/// A CSV's header and first rows.
fn csv(text: &str, delimiter: u8, rows: usize) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
    let header = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let cells = |row: csv::StringRecord| row.iter().map(str::to_owned).collect();
    (header, reader.records().take(rows).map(|row| cells(row.unwrap())).collect())
}

/// Collects the strings of a TOML document by path.
fn leaves(path: &str, value: &toml::Value, found: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) => {
            table.iter().for_each(|(key, value)| leaves(&format!("{path}/{key}"), value, found));
        }
        toml::Value::String(text) => {
            found.insert(path.to_owned(), text.clone());
        }
        _ => {}
    }
}

fn epoch(text: String, formats: Rest<String>, options: Kwargs) -> Result<String, Error> {
    let _: Option<String> = options.get("tz")?;
    options.assert_all_used()?;
    let is_read = match &formats[..] {
        [] => DateReader::iso_8601().read(&text).is_ok(),
        formats => formats.iter().any(|format| DateReader::new(format).unwrap().read(&text).is_ok()),
    };
    if is_read || text.trim().is_empty() {
        Ok("0".to_owned())
    } else {
        Err(Error::new(ErrorKind::InvalidOperation, "no date"))
    }
}

/// The texts that `[source] null` of a job file lists.
fn null_markers(document: &toml::Table) -> Vec<String> {
    let listed = document.get("source").and_then(|source| source.get("null")?.as_array());
    listed.into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Parses the job file and renders its members for each row, by path.
fn rendered(file: &str, columns: &[String], rows: &[Vec<String>]) -> Vec<BTreeMap<String, String>> {
    let document: toml::Table = toml::from_str(file).unwrap_or_else(|error| panic!("{error}\n{file}"));
    let mut templates = BTreeMap::new();
    if let Some(request) = document.get("request") {
        leaves("", request, &mut templates);
    }
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.add_filter("epoch", epoch);
    environment
        .add_filter("truncate", |text: String, chars: usize| text.chars().take(chars).collect::<String>());
    let null = null_markers(&document);
    let render = |row: &Vec<String>| {
        let cells = row.iter().map(|cell| if null.contains(cell) { String::new() } else { cell.clone() });
        let row: BTreeMap<String, String> = columns.iter().cloned().zip(cells).collect();
        let context = minijinja::context! { row };
        let render = |template: &String| {
            let rendered = environment.render_str(template, context.clone());
            rendered.unwrap_or_else(|error| {
                // A cell that is no date rejects its row, which a comment tells.
                let is_told = file.contains(" no date");
                assert!(is_told && error.to_string().contains("no date"), "{error}: {template}");
                String::new()
            })
        };
        templates.iter().map(|(path, template)| (path.clone(), render(template))).collect()
    };
    rows.iter().map(render).collect()
}

#[test]
fn the_sample_of_tickets() {
    let text = include_str!("../../samples/tickets.csv");
    let (columns, rows) = csv(text, b',', 100);
    let sample = CsvSample { file: "tickets.csv", is_complete: false, ..CsvSample::whole(&columns, &rows) };
    let file = job_file(&sample, "tickets.toml");
    insta::assert_snapshot!(file);
    let first = &rendered(&file, &columns, &rows)[0];
    assert_eq!(first["/Name"], "Año equivocado en las etiquetas");
    assert_eq!(first["/Attributes/ticket_id"], "HD-10001");
}

#[test]
fn a_european_export_with_semicolons() {
    let text = "Vorgangs-Nr.;Betreff;Beschreibung;Größe (cm);Erstellt am;Fällig;Leer\n\
        4711;Türgriff lose;Der Griff der Tür ist lose.;12,5;31.01.2024 08:15;01/02/2024;\n\
        4712;Fenster klemmt;Das Fenster geht nicht zu.;80;01.02.2024 17:40;03/02/2024;\n";
    let (columns, rows) = csv(text, b';', 100);
    let sample = CsvSample {
        delimiter: Some(';'),
        encoding: Some("windows-1252"),
        ..CsvSample::whole(&columns, &rows)
    };
    let file = job_file(&sample, "export.toml");
    insta::assert_snapshot!(file);
    assert_eq!(rendered(&file, &columns, &rows)[1]["/Attributes/grosse_cm"], "80");
}

#[test]
fn an_export_of_an_issue_tracker_with_repeated_columns() {
    let text = "Summary,Issue key,Issue id,Parent id,Status,Created,Due,Labels (1),Labels (2),Comment (1),Link\n\
        Login fails,WEB-1,10001,,Done,19/Jan/24 3:45 PM,02/03/24,auth,web,See the log,https://example.com/1\n\
        Typo,WEB-2,10002,10001,Done,20/Jan/24 9:05 AM,04/05/24,,,,https://example.com/2\n";
    let (columns, rows) = csv(text, b',', 100);
    let file = job_file(&CsvSample::whole(&columns, &rows), "issues.toml");
    insta::assert_snapshot!(file);
    rendered(&file, &columns, &rows);
}

#[test]
fn strange_headers() {
    let columns = strings(&[
        "Size [cm].max",
        "Customer's \"name\"",
        "it's",
        "a \"b\"",
        "C:\\dir\\new",
        "{{ x }} %}",
        "{# c #}",
        "two\nlines",
        "",
        "%",
        "When [UTC]",
        "a.b: link's",
    ]);
    let rows = vec![strings(&[
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "7",
        "8",
        "9",
        "10",
        "2024-01-02T03:04:05Z",
        "https://e.org",
    ])];
    let file = job_file(&CsvSample::whole(&columns, &rows), "'odd name.toml'");
    insta::assert_snapshot!(file);
    let first = &rendered(&file, &columns, &rows)[0];
    assert_eq!(first["/Attributes/c_dir_new"], "5");
    assert_eq!(first["/Attributes/column_9"], "9");
    assert_eq!(first["/References/a b link s/Value"], "https://e.org");
}

#[test]
fn japanese_headers() {
    let text = "チケット番号,件名,内容,作成日時,優先度\n\
        T-1,ログインできない,パスワードを変更した後、ログインできません。,2024/01/31 08:15,高\n\
        T-2,印刷,印刷すると空白のページが出ます。,2024/02/01 17:40,低\n";
    let (columns, rows) = csv(text, b',', 100);
    let file = job_file(&CsvSample::whole(&columns, &rows), "tickets.toml");
    insta::assert_snapshot!(file);
    rendered(&file, &columns, &rows);
}

#[test]
fn a_header_without_rows() {
    let columns = strings(&["Subject", "Id", "Created at", "Body"]);
    let file = job_file(&CsvSample::whole(&columns, &[]), "job.toml");
    insta::assert_snapshot!(file);
    rendered(&file, &columns, &[]);
}

#[test]
fn an_empty_header_still_gives_a_job_file() {
    let file = job_file(&CsvSample::whole(&[], &[]), "job.toml");
    rendered(&file, &[], &[]);
}

#[test]
fn without_a_key_the_job_file_explains_the_consequence() {
    let (columns, rows) = csv("Status,Note\nopen,a\nopen,b\n", b',', 9);
    let file = job_file(&CsvSample::whole(&columns, &rows), "job.toml");
    assert!(file.contains("the whole row is the key"), "{file}");
    let document: toml::Table = toml::from_str(&file).unwrap();
    assert!(!document["source"].as_table().unwrap().contains_key("key"));
}

#[test]
fn an_ambiguous_order_of_day_and_month_is_marked_unless_another_column_settles_it() {
    let file = |text: &str, delimiter: u8| {
        let (columns, rows) = csv(text, delimiter, 9);
        let delimiter = (delimiter != b',').then_some(delimiter.into());
        job_file(&CsvSample { delimiter, ..CsvSample::whole(&columns, &rows) }, "job.toml")
    };
    let alone = file("Opened,x\n03/04/2022,1\n", b',');
    assert!(alone.contains("epoch('%m/%d/%Y'") && alone.contains("AMBIGUOUS"), "{alone}");
    let semicolon = file("Opened;x\n03/04/2022;1\n", b';');
    assert!(semicolon.contains("epoch('%d/%m/%Y'") && semicolon.contains("AMBIGUOUS"), "{semicolon}");
    let beside = file("Opened,Closed\n03/04/2022,30/04/2022\n", b',');
    assert!(!beside.contains("epoch('%m") && !beside.contains("AMBIGUOUS"), "{beside}");
}

#[test]
fn references_stay_within_the_limits_and_the_rest_are_attributes() {
    let columns: Vec<String> = (0..14).map(|n| format!("Column {n}")).collect();
    let long = format!("https://example.com/{}", "x".repeat(4000));
    let cell = |n: usize| match n {
        0..=6 => "2024-01-02",
        8 => &long,
        _ => "https://example.com",
    };
    let rows = vec![(0..14).map(|n| cell(n).to_owned()).collect::<Vec<_>>()];
    let file = job_file(&CsvSample::whole(&columns, &rows), "job.toml");
    let first = &rendered(&file, &columns, &rows)[0];
    let count =
        |start: &str| first.keys().filter(|path| path.starts_with(start) && path.ends_with("/Value")).count();
    assert_eq!(count("/References/"), 10, "{file}");
    assert!(!first.contains_key("/References/Column 8/Value"));
    assert_eq!(first["/Attributes/column_8"], long);
    assert_eq!(first["/Attributes/column_13"], "https://example.com");
    assert!(file.contains("#   Column 8\n"), "{file}");
}

#[test]
fn an_empty_column_is_commented_only_if_the_whole_file_was_read() {
    let (columns, rows) = csv("Id,Later\n1,\n2,\n", b',', 9);
    let read = job_file(&CsvSample::whole(&columns, &rows), "job.toml");
    assert!(read.contains("\n# later = "), "{read}");
    let begun = job_file(&CsvSample { is_complete: false, ..CsvSample::whole(&columns, &rows) }, "job.toml");
    assert!(begun.contains("\nlater = "), "{begun}");
}

fn any_header() -> impl Strategy<Value = String> {
    prop_oneof![
        "(?s).{0,12}",
        "(?s)[{}%#'\"\\\\\n\r\t\u{0}\u{7f}\u{85}\\[\\] ._A-Za-z]{0,10}",
        "(ticket |case )?(id|number|subject|description|created at)",
    ]
}

fn any_cell() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "(?s).{0,20}",
        "[0-3][0-9]/[01][0-9]/20[0-2][0-9]( [0-2][0-9]:[0-5][0-9])?",
        "20[0-2][0-9]-[01][0-9]-[0-2][0-9]",
        "https?://[a-z]{1,8}",
        "[A-Z]{2}-[0-9]{4}",
        "[a-z ]{61,90}",
    ]
}

fn any_table() -> impl Strategy<Value = (Vec<String>, Vec<Vec<String>>)> {
    proptest::collection::btree_set(any_header(), 0..9).prop_flat_map(|header| {
        let columns: Vec<String> = header.into_iter().collect();
        let row = proptest::collection::vec(any_cell(), columns.len());
        (Just(columns).prop_shuffle(), proptest::collection::vec(row, 0..5))
    })
}

proptest! {
    #[test]
    fn every_csv_gives_a_valid_job_file_with_every_cell(
        (columns, rows) in any_table(),
        file in "(?s).{0,12}",
        job_name in "(?s).{0,12}",
        is_complete: bool,
        delimiter in proptest::option::of(any::<char>()),
    ) {
        let sample = CsvSample { file: &file, is_complete, delimiter, ..CsvSample::whole(&columns, &rows) };
        let text = job_file(&sample, &job_name);
        let document: toml::Table = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        prop_assert_eq!(document["source"]["files"][0].as_str(), Some(&*file));
        let null = null_markers(&document);
        for (row, members) in rows.iter().zip(rendered(&text, &columns, &rows)) {
            for (column, cell) in columns.iter().zip(row) {
                prop_assert!(
                    cell.trim().is_empty() || null.contains(cell) || members.values().any(|value| value == cell),
                    "{:?} is lost in {}", column, text
                );
            }
        }

        // Commented lines count as well: without their marks they are the same TOML.
        let lines = text.lines().filter_map(|line| {
            let line = line.trim_start_matches("# ");
            line.contains("{{").then(|| line.parse::<toml::Table>().ok()).flatten()
        });
        let mut templates = String::new();
        for line in lines {
            let mut found = BTreeMap::new();
            leaves("", &toml::Value::Table(line), &mut found);
            templates.extend(found.into_values());
        }
        for column in &columns {
            prop_assert!(templates.contains(&super::literals::column(column)), "{:?} is missing in {}", column, text);
        }
    }
}
