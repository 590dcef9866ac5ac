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
