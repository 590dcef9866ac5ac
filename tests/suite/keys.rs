//! Keys of rows: their comparison, templates as keys, and keys that only look equal.

use crate::support::*;

/// A CSV with the columns `id` and `Name`, and these ids.
fn csv(ids: &[&str]) -> String {
    let quoted = |id: &&str| format!("\"{}\",task\n", id.replace('"', "\"\""));
    format!("id,Name\n{}", ids.iter().map(quoted).collect::<String>())
}

#[test]
fn a_padded_key_is_the_same_key_unless_the_ledger_compares_exactly() {
    let folder = Folder::new();
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.write("t.csv", csv(&["HD-0001"]));
    folder.run(&import(&url, &[])).expect(0);
    folder.write("t.csv", csv(&["HD-0001   ", " HD-0001", "HD-0001\u{a0}"]));
    let ended = folder.run(&import(&url, &[])).expect(1);
    assert!(ended.stderr.contains("has the key of line 2"), "{}", ended.stderr);
    assert_eq!(endpoint.requests().len(), 1);

    let exact = import_file("t.csv", &url, &["--key-compare", "exact"]);
    let exact = exact.into_iter().map(|word| if word == "t.ledger.db" { "exact.db" } else { word });
    let exact: Vec<&str> = exact.collect();
    folder.run(&exact).expect(0);
    assert_eq!(endpoint.requests().len(), 4);
    assert_eq!(folder.query("exact.db", "SELECT key_compare FROM identity"), "exact");
}

#[test]
fn a_job_that_names_another_comparison_than_its_ledger_is_refused_and_one_that_names_none_takes_it() {
    let folder = Folder::new();
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.write("t.csv", csv(&["HD-0001", "HD-0001 "]));
    folder.run(&import(&url, &["--key-compare", "exact"])).expect(0);
    assert_eq!(endpoint.requests().len(), 2);

    let refusal = "the ledger t.ledger.db belongs to key_compare 'exact', not 'trim'; use that key_compare; in \
                   another ledger, rows whose key becomes another one get a second contact";
    let ended = folder.run(&import(&url, &["--key-compare", "trim"])).expect(2);
    assert!(ended.stderr.contains(refusal), "{}", ended.stderr);
    folder.write("t.toml", "[source]\nfiles = [\"t.csv\"]\nkey = [\"id\"]\nkey_compare = \"trim\"\n");
    let of_job = ["--job", "t.toml", "--sandbox", "--ledger", "t.ledger.db"];
    for command in [&["check"][..], &["doctor", "--endpoint-url", &url]] {
        let ended = folder.run(&[command, &of_job].concat());
        assert_ne!(ended.code, Some(0), "{command:?}");
        assert!(format!("{}{}", ended.stdout, ended.stderr).contains("key_compare 'exact', not 'trim'"));
    }
    for command in ["status", "export", "report"] {
        let ended = folder.run(&[&[command], &of_job[..]].concat()).expect(2);
        assert!(ended.stderr.contains(refusal), "{command} {}", ended.stderr);
    }

    // Without a name the ledger's comparison holds, or a row would have another token. `doctor` sent one request.
    let sent = endpoint.requests().len();
    folder.run(&import(&url, &[])).expect(0);
    let checked =
        folder.run(&["check", "t.csv", "--key", "id", "--sandbox", "--ledger", "t.ledger.db"]).expect(0);
    assert!(checked.stdout.contains("2  not send again: already created"), "{}", checked.stdout);
    folder.run(&["status", "--sandbox", "--ledger", "t.ledger.db"]).expect(0);
    let joined = folder.run(&["export", "--sandbox", "--ledger", "t.ledger.db", "--join", "t.csv"]).expect(0);
    assert_eq!(joined.stdout.matches(",created,").count(), 2, "{}", joined.stdout);
    assert_eq!(endpoint.requests().len(), sent);
}

#[test]
fn a_template_makes_one_key_of_cells_that_two_exports_write_differently() {
    let folder = Folder::new();
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let run = [&["run", "t.csv", "--key", "{{ region }}-{{ id | upper }}"], &into(&url)[..]].concat();
    folder.write("t.csv", "id,region,Name\nhd-1,EU,a\nhd-1,US,b\n");
    folder.run(&run).expect(0);
    folder.write("t.csv", "id,region,Name\nHD-1,EU,a\nHD-1,US,b\nHD-2,US,c\n,,d\n");
    // Without a cell in any column of the key the last row has none.
    let ended = folder.run(&run).expect(1);
    let keys = folder.query("t.ledger.db", "SELECT key FROM rows WHERE state = 'created' ORDER BY id");
    assert_eq!(keys, "EU-HD-1\nUS-HD-1\nUS-HD-2");
    assert_eq!(endpoint.requests().len(), 3, "{}", ended.stderr);
    let joined = folder.run(&["export", "--sandbox", "--ledger", "t.ledger.db", "--join", "t.csv"]).expect(0);
    assert_eq!(joined.stdout.matches(",created,").count(), 3, "{}", joined.stdout);

    // Each key is part of the ledger's identity as it is written.
    let other = [&["run", "t.csv", "--key", "{{ region }}{{ id }}"], &into(&url)[..]].concat();
    let ended = folder.run(&other).expect(2);
    assert!(ended.stderr.contains("belongs to key"), "{}", ended.stderr);
}

#[test]
fn a_template_key_that_fits_no_header_is_refused_and_a_row_without_a_key_is_rejected() {
    let folder = Folder::new();
    folder.write("t.csv", "id,opened,Name\n1,2026-13-40,a\n,2026-01-02,b\n2,,c\n");
    for (key, problem) in [
        (
            "{{ ticket }}",
            "t.csv: [source] key: '{{ ticket }}': the CSV has no column with the identifier 'ticket'",
        ),
        ("{{ 'all' }}", "uses no column, so every row would have the same key"),
        ("{{ id | lookup('x') }}", "a key cannot use a lookup table"),
    ] {
        let ended = folder.run(&["check", "t.csv", "--key", key]).expect(2);
        assert!(ended.stderr.contains(problem), "{}", ended.stderr);
    }
    folder.write(
        "job.toml",
        "[source]\nfiles = [\"t.csv\"]\nkey = [\"{{ opened | iso('%Y-%m-%d') }}\"]\n[request]\nName = \"{{ name }}\"\n",
    );
    let ended = folder.run(&["check", "--job", "job.toml", "--output", "csv"]).expect(1);
    let faults: Vec<&str> = ended.stdout.lines().skip(1).collect();
    assert!(faults[0].contains("Mapping") && faults[0].contains("has no key: "), "{faults:?}");
    assert!(faults[1].contains("EmptyKey"), "{faults:?}");
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(!ended.stdout.contains("2026-13-40"), "{}", ended.stdout);
}

/// The second export of `HD-0001`, with one difference in the key.
const DIFFERENCES: [&str; 9] = [
    "HD-0001   ",
    " HD-0001",
    "HD-0001\u{a0}",
    "hd-0001",
    "HD-00\r01",
    "HD-000\u{ff11}",
    "=\"HD-0001\"",
    "'HD-0001",
    "HD-\u{200b}0001",
];

/// How many of [`DIFFERENCES`], from the first, are the same key if keys are trimmed.
const TRIMMED: usize = 3;

fn look_alikes(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.contains("LookAlikeKey: ")).collect()
}

/// What a run prints before its first request.
fn before_sending(ended: &Ended) -> &str {
    ended.stderr.split(" to send").next().unwrap()
}

#[test]
fn a_key_that_only_looks_like_one_of_the_ledger_is_named_by_check_and_before_the_first_request() {
    for comparison in ["trim", "exact"] {
        let folder = Folder::new();
        let endpoint = Endpoint::start(|_, _| Reply::Created);
        let url = endpoint.url();
        let compare = ["--key-compare", comparison];
        folder.write("t.csv", csv(&["HD-0001", "HD-0002", "HD-0003"]));
        folder.run(&import(&url, &compare)).expect(0);
        for (number, difference) in DIFFERENCES.iter().enumerate() {
            let is_same = comparison == "trim" && number < TRIMMED;
            let april = format!("april-{number}.csv");
            folder.write(&april, csv(&["HD-0009", difference]));
            // Each has a ledger with the three tickets alone.
            folder.write("copy.db", std::fs::read(folder.path("t.ledger.db")).unwrap());
            let check = ["check", &april, "--key", "id", "--sandbox", "--ledger", "copy.db"];
            let checked = folder.run(&check).expect(0);
            let run = import_file(&april, &url, &[]);
            let run: Vec<&str> =
                run.into_iter().map(|word| if word == "t.ledger.db" { "copy.db" } else { word }).collect();
            let ran = folder.run(&run).expect(0);
            for text in [&*checked.stdout, before_sending(&ran)] {
                assert_eq!(
                    look_alikes(text).len(),
                    usize::from(!is_same),
                    "{comparison} {difference:?} {text}"
                );
                let place = format!("{april}, line 3");
                let ledger = folder.path("t.csv").canonicalize().unwrap();
                let ledger =
                    format!("looks like HD-0001, line 2 of {}, which the ledger has", ledger.display());
                assert!(is_same || text.contains(&place), "{comparison} {difference:?} {text}");
                assert_eq!(text.contains(&ledger), !is_same, "{comparison} {difference:?} {text}");
            }
            for name in ["copy.db", "copy.db.lock"] {
                std::fs::remove_file(folder.path(name)).unwrap();
            }
        }
    }
}

#[test]
fn keys_of_one_input_that_look_alike_are_named_with_both_lines() {
    for (comparison, same) in [("trim", TRIMMED), ("exact", 0)] {
        let folder = Folder::new();
        let endpoint = Endpoint::start(|_, _| Reply::Created);
        let url = endpoint.url();
        folder.write("t.csv", csv(&["HD-0002", "HD-0001"]));
        folder.write("u.csv", csv(&DIFFERENCES));
        let options = ["--key", "id", "--key-compare", comparison, "--ledger", "t.ledger.db"];
        let code = i32::from(same > 0);
        let checked = folder.run(&[&["check", "t.csv", "u.csv"], &options[..]].concat()).expect(code);
        let count = DIFFERENCES.len() - same;
        assert!(checked.stdout.contains(&format!(" {count}  LookAlikeKey: ")), "{}", checked.stdout);
        assert!(checked.stdout.contains("looks like line 3 of t.csv"), "{}", checked.stdout);
        assert!(checked.stdout.contains("key = [\"{{ id | upper }}\"]"), "{}", checked.stdout);

        // Also if the rows are not mapped before they are sent.
        let run = [
            &["run", "t.csv", "u.csv", "--no-check", "--key-compare", comparison, "--key", "id"],
            &into(&url)[..],
        ];
        let ran = folder.run(&run.concat()).expect(code);
        let expected = format!("LookAlikeKey: {count} rows: ");
        assert!(before_sending(&ran).contains(&expected), "{}", ran.stderr);
        assert_eq!(endpoint.requests().len(), 2 + count);

        // Nothing can be done about created rows.
        let again = folder.run(&run.concat()).expect(code);
        assert!(!again.stderr.contains("LookAlikeKey"), "{}", again.stderr);
    }
}

#[test]
fn a_run_without_progress_shows_its_warnings_and_the_summary_counts_them() {
    let folder = Folder::new();
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.write("t.csv", csv(&["HD-0001", "hd-0001"]));
    let ended = folder.run(&import(&url, &["--progress", "none"])).expect(0);
    assert!(ended.stderr.starts_with("LookAlikeKey: 1 row: "), "{}", ended.stderr);
    let counted = "1  warning about the input: the command check lists it";
    assert!(ended.stdout.contains(counted), "{}", ended.stdout);
    let again = folder.run(&import(&url, &["--progress", "none", "--output", "json"])).expect(0);
    assert_eq!(messages(&again.stdout)["summary"]["warnings"], 0);
}

#[test]
fn created_rows_that_changed_are_not_warned_of() {
    let folder = Folder::new();
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.write("t.csv", "id,Name\nA,one\nB,two\n");
    folder.run(&import(&url, &[])).expect(0);
    folder.write("t.csv", "id,Name\n A ,one \nB ,two \n\u{200b},x\nC,three \n");
    let ended = folder.run(&import(&url, &[])).expect(1);
    assert!(ended.stderr.contains("PaddedValue: 1 row: "), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("line 4 (key content") && ended.stderr.contains("EmptyKey"),
        "{}",
        ended.stderr
    );
    assert_eq!(endpoint.requests().len(), 3);
}

#[test]
fn a_row_that_was_stopped_and_mended_is_not_named_again() {
    let folder = Folder::new();
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.write("t.csv", csv(&["HD-0001", "HD-0002"]));
    folder.run(&import(&url, &["--limit", "1"])).expect(10);
    folder.write("t.csv", csv(&["HD-0001", "hd-0001"]));
    let ended = folder.run(&import(&url, &["--limit", "0"]));
    assert!(ended.stderr.contains("LookAlikeKey"), "{}", ended.stderr);
    let waits =
        folder.run(&["check", "t.csv", "--key", "id", "--sandbox", "--ledger", "t.ledger.db"]).expect(0);
    assert_eq!(look_alikes(&waits.stdout).len(), 1, "it still waits: {}", waits.stdout);
    folder.write("t.csv", csv(&["HD-0001", "HD-0003"]));
    let mended =
        folder.run(&["check", "t.csv", "--key", "id", "--sandbox", "--ledger", "t.ledger.db"]).expect(0);
    assert!(!mended.stdout.contains("LookAlikeKey"), "{}", mended.stdout);
    let ended = folder.run(&import(&url, &[])).expect(0);
    assert!(!ended.stderr.contains("LookAlikeKey"), "{}", ended.stderr);
}

#[test]
fn a_key_that_a_spreadsheet_spoiled_is_named_by_check_and_before_the_first_request() {
    let folder = Folder::new();
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    for (ids, count, found) in [
        (&["1.23E+17", "1,24E+17", "7"][..], 2, "has an exponent"),
        (&["#####", "7"], 1, "a column that is too narrow"),
        (&["#N/A", "7"], 1, "the error value of a formula"),
        (&["601.0", "602.0"], 2, "a whole number with a fraction of zero"),
        (&["123456789012345000", "123456789012346000"], 2, "has only zeros after its 15th digit"),
    ] {
        folder.write("t.csv", csv(ids));
        let checked = folder.run(&["check", "t.csv", "--key", "id"]).expect(0);
        let ran = folder.run(&import(&url, &[])).expect(0);
        let s = if count == 1 { "" } else { "s" };
        let [of_check, of_run] = [format!(" {count}  SpoiledKey: "), format!("SpoiledKey: {count} row{s}: ")];
        for (text, expected) in [(&*checked.stdout, of_check), (before_sending(&ran), of_run)] {
            assert!(text.contains(&expected), "{ids:?} {text}");
            assert!(text.contains(found) && text.contains("t.csv, line 2"), "{ids:?} {text}");
        }
        for name in ["t.ledger.db", "t.ledger.db.lock"] {
            std::fs::remove_file(folder.path(name)).unwrap();
        }
    }
    folder.write("t.csv", csv(&["1.0", "1.1", "12E4", "1234567890123450"]));
    let checked = folder.run(&["check", "t.csv", "--key", "id", "--strict"]).expect(0);
    assert!(!checked.stdout.contains("SpoiledKey"), "{}", checked.stdout);
}

#[test]
fn a_job_without_a_key_is_told_what_that_means() {
    let folder = Folder::new();
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.write("t.csv", "Name\na\nb\n");
    let run = [&["run", "t.csv"], &into(&url)[..]].concat();
    let checked = folder.run(&["check", "t.csv"]).expect(0);
    let ran = folder.run(&run).expect(0);
    for text in [&*checked.stdout, before_sending(&ran)] {
        assert_eq!(text.matches("NoKey: ").count(), 1, "{text}");
        assert!(
            text.contains("makes a new contact of a known row") && text.contains("--key COLUMN"),
            "{text}"
        );
    }
    // Its rows are created: no other key can be set any more.
    assert!(!folder.run(&run).expect(0).stderr.contains("NoKey"));
}

#[test]
fn a_key_looks_like_that_of_a_row_of_another_shard() {
    let folder = Folder::new();
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    // Each pair of keys that look alike lies in one shard or in two.
    let ids: Vec<String> =
        (0..40).flat_map(|number| [format!("HD-{number}"), format!("hd-{number}")]).collect();
    folder.write("t.csv", csv(&ids.iter().map(String::as_str).collect::<Vec<_>>()));
    let mut named = 0;
    for shard in ["0/2", "1/2"] {
        let ledger = format!("{}.db", &shard[..1]);
        let options = ["--shard", shard, "--ledger", &ledger, "--key", "id", "--sandbox"];
        let checked = folder.run(&[&["check", "t.csv"], &options[..]].concat()).expect(0);
        let line = checked.stdout.lines().find(|line| line.contains("LookAlikeKey")).unwrap();
        let count: u64 = line.split_whitespace().next().unwrap().parse().unwrap();
        let run = [&["run", "t.csv", "--endpoint-url", &url, "--rate", "1000"], &options[..]].concat();
        let ran = folder.run(&run).expect(0);
        assert!(before_sending(&ran).contains(&format!("LookAlikeKey: {count} rows")), "{}", ran.stderr);
        named += count;
    }
    // Those in two shards are named by both.
    assert!((41..80).contains(&named), "{named}");
}
