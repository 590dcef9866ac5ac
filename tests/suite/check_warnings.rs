//! Warnings of `check` and `run`: shown and counted apart from faults.

use crate::support::*;

/// The groups of warnings in the summary of `check --output json`.
fn warnings(ended: &Ended) -> Vec<serde_json::Value> {
    messages(&ended.stdout)["check"]["warnings"].as_array().unwrap().clone()
}

#[test]
fn a_warning_rejects_no_row_and_strict_makes_it_exit_1() {
    let folder = Folder::new();
    folder.write("t.csv", format!("id,Name\n1,{}\n2,fine\n", "x".repeat(1025)));
    let check = ["check", "t.csv", "--key", "id", "--on-too-long", "truncate", "--output", "json"];
    let ended = folder.run(&check).expect(0);
    let summary = &messages(&ended.stdout)["check"];
    assert_eq!((&summary["faulty"], &summary["to_send"]), (&0.into(), &2.into()));
    let [cut] = &warnings(&ended)[..] else { panic!("{}", ended.stdout) };
    let found = ["code", "subject", "count"].map(|member| cut[member].to_string());
    assert_eq!(found, ["\"TextCut\"", "\"Name\"", "1"]);
    assert_eq!(cut["examples"][0]["line"], 2);

    folder.run(&[&check[..], &["--strict"]].concat()).expect(1);
    Ended::from(folder.command(&check).env("CONNECT_IMPORT_STRICT", "1").output().unwrap()).expect(1);
    folder.write("job.toml", "[check]\nstrict = true\n[request]\nName = \"{{ name }}\"\n");
    let by_file = [&check[..], &["--job", "job.toml"]].concat();
    folder.run(&by_file).expect(1);
    folder.run(&[&by_file[..], &["--strict=false"]].concat()).expect(0);
    folder.write("t.csv", "id,Name\n1,fine\n");
    folder.run(&by_file).expect(0);
}

#[test]
fn a_run_shows_the_warnings_of_its_new_rows_before_its_first_request() {
    let folder = Folder::new();
    folder.write("t.csv", format!("id,Name\n1,{}\n2,fine\n", "x".repeat(1025)));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let run = import(&url, &["--on-too-long", "truncate"]);
    let ended = folder.run(&run).expect(0);
    let before = ended.stderr.split("to send").next().unwrap();
    assert!(
        before.contains("TextCut: 1 row: Name: is cut to fit\n  t.csv, line 2 (key 1)"),
        "{}",
        ended.stderr
    );
    // The row that was warned of is created, and read no more.
    let again = folder.run(&run).expect(0);
    assert!(!again.stderr.contains("TextCut"), "{}", again.stderr);
}

/// The job of the tests below: every column but the last is sent.
const JOB: &str = "[source]\nkey = [\"id\"]\n[request]\nName = \"{{ name }}\"\n[request.Attributes]\nnote = \"{{ note }}\"\n\
    short = \"{{ note | truncate(4) }}\"\nsource = \"helpdesk\"\n[request.References.Link]\nType = \"URL\"\nValue = \"{{ link }}\"\n";

const ROWS: &str = "id,name,note,link,unused\n1,Printer,NULL,https://example.com/1,NULL\n2,,\\N,example.com/2,-\n\
    3, padded,null,,NULL\n4,\"no-break\u{a0}\",Müller,https://example.com/4,\n5,last,N/A,HD-5,\n";

#[test]
fn odd_values_are_warned_of_by_column_or_member_with_line_and_remedy() {
    let folder = Folder::new();
    folder.write("t.csv", ROWS);
    folder.write("job.toml", JOB);
    let ended = folder.run(&["check", "t.csv", "--job", "job.toml", "--output", "json"]).expect(0);
    let groups: Vec<String> = warnings(&ended)
        .iter()
        .map(|group| {
            let text = |member: &str| group[member].as_str().unwrap();
            let lines: Vec<String> =
                group["examples"].as_array().unwrap().iter().map(|row| row["line"].to_string()).collect();
            format!("{} {} {} [{}]", text("code"), text("subject"), group["count"], lines.join(" "))
        })
        .collect();
    let expected = [
        "LookAlikeNull note 4 [2 3 4]",
        "NoName Name 1 [3]",
        "TextCut Attributes.short 1 [5]",
        "PaddedValue Name 2 [4 5]",
        "InvalidUrl References.Link 2 [3 6]",
    ];
    assert_eq!(groups, expected);
    let nulls = &warnings(&ended)[0];
    assert_eq!(nulls["message"], "has cells that look like no value: N/A (1), NULL (1), \\N (1), null (1)");
    let remedy = r#"if they mean no value, set null = ["N/A", "NULL", '\N', "null"] under [source]"#;
    assert_eq!(nulls["remedy"], remedy);
    // Cells are in no other warning.
    assert!(!ended.stdout.contains("padded") && !ended.stdout.contains("example.com/2"), "{}", ended.stdout);

    let text = folder.run(&["check", "t.csv", "--job", "job.toml"]).expect(0).stdout;
    for part in [
        "\nNo faults.\n\n5 warnings, for which no row is rejected:\n",
        "        2  PaddedValue: Name: begins or ends with white space, which is sent\n           t.csv, lines 4 (3), 5 (4)\n",
        "\nColumns that are not sent: unused\n",
        "\nReady, with 5 warnings.\n",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let strict = folder.run(&["check", "t.csv", "--job", "job.toml", "--strict"]).expect(1).stdout;
    assert!(strict.ends_with("\nNot ready: 5 warnings, and --strict allows none.\n"), "{strict}");
}

#[test]
fn a_run_shows_odd_values_before_its_first_request() {
    let folder = Folder::new();
    folder.write("t.csv", ROWS);
    folder.write("job.toml", JOB);
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let ended = folder.run(&import(&endpoint.url(), &["--job", "job.toml"])).expect(0);
    let before = ended.stderr.split("to send").next().unwrap();
    for code in ["LookAlikeNull: 4 rows: note", "NoName: 1 row", "PaddedValue: 2 rows", "InvalidUrl: 2 rows"]
    {
        assert!(before.contains(code), "{code}: {}", ended.stderr);
    }
    // Without a check of all rows there is nothing to show.
    folder.write("u.csv", "id,name,note,link,unused\n9,,NULL,,\n");
    let unchecked = ["run", "u.csv", "--job", "job.toml", "--sandbox", "--rate", "1000", "--no-check"];
    let ended = folder.run(&unchecked).expect(0);
    assert!(!ended.stderr.contains("LookAlikeNull") && !ended.stderr.contains("NoName"), "{}", ended.stderr);
}

#[test]
fn a_look_alike_that_makes_a_fault_is_warned_of() {
    let folder = Folder::new();
    folder.write("t.csv", "id,when\n1,2024-05-01\n2,NULL\n");
    let job = "[source]\nkey = [\"id\"]\n[request]\nName = \"{{ when | iso('%Y-%m-%d') }}\"\n";
    folder.write("job.toml", job);
    let ended = folder.run(&["check", "t.csv", "--job", "job.toml", "--output", "json"]).expect(1);
    assert_eq!(warnings(&ended)[0]["code"], "LookAlikeNull");
    assert_eq!(messages(&ended.stdout)["check"]["faulty"], 1);
}

#[test]
fn every_member_has_the_rows_that_fill_it_leave_it_out_and_have_it_cut_and_its_longest_text() {
    let folder = Folder::new();
    folder.write("t.csv", ROWS);
    folder.write("job.toml", JOB);
    let ended = folder.run(&["check", "t.csv", "--job", "job.toml", "--output", "json"]).expect(0);
    let summary = &messages(&ended.stdout)["check"];
    let members: Vec<String> = summary["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| {
            let numbers = ["filled", "left_out", "cut", "longest", "limit", "longest_line"];
            let numbers = numbers.map(|name| member[name].to_string()).join(" ");
            format!("{} {numbers}", member["member"].as_str().unwrap())
        })
        .collect();
    let expected = [
        "Name 4 1 0 9 1024 5",
        "Attributes.note 5 0 0 6 32767 5",
        "Attributes.short 5 0 1 4 32767 2",
        "References.Link 4 1 0 21 4096 2",
    ];
    assert_eq!(members, expected);
    assert_eq!(summary["unused_columns"], serde_json::json!(["unused"]));
    // Rows that are not sent are not counted; a second file adds to the counts.
    let more =
        format!("id,name,note,link,unused\n6,{},,,\n7,added,,,\n1,repeats a key,,,\n", "x".repeat(1025));
    folder.write("u.csv", more);
    let ended = folder.run(&["check", "t.csv", "u.csv", "--job", "job.toml"]).expect(1);
    let name: Vec<&str> = ended.stdout.lines().filter(|line| line.contains("of 1024")).collect();
    let [name] = &name[..] else { panic!("{}", ended.stdout) };
    assert_eq!(name.split_whitespace().collect::<Vec<_>>().join(" "), "5 1 9 of 1024 Name (t.csv, line 5)");
}

#[test]
fn a_row_that_is_rejected_for_its_key_is_not_warned_of_what_is_sent() {
    let folder = Folder::new();
    // Of the rows of K1 only the first is sent; the last row alone is sent with white space.
    folder.write("t.csv", "id,Name\nK1,a\nK1,b \nK1,c \nK2,d \n");
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let ended = folder.run(&import(&endpoint.url(), &[])).expect(1);
    assert!(ended.stderr.contains("PaddedValue: 1 row: Name"), "{}", ended.stderr);
    let check = folder.run(&["check", "t.csv", "--key", "id", "--sandbox"]).expect(1);
    assert!(check.stdout.contains("        1  PaddedValue: Name"), "{}", check.stdout);
}
