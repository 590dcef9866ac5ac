//! Rehearsals against the built-in sandbox: without a quota, and with the contacts kept in a file.

use crate::printed_commands::paste;
use crate::support::*;

/// A folder with `t.csv` of `rows` rows and `t.toml`, whose rate would need hours for two rows.
fn with_a_slow_job(rows: usize) -> Folder {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(rows));
    let job = "[source]\nfiles = [\"t.csv\"]\nkey = [\"id\"]\n[pacing]\nrate = 0.0001\nburst = 1\n[sandbox]\nrate = 0\n";
    folder.write("t.toml", job);
    folder
}

const REHEARSE: [&str; 4] = ["run", "--job", "t.toml", "--sandbox"];

/// The contacts of a state file.
fn contacts(folder: &Folder, file: &str) -> Vec<serde_json::Value> {
    let text = folder.read(file);
    text.lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["contact"].take())
        .collect()
}

#[test]
fn without_a_quota_a_rehearsal_does_not_keep_the_rate_of_the_account() {
    let folder = with_a_slow_job(300);
    let ended = folder.run(&[&REHEARSE[..], &["--output", "json"]].concat()).expect(0);
    let summary = &messages(&ended.stdout)["summary"];
    assert_eq!((&summary["created"], &summary["throttled"]), (&300.into(), &0.into()));
    assert_eq!(summary["rate_set"], serde_json::Value::Null);
    // A flag sets the rate also where nothing limits it.
    let slow = with_a_slow_job(2);
    let ended = slow.run(&[&REHEARSE[..], &["--rate", "500", "--output", "json"]].concat()).expect(0);
    assert_eq!(messages(&ended.stdout)["summary"]["rate_set"], 500.0);
}

#[test]
fn the_forecast_of_a_rehearsal_is_not_that_of_the_account() {
    let folder = with_a_slow_job(300);
    let seconds = |more: &[&str]| {
        let ended = folder.run(&[&["check", "--job", "t.toml", "--output", "json"], more].concat()).expect(0);
        messages(&ended.stdout)["check"]["seconds"].as_f64().unwrap()
    };
    assert!(seconds(&["--sandbox"]) < 10.0);
    assert!(seconds(&[]) > 1e6);
}

#[test]
fn a_reload_keeps_a_rehearsal_without_a_quota() {
    let folder = with_a_slow_job(2000);
    let running = start_with_stderr_file(&folder, &REHEARSE);
    until("the run sends", || stderr_so_far(&folder).contains("checked: "));
    running.signal("HUP");
    // At the rate of [pacing] the run would last for years.
    running.end().expect(0);
    assert_eq!(folder.states("t.sandbox.ledger.db"), "created 2000");
}

#[test]
fn kept_contacts_are_what_connect_would_have_received() {
    let folder = with_a_slow_job(3);
    let keep = [&REHEARSE[..], &["--keep", "my contacts.jsonl"]].concat();
    let ended = folder.run(&keep).expect(0);
    let told = "the sandbox keeps 3 contacts in 'my contacts.jsonl'; to see them:\n  jq .contact 'my contacts.jsonl'\n";
    assert!(ended.stderr.ends_with(told), "{}", ended.stderr);
    assert_eq!(folder.permissions("my contacts.jsonl"), 0o600);
    let kept = contacts(&folder, "my contacts.jsonl");
    let mut names: Vec<&str> = kept.iter().map(|contact| contact["Name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Task 0", "Task 1", "Task 2"]);
    let mut ids: Vec<&str> = kept.iter().map(|contact| contact["ContactId"].as_str().unwrap()).collect();
    ids.sort_unstable();
    let recorded = folder.query("t.sandbox.ledger.db", "SELECT contact_id FROM rows ORDER BY contact_id");
    assert_eq!(ids.join("\n"), recorded);
    // A rehearsal with a new ledger finds the client tokens.
    std::fs::remove_file(folder.path("t.sandbox.ledger.db")).unwrap();
    let _ = std::fs::remove_file(folder.path("t.sandbox.ledger.db.lock"));
    folder.run(&keep).expect(0);
    assert_eq!(contacts(&folder, "my contacts.jsonl").len(), 3);
}

#[test]
fn contacts_of_earlier_rehearsals_cannot_be_kept_and_the_run_says_how_to_send_them_again() {
    let folder = with_a_slow_job(3);
    let keep = [&REHEARSE[..], &["--keep", "c.jsonl"]].concat();
    folder.run(&REHEARSE).expect(0);
    let ended = folder.run(&keep).expect(0);
    let told = "the sandbox has received no contact to keep in c.jsonl; to send every row to it, delete \
                t.sandbox.ledger.db and rehearse again\n";
    assert!(ended.stderr.ends_with(told), "{}", ended.stderr);
    let verify = ["verify", "--job", "t.toml", "--sandbox", "--keep", "c.jsonl"];
    let verified = folder.run(&verify).expect(1).stdout;
    assert!(verified.contains("To keep them, delete t.sandbox.ledger.db\n"), "{verified}");
    std::fs::remove_file(folder.path("t.sandbox.ledger.db")).unwrap();
    folder.run(&keep).expect(0);
    assert_eq!(contacts(&folder, "c.jsonl").len(), 3);
}

#[test]
fn a_rehearsal_whose_contacts_are_kept_can_be_verified() {
    let folder = with_a_slow_job(3);
    let verify = ["verify", "--job", "t.toml", "--sandbox"];
    let lost = folder.run(&verify).expect(2).stderr;
    assert!(lost.contains("rehearse with run --sandbox --keep FILE"), "{lost}");
    let missing = folder.run(&[&verify[..], &["--keep", "c.jsonl"]].concat()).expect(2).stderr;
    assert!(missing.contains("names c.jsonl, which no run --sandbox --keep FILE has written"), "{missing}");
    assert!(!folder.path("c.jsonl").exists());
    folder.run(&[&REHEARSE[..], &["--keep", "c.jsonl"]].concat()).expect(0);
    let before = folder.read("c.jsonl");
    folder.run(&[&verify[..], &["--keep", "c.jsonl"]].concat()).expect(0);
    assert_eq!(folder.read("c.jsonl"), before);
    // Without the first contact the verification finds that it is missing.
    folder.write("c.jsonl", before.split_once('\n').unwrap().1);
    folder.run(&[&verify[..], &["--keep", "c.jsonl"]].concat()).expect(1);
}

#[test]
fn unknown_rows_of_a_rehearsal_are_looked_for_in_the_kept_contacts() {
    for in_job in [false, true] {
        let folder = with_a_slow_job(3);
        let mut keep = [&REHEARSE[..], &["--on-unknown", "hold"]].concat();
        if in_job {
            let job = folder.read("t.toml");
            folder.write("t.toml", job + "keep = \"c.jsonl\"\n");
        } else {
            keep.extend(["--keep", "c.jsonl"]);
        }
        let killed = folder.run(&[&keep[..], &["--crash-at", "after-answer"]].concat());
        assert_eq!(killed.code, None);
        let ended = folder.run(&keep).expect(1).stdout;
        let verify = ended.lines().find(|line| line.contains(" verify --")).unwrap();
        paste(&folder, verify).expect(0);
        assert_eq!(folder.states("t.sandbox.ledger.db"), "created 3");
    }
}

#[test]
fn a_foreign_file_is_kept_unless_forced_and_the_files_of_the_job_always() {
    let folder = with_a_slow_job(2);
    folder.write("notes.txt", "precious");
    let keep = |file: &str, more: &[&str]| folder.run(&[&REHEARSE[..], &["--keep", file], more].concat());
    let refused = keep("notes.txt", &[]).expect(2).stderr;
    assert!(refused.contains("use --force to replace it, or name another file with --keep"), "{refused}");
    assert_eq!(folder.read("notes.txt"), "precious");
    assert!(!folder.path("t.sandbox.ledger.db").exists());
    for (file, reason) in [
        ("t.csv", "an input of the job"),
        ("t.toml", "the job file"),
        ("t.sandbox.ledger.db", "a ledger"),
        ("t.sandbox.ledger.db.rejects.csv", "which is the rejects file as well; name another file"),
        ("-", "which is standard output"),
    ] {
        let refused = keep(file, &["--force"]).expect(2).stderr;
        assert!(refused.contains("--keep") && refused.contains(reason), "{file}: {refused}");
    }
    keep("notes.txt", &["--force"]).expect(0);
    assert_eq!(contacts(&folder, "notes.txt").len(), 2);
}

#[test]
fn keep_without_the_built_in_sandbox_is_refused_with_the_remedy() {
    let folder = with_a_slow_job(1);
    let real = [
        "run",
        "--job",
        "t.toml",
        "--keep",
        "c.jsonl",
        "--instance-id",
        "11111111-2222-3333-4444-555555555555",
    ];
    let refused = folder.run(&real).expect(2).stderr;
    assert!(refused.contains("--keep works in rehearsals only; add --sandbox"), "{refused}");
    let own = [&REHEARSE[..], &["--keep", "c.jsonl", "--endpoint-url", "http://127.0.0.1:9"]].concat();
    let refused = folder.run(&own).expect(2).stderr;
    assert!(refused.contains("connect-import sandbox --state FILE"), "{refused}");
}

#[test]
fn shards_of_a_rehearsal_keep_their_contacts_in_files_of_their_own() {
    let folder = with_a_slow_job(20);
    for shard in ["0/2", "1/2"] {
        folder.run(&[&REHEARSE[..], &["--keep", "c.jsonl", "--shard", shard]].concat()).expect(0);
    }
    let kept = ["c.0-of-2.jsonl", "c.1-of-2.jsonl"].map(|file| contacts(&folder, file).len());
    assert!(kept.iter().all(|kept| *kept > 0) && kept.iter().sum::<usize>() == 20, "{kept:?}");
}
