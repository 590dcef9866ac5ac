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

    let refusal = "the ledger t.ledger.db belongs to key_compare 'exact', not 'trim'; use that key_compare, or name \
                   another ledger with --ledger";
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
