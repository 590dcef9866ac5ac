//! `--metrics-file`: the metrics of a run in the text format of Prometheus.

use std::collections::BTreeMap;

use crate::support::*;

/// Samples by name and labels, without the label `import`, which every sample has.
fn samples(folder: &Folder) -> BTreeMap<String, f64> {
    let text = folder.read("m.prom");
    let samples = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("connect_import_") && name.contains("import=\"t\""), "{line}");
        let name =
            name.replace("import=\"t\",", "").replace(",import=\"t\"", "").replace("{import=\"t\"}", "");
        (name.strip_prefix("connect_import_").unwrap().to_owned(), value.parse().unwrap())
    });
    samples.collect()
}

const METRICS: [&str; 2] = ["--metrics-file", "m.prom"];

fn faulty_csv() -> String {
    format!("{}K9,{}\n", numbered_csv(4), "x".repeat(1025))
}

#[test]
fn the_metrics_hold_the_counters_and_the_exit_code_of_a_run() {
    let folder = Folder::new();
    folder.write("t.csv", faulty_csv());
    let endpoint = Endpoint::start(|number, _| match number {
        0 => Reply::Error(429, "ThrottlingException"),
        1 => Reply::Error(500, "InternalServiceException"),
        _ => Reply::Created,
    });
    let url = endpoint.url();
    folder.run(&import(&url, &METRICS)).expect(1);
    let first = samples(&folder);
    let expected = [
        ("attempts_total", 6.0),
        ("created_total", 4.0),
        ("throttled_total", 1.0),
        ("unanswered_total", 1.0),
        ("request_duration_seconds_count", 4.0),
        ("request_duration_seconds_bucket{le=\"+Inf\"}", 4.0),
        ("rows{state=\"created\"}", 4.0),
        ("rows{state=\"rejected\"}", 1.0),
        ("rows{state=\"pending\"}", 0.0),
        ("rows_to_send", 4.0),
        ("rows_done", 4.0),
        ("running", 0.0),
        ("last_exit_code", 1.0),
        ("run_info{instance_id=\"sandbox\"}", 1.0),
    ];
    for (name, value) in expected {
        assert_eq!(first.get(name), Some(&value), "{name} in {first:#?}");
    }
    assert!(!folder.path("t.ledger.db-wal").exists(), "the ledger was not closed");
    assert!(first["run_end_timestamp_seconds"] >= first["run_start_timestamp_seconds"]);
    assert!(!first.contains_key("last_success_timestamp_seconds"));
    // Prometheus may read it as another user.
    assert_eq!(folder.permissions("m.prom"), 0o644);

    // A run that fails before it starts keeps the time of the last success.
    folder.write("t.csv", numbered_csv(4));
    folder.run(&import(&url, &METRICS)).expect(0);
    let second = samples(&folder);
    folder.run(&import(&url, &METRICS)).expect(0);
    let success = "last_success_timestamp_seconds";
    assert!(samples(&folder)[success] > second[success]);
    let second = samples(&folder);
    assert_eq!((second["last_exit_code"], second["attempts_total"]), (0.0, 0.0));
    std::fs::remove_file(folder.path("t.csv")).unwrap();
    folder.run(&import(&url, &METRICS)).expect(2);
    let third = samples(&folder);
    assert_eq!((third["last_exit_code"], third["rows{state=\"created\"}"]), (2.0, 4.0));
    assert_eq!(third[success], second[success]);
    assert!(second[success] >= first["run_end_timestamp_seconds"]);
}

#[test]
fn a_run_refused_by_the_lock_keeps_the_metrics_of_the_run_that_holds_it() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    let endpoint = Endpoint::start(|_, _| Reply::Hang);
    let url = endpoint.url();
    let arguments = import(&url, &METRICS);
    let holder = folder.start(&arguments);
    until("a request is in flight", || !endpoint.requests().is_empty());
    until("the metrics are written", || folder.path("m.prom").exists());
    let during = folder.read("m.prom");
    assert_eq!(samples(&folder)["running"], 1.0);
    assert!(!during.contains("last_exit_code"), "{during}");
    folder.run(&import(&url, &METRICS)).expect(11);
    folder.run(&import(&url, &[&METRICS[..], &["--burst", "0"]].concat())).expect(2);
    let start = |text: &str| {
        text.lines().find(|line| line.starts_with("connect_import_run_start")).map(str::to_owned)
    };
    let after = folder.read("m.prom");
    assert_eq!(start(&after), start(&during));
    assert!(!after.contains("last_exit_code"), "{after}");
    holder.signal("KILL");
    holder.end();
}

#[test]
fn metrics_that_cannot_be_written_are_reported_once_and_the_run_continues() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let ended = folder.run(&import(&url, &["--metrics-file", "missing/m.prom"])).expect(0);
    assert_eq!(ended.stderr.matches("the metrics cannot be written").count(), 1, "{}", ended.stderr);
}

#[test]
fn metrics_do_not_replace_other_files() {
    let folder = Folder::new();
    let csv = numbered_csv(3);
    folder.write("t.csv", &csv);
    folder.write("notes.txt", "keep me");
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    for target in ["t.csv", "t.ledger.db", "t.ledger.db.lock", "t.ledger.db.rejects.csv", "."] {
        let refused = folder.run(&import(&url, &["--metrics-file", target, "--force"])).expect(2);
        assert!(refused.stderr.contains("--metrics-file"), "{target}: {}", refused.stderr);
    }
    let refused = folder.run(&import(&url, &["--metrics-file", "notes.txt"])).expect(2);
    assert!(refused.stderr.contains("use --force to replace it"), "{}", refused.stderr);
    folder.run(&import(&url, &["--metrics-file", "r.csv", "--rejects", "r.csv"])).expect(2);
    assert_eq!((folder.read("t.csv"), folder.read("notes.txt")), (csv, "keep me".to_owned()));
    assert!(!folder.path("t.ledger.db").exists());
}

#[test]
fn the_metrics_file_of_a_job_file_is_beside_it_and_a_rehearsal_writes_none() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    folder.write(
        "t.toml",
        "[source]\nfiles = [\"t.csv\"]\nkey = [\"id\"]\n[connect]\ninstance_id = \"11111111-2222-3333-4444-555555555555\"\n\
         region = \"eu-west-2\"\nno_sign_request = true\n[run]\nmetrics_file = \"m.prom\"\n",
    );
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let run = ["run", "--job", "t.toml", "--endpoint-url", &url, "--rate", "1000"];
    folder.run(&[&run[..], &["--sandbox"]].concat()).expect(0);
    assert!(!folder.path("m.prom").exists());
    folder.run(&run).expect(0);
    assert_eq!(samples(&folder)["created_total"], 2.0);
    // An invalid job file cannot name a metrics file, so the flag alone counts.
    folder.write("t.toml", "[run");
    folder.run(&[&run[..], &METRICS].concat()).expect(2);
    assert_eq!(samples(&folder)["last_exit_code"], 2.0);
}
