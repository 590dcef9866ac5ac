//! CSV as other systems export it: encodings, delimiters, quotes, compression, and damaged files.

use std::io::Write as _;

use crate::support::*;

/// Attributes of every request, sorted by their `id`.
fn attributes(endpoint: &Endpoint) -> Vec<serde_json::Value> {
    let mut all: Vec<_> = endpoint.requests().iter().map(|body| body["Attributes"].clone()).collect();
    all.sort_by_key(|attributes| attributes["id"].as_str().unwrap_or_default().to_owned());
    all
}

/// Imports `t.csv` with every column as an attribute, and returns the attributes that were sent.
fn imported_attributes(folder: &Folder, more: &[&str]) -> Vec<serde_json::Value> {
    folder.write("job.toml", "[request]\nAttributes = \"*\"\n");
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let mut arguments = import(&url, &["--job", "job.toml"]);
    arguments.extend(more);
    folder.run(&arguments).expect(0);
    attributes(&endpoint)
}

fn utf16(text: &str) -> Vec<u8> {
    [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

#[test]
fn utf_16_from_a_spreadsheet_needs_no_option() {
    let folder = Folder::new();
    folder.write("t.csv", utf16("id\tName\r\n1\tGröße\r\n2\t\"a\tb\"\r\n"));
    assert_eq!(
        imported_attributes(&folder, &[]),
        [serde_json::json!({"id": "1", "name": "Größe"}), serde_json::json!({"id": "2", "name": "a\tb"})]
    );
}

#[test]
fn a_european_export_is_read_with_its_separator_and_encoding() {
    let folder = Folder::new();
    folder.write("t.csv", b"sep=;\r\nid;Betreff;Gr\xF6\xDFe (cm)\r\n1;M\xFCller, Hans;1,80\r\n".as_slice());
    let expected = serde_json::json!({"id": "1", "betreff": "Müller, Hans", "grosse_cm": "1,80"});
    assert_eq!(imported_attributes(&folder, &["--encoding", "windows-1252"]), [expected]);
}

#[test]
fn compression_is_detected_from_the_content() {
    let text = "id,x\n1,a\n";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    for bytes in [gzip.finish().unwrap(), zstd::encode_all(text.as_bytes(), 1).unwrap()] {
        let folder = Folder::new();
        folder.write("t.csv", bytes);
        assert_eq!(imported_attributes(&folder, &[]), [serde_json::json!({"id": "1", "x": "a"})]);
    }
}

#[test]
fn repeated_empty_and_padded_column_names_keep_every_cell() {
    let folder = Folder::new();
    folder.write("t.csv", " id ,Labels,Labels,,a.b[0]\n1,x,y,z,w\n,,,,\n");
    let expected =
        serde_json::json!({"id": "1", "labels_1": "x", "labels_2": "y", "column_4": "z", "a_b_0": "w"});
    assert_eq!(imported_attributes(&folder, &[]), [expected]);
}

#[test]
fn delimiter_quote_and_escape_can_be_set() {
    let folder = Folder::new();
    folder.write("t.csv", "id|x\n1|'a|b \\'c\\''\n");
    let more = ["--delimiter", "pipe", "--quote", "'", "--escape", "\\"];
    assert_eq!(imported_attributes(&folder, &more), [serde_json::json!({"id": "1", "x": "a|b 'c'"})]);
}

#[test]
fn an_escape_of_quoted_cells_leaves_the_other_cells_as_they_are() {
    // PostgreSQL: COPY … (FORMAT csv, HEADER, ESCAPE '\').
    let text = r#"id,path,note
1,C:\temp\,"a \"quoted\" b"
2,\\server\share,"ends with a backslash \\"
"#;
    let expected = [
        serde_json::json!({"id": "1", "path": r"C:\temp\", "note": "a \"quoted\" b"}),
        serde_json::json!({"id": "2", "path": r"\\server\share", "note": r"ends with a backslash \"}),
    ];
    let folder = Folder::new();
    folder.write("t.csv", text);
    assert_eq!(imported_attributes(&folder, &["--escape", "\\", "--escape-in", "quoted"]), expected);

    folder.write(
        "quoted.toml",
        "[source]\nfiles = [\"t.csv\"]\nescape = '\\'\nescape_in = \"quoted\"\n[request]\nAttributes = \"*\"\n",
    );
    folder.run(&["check", "--job", "quoted.toml"]).expect(0);
    let all = folder.run(&["check", "--job", "quoted.toml", "--escape-in", "all"]).expect(1);
    assert!(all.stdout.contains("cells"), "{}", all.stdout);
    let refused = folder.run(&["check", "--job", "quoted.toml", "--escape", "none"]).expect(2);
    assert!(refused.stderr.contains("escape_in = \"quoted\" has no effect"), "{}", refused.stderr);
}

#[test]
fn a_glob_pattern_matches_every_file_except_rejects_files() {
    let folder = Folder::new();
    folder.write("a.csv", "id,Name\n1,a\n");
    folder.write("b.csv", "id;Name\n2;b\n");
    folder.write(
        "old.csv",
        "id,Name,_file,_line,_key,_state,_code,_message,_row\n1,a,a.csv,2,1,rejected,x,y,\n",
    );
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.run(&import_file("*.csv", &url, &[])).expect(0);
    assert_eq!(endpoint.requests().len(), 2);
    let ended = folder.run(&import_file("*.tsv", &url, &[])).expect(2);
    assert_eq!(ended.stderr, "error: CSV '*.tsv' matches no file\n");
}

#[test]
fn a_file_that_a_glob_pattern_matches_and_that_cannot_be_read_is_an_error() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = Folder::new();
    folder.write("a.csv", "Name\na\n");
    std::os::unix::fs::symlink("not mounted/b.csv", folder.path("b.csv")).unwrap();
    let check = || folder.run(&["check", "*.csv"]).expect(2).stderr;
    assert!(check().contains("cannot open b.csv"), "{}", check());
    std::fs::remove_file(folder.path("b.csv")).unwrap();
    std::fs::write(folder.path("").join(std::ffi::OsStr::from_bytes(b"M\xfcller.csv")), "Name\nb\n").unwrap();
    assert!(check().contains("whose name is not UTF-8"), "{}", check());
}

#[test]
fn corrected_rejects_of_a_semicolon_separated_file_are_imported_with_the_same_job_file() {
    let folder = Folder::new();
    folder.write("t.csv", format!("id;Name\n1;{}\n", "ä".repeat(1025)));
    folder.write(
        "job.toml",
        "[source]\ndelimiter = \";\"\nencoding = \"utf-8\"\n[request]\nName = \"{{ row['Name'] }}\"\n",
    );
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.run(&import(&url, &["--job", "job.toml"])).expect(1);
    let rejects = folder.read("t.ledger.db.rejects.csv").replace(&"ä".repeat(1025), "ä");
    folder.write("t.ledger.db.rejects.csv", rejects);
    folder.run(&import_file("t.ledger.db.rejects.csv", &url, &["--job", "job.toml"])).expect(0);
    assert_eq!(endpoint.requests()[0]["Name"], "ä");
    assert_eq!(folder.states("t.ledger.db"), "created 1");
}

#[test]
fn a_stray_quote_rejects_its_record_and_no_other() {
    let folder = Folder::new();
    folder.write("t.csv", "id,Name\n1,\"oops\n2,b\n3,\"fine\"\n4,d\n5,\"a \\\"q\\\" b\"\n");
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let ended = folder.run(&import(&url, &[])).expect(1);
    assert!(
        ended
            .stderr
            .contains("t.csv, line 2 (key 1) is rejected: StrayQuote: has text after a closing quote")
    );
    assert!(ended.stderr.contains("! 2 rejected: StrayQuote: "), "{}", ended.stderr);
    assert!(folder.read("t.ledger.db.rejects.csv").contains(",6,5,rejected,StrayQuote,"));
    assert_eq!(folder.states("t.ledger.db"), "created 1, rejected 2");
    // The rejects file has valid quotes, but its rows stay rejected until they are corrected.
    folder.run(&import_file("t.ledger.db.rejects.csv", &url, &[])).expect(1);
    folder.write("t.csv", "id,Name\n1,oops\n2,b\n3,fine\n4,d\n5,\"a \\\"q\\\" b\"\n");
    folder.run(&import(&url, &["--escape", "\\"])).expect(0);
    assert_eq!(endpoint.requests().len(), 5);
    assert!(endpoint.requests().iter().any(|body| body["Name"] == "a \"q\" b"));
}

#[test]
fn rows_of_a_partly_read_file_are_not_sent_by_a_run_of_another_file() {
    let folder = Folder::new();
    let mut broken = numbered_csv(1200).into_bytes();
    broken.extend(b"last,\"never closed\n");
    folder.write("t.csv", broken);
    folder.write("other.csv", "id,Name\nX,x\n");
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.run(&import(&url, &[])).expect(2);
    let checked = folder.run(&["check", "other.csv", "--key", "id", "--sandbox", "--ledger", "t.ledger.db"]);
    assert!(checked.expect(0).stdout.contains("        1  send"));
    folder.run(&import_file("other.csv", &url, &[])).expect(1);
    assert_eq!(endpoint.requests().len(), 1);
    folder.write("t.csv", numbered_csv(1200));
    folder.run(&import(&url, &[])).expect(0);
    assert_eq!(endpoint.requests().len(), 1201);
}

#[test]
fn pending_rows_of_a_fully_read_file_are_sent_after_another_file_failed_a_run() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    folder
        .write("b.csv", [numbered_csv(700).replace('K', "B").as_bytes(), b"last,\"never closed\n"].concat());
    folder.write("c.csv", "id,Name\nC,c\n");
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.run(&import(&url, &["--limit", "1"])).expect(10);
    folder.run(&import(&url, &["b.csv"])).expect(2);
    let ended = folder.run(&import_file("c.csv", &url, &[])).expect(1);
    assert_eq!(endpoint.requests().len(), 4);
    assert!(
        ended.stdout.contains("700  rows wait from files that were not read to the end"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_stray_quote_in_the_header_is_refused() {
    let folder = Folder::new();
    folder.write("t.csv", "id,\"name\n1,\"a\"\n2,b\n");
    let ended = folder.run(&["check", "t.csv"]).expect(2);
    assert!(ended.stderr.contains("the header has text after a closing quote"), "{}", ended.stderr);
}

#[test]
fn a_byte_order_mark_inside_quotes_is_not_part_of_the_header() {
    let folder = Folder::new();
    folder.write("t.csv", "\"\u{feff}id\",Name\n1,a\n");
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    folder.run(&import(&endpoint.url(), &[])).expect(0);
}

#[test]
fn a_file_that_is_not_csv_is_refused_with_its_format() {
    let folder = Folder::new();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&zstd::encode_all("id\n".as_bytes(), 1).unwrap()).unwrap();
    folder.write("twice.gz", gzip.finish().unwrap());
    folder.write("book.xlsx", b"PK\x03\x04rest".as_slice());
    folder.write("utf32.csv", b"\xFF\xFE\0\0i\0\0\0".as_slice());
    folder.write("cyrillic.csv", &utf16("Имя,Дата\nа,б\n")[2..]);
    for (file, message) in [
        ("twice.gz", "is compressed with zstd (inside gzip), not a CSV"),
        ("book.xlsx", "is a ZIP archive, not a CSV"),
        ("utf32.csv", "is text in UTF-32"),
        ("cyrillic.csv", "use --encoding utf-16le"),
    ] {
        for command in ["check", "init"] {
            let ended = folder.run(&[command, file]).expect(2);
            assert!(ended.stderr.contains(message), "{command}: {}", ended.stderr);
        }
    }
}

#[test]
fn an_unreadable_file_is_refused_with_a_remedy() {
    let folder = Folder::new();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(numbered_csv(50_000).as_bytes()).unwrap();
    let mut damaged = gzip.finish().unwrap();
    damaged.truncate(damaged.len() - 100);
    folder.write("cut.csv.gz", damaged);
    folder.write("utf16.csv", &utf16("id,Name\n1,a\n")[2..]);
    folder.write("latin1.csv", b"id,N\xE4me\n1,a\n".as_slice());
    folder.write("sjis.csv", b"id,N\x83\xFF\n1,a\n".as_slice());
    let url = "http://127.0.0.1:9";
    for (file, more, message) in [
        ("cut.csv.gz", &[][..], "cannot decompress cut.csv.gz after line "),
        ("utf16.csv", &[], "use --encoding utf-16le"),
        (
            "latin1.csv",
            &[],
            "latin1.csv, line 1, column 2: not UTF-8; set the file's encoding with --encoding",
        ),
        ("sjis.csv", &["--encoding", "shift_jis"], "sjis.csv, line 1, column 2: not Shift_JIS"),
        ("sjis.csv", &["--encoding", "shiftjs"], "did you mean 'shift_jis'?"),
        ("latin1.csv", &["--delimiter", "\""], "--delimiter "),
        ("latin1.csv", &["--format", "text", "--quote", "'"], "cells of the text format are never quoted"),
    ] {
        let ended = folder.run(&import_file(file, url, more)).expect(2);
        assert!(ended.stderr.contains(message), "{}", ended.stderr);
    }
}

/// Lines of `\N` are `mysql --batch`, COPY or CSV of one table, with the cells of rows 1, 2 and 3.
const ESCAPED: &str = "id\tsubject\tbody\tpriority\tclosed_at\n\
    1\tHe said \"hi\"\tIt burns.\\nSecond line\\twith tab\thigh\t2024-03-06 10:00:00+00\n\
    2\t\"quoted\"\tC:\\\\temp\\\\new and a \\\\ at the end\\\\\t\\N\t\\N\n\
    3\tline1\\r\\nline2\t  \\\\N\tlow\t\\N\n";

/// The attributes of the rows of `ESCAPED`.
fn decoded() -> Vec<serde_json::Value> {
    vec![
        serde_json::json!({
            "id": "1", "subject": "He said \"hi\"", "body": "It burns.\nSecond line\twith tab",
            "priority": "high", "closed_at": "2024-03-06 10:00:00+00"
        }),
        serde_json::json!({
            "id": "2", "subject": "\"quoted\"", "body": "C:\\temp\\new and a \\ at the end\\"
        }),
        serde_json::json!({"id": "3", "subject": "line1\r\nline2", "body": "  \\N", "priority": "low"}),
    ]
}

#[test]
fn the_text_format_arrives_decoded() {
    let folder = Folder::new();
    folder.write("t.csv", ESCAPED);
    assert_eq!(imported_attributes(&folder, &["--format", "text"]), decoded());
    let folder = Folder::new();
    folder.write("t.csv", ESCAPED.replace("\\N\t\\N\n", "NULL\tNULL\n").replace("low\t\\N\n", "low\tNULL\n"));
    assert_eq!(imported_attributes(&folder, &["--format", "text", "--null", "NULL"]), decoded());
    let folder = Folder::new();
    folder.write("t.csv", ESCAPED.replace('\t', "^A").replace("^A", "\u{1}"));
    assert_eq!(imported_attributes(&folder, &["--format", "text", "--delimiter", "\u{1}"]), decoded());
}

/// Runs `init`, and returns the job file after a check and a rehearsal of `rows` rows.
fn guessed(folder: &Folder, rows: usize) -> String {
    folder.run(&["init", "t.csv"]).expect(0);
    let checked = folder.run(&["check", "--job", "t.toml"]).expect(0);
    assert!(checked.stdout.contains(&format!("{rows}  send")), "{}", checked.stdout);
    folder.run(&["run", "--job", "t.toml", "--sandbox", "--rate", "1000", "--burst", "100"]).expect(0);
    folder.read("t.toml")
}

#[test]
fn init_tells_the_text_format_from_csv() {
    let swallowing = "id\tsubject\tbody\tnote\n1\ta\tok\tn1\n3\tc\t\"starts with a quote\tn3\n\
        4\td\tplain\tn4\n5\te\tends with a quote\"\tn5\n8\th\tx\tn8\n";
    for (text, rows) in [(swallowing, 5), (ESCAPED, 3)] {
        let folder = Folder::new();
        folder.write("t.csv", text);
        let job = guessed(&folder, rows);
        assert!(job.contains("format = \"text\""), "{job}");
    }
    let folder = Folder::new();
    folder.write("t.csv", "id,subject,n\n1,\"He said \\\"hi, you\\\"\",x\n2,b\\, c,y\n");
    let job = guessed(&folder, 2);
    assert!(job.contains("escape = '\\'"), "{job}");
}

#[test]
fn check_warns_of_rows_that_a_quote_swallowed() {
    let folder = Folder::new();
    folder.write("t.csv", "Name\tAttributes.x\na\t\"1\nb\t2\nc\t3\"\nd\t4\n");
    let checked = folder.run(&["check", "t.csv", "--output", "json"]);
    assert!(
        checked.stdout.contains("SwallowedRows") && checked.stdout.contains("--format text"),
        "{}",
        checked.stdout
    );
    let checked = folder.run(&["check", "t.csv", "--format", "text"]);
    assert!(!checked.stdout.contains("SwallowedRows"), "{}", checked.stdout);
}

#[test]
fn markers_of_no_value_are_empty_unless_they_are_quoted() {
    let folder = Folder::new();
    folder.write("t.csv", "id,a,b\n1,\\N,\"\\N\"\n2,NULL,\"x\nNULL\"\n\\N,NULL,\\N\n");
    let expected =
        [serde_json::json!({"id": "1", "b": "\\N"}), serde_json::json!({"id": "2", "b": "x\nNULL"})];
    assert_eq!(imported_attributes(&folder, &["--null", "\\N", "--null", "NULL"]), expected);
}

#[test]
fn init_proposes_markers_of_no_value() {
    let folder = Folder::new();
    folder.write(
        "t.csv",
        "id,subject,priority,closed_at,note\n1,\"a, b\",high,2024-03-06,\\N\n2,c,\\N,\\N,None\n3,d,low,NULL,x\n",
    );
    let job = guessed(&folder, 3);
    assert!(job.contains(r#"null = ["NULL", '\N']"#), "{job}");
}

#[test]
fn surplus_empty_cells_are_dropped_and_missing_ones_padded_or_named() {
    let folder = Folder::new();
    folder.write("t.csv", "id,Name,Attributes.b\n1,x,2,,\n2,y\n3\n4,w\n");
    let checked = folder.run(&["check", "t.csv", "--key", "id"]).expect(1).stdout;
    for text in [
        "2  RaggedRow: the last column is missing",
        "1  RaggedRow: the last 2 columns are missing",
        "--short-rows pad",
    ] {
        assert!(checked.contains(text), "{text}: {checked}");
    }
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let pad = ["--short-rows", "pad"];
    folder.run(&import(&url, &pad)).expect(0);
    assert_eq!(endpoint.requests().len(), 4);
    // A padded row has the content of the full one, so nothing is sent again and no row has changed.
    folder.write("t.csv", "id,Name,Attributes.b\n1,x,2\n2,y,\n3,,\n4,w,\n");
    folder.run(&import(&url, &[])).expect(0);
    assert_eq!(endpoint.requests().len(), 4);
}

#[test]
fn a_broken_byte_rejects_its_row_and_no_other() {
    let folder = Folder::new();
    folder.write("t.csv", b"id,Name\nK1,Caf\xC3\xA9\nK2,M\xFCller\nK\xFC3,x\nK4,y\n".as_slice());
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let ended = folder.run(&import(&url, &[])).expect(1);
    let message = "t.csv, line 3 (key K2) is rejected: MalformedText: has bytes that are not UTF-8 in column 'Name', \
                   correct them, or set the file's encoding with --encoding";
    assert!(ended.stderr.contains(message), "{}", ended.stderr);
    assert_eq!(folder.states("t.ledger.db"), "created 2, rejected 2");
    let rejects = folder.read("t.ledger.db.rejects.csv");
    assert!(rejects.contains("K2,M\u{fffd}ller,") && rejects.contains(",4,content "), "{rejects}");
    // Until a person has corrected the cells, the row stays rejected.
    folder.run(&import_file("t.ledger.db.rejects.csv", &url, &[])).expect(1);
    assert_eq!(endpoint.requests().len(), 2);
    let rejects = rejects.lines().filter(|line| !line.contains(",4,content ")).collect::<Vec<_>>().join("\n");
    let corrected = rejects.replace("M\u{fffd}ller", "M\u{fc}ller").replace("MalformedText", "");
    folder.write("t.ledger.db.rejects.csv", corrected);
    folder.run(&import_file("t.ledger.db.rejects.csv", &url, &[]));
    assert!(endpoint.requests().iter().any(|body| body["Name"] == "M\u{fc}ller"));
}

#[test]
fn init_keeps_utf_8_for_a_file_with_broken_bytes_and_names_their_lines() {
    let folder = Folder::new();
    let text = b"Ticket ID,Subject\nT-0,R\xC3\xA9clamation \xE2\x80\x93 v\xC3\xA9rifier\nT-1,Caf\xC3\xA9\nT-50,dash \x96\n";
    folder.write("t.csv", text.as_slice());
    folder.run(&["init", "t.csv"]).expect(0);
    let job = folder.read("t.toml");
    assert!(job.contains("# Not UTF-8: line 4.") && !job.contains("\nencoding ="), "{job}");
    let checked = folder.run(&["check", "--job", "t.toml"]).expect(1).stdout;
    assert!(checked.contains("2  send") && checked.contains("1  MalformedText"), "{checked}");
}

#[test]
fn a_file_in_another_encoding_is_told_once() {
    let folder = Folder::new();
    folder.write("t.csv", [&b"Name\n"[..], &b"M\xFCller\n".repeat(150)].concat());
    let checked = folder.run(&["check", "t.csv", "--output", "json"]).expect(1).stdout;
    assert_eq!(checked.matches("SuspectEncoding").count(), 1, "{checked}");
}

#[test]
fn an_escape_applies_in_and_outside_of_quotes() {
    let folder = Folder::new();
    folder.write("t.csv", "id,a,b\n1,x\\, y,\"q \\\"r\\\"\"\n2,one\\\ntwo,C:\\temp\n");
    let expected = [
        serde_json::json!({"id": "1", "a": "x, y", "b": "q \"r\""}),
        serde_json::json!({"id": "2", "a": "one\ntwo", "b": "C:\\temp"}),
    ];
    assert_eq!(imported_attributes(&folder, &["--escape", "\\"]), expected);
}
