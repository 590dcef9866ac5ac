//! The rejects file: which files it replaces, and what becomes of one that was changed by hand.

use crate::printed_commands::{paste, printed};
use crate::support::*;

const REJECTS: &str = "t.ledger.db.rejects.csv";

/// Two rows, the second of which is rejected.
fn faulty() -> String {
    format!("{}K9,{}\n", numbered_csv(1), "x".repeat(1025))
}

/// Names of rejects files that were moved aside.
fn kept(folder: &Folder) -> Vec<String> {
    let names = std::fs::read_dir(folder.path("")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("t.ledger.db.rejects.2") && name.ends_with(".csv")).collect()
}

#[test]
fn a_changed_rejects_file_is_kept_when_a_run_writes_its_rejects() {
    let folder = Folder::new();
    folder.write("t.csv", faulty());
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    folder.run(&import(&url, &[])).expect(1);
    let rejects = folder.read(REJECTS);
    let ended = folder.run(&import(&url, &[])).expect(1);
    assert_eq!((kept(&folder), folder.read(REJECTS) == rejects), (Vec::new(), true), "{}", ended.stderr);

    let mended = rejects.replace(&"x".repeat(1025), "mended");
    folder.write(REJECTS, &mended);
    let ended = folder.run(&import(&url, &[])).expect(1);
    let [name] = &kept(&folder)[..] else { panic!("{:?}", kept(&folder)) };
    assert_eq!((folder.read(name), folder.read(REJECTS)), (mended.clone(), rejects));
    assert!(name.ends_with("Z.csv"), "{name}");
    let told = format!("{REJECTS} had been changed since connect-import wrote it; it is kept as {name}");
    assert!(ended.stderr.contains(&told), "{}", ended.stderr);
    let line = format!("  earlier rejects, which had been changed: {name}\n");
    assert!(ended.stdout.contains(&line), "{}", ended.stdout);
    assert_eq!(folder.permissions(REJECTS), 0o600);

    // The printed command imports the work. With no more rejects the file of the last run is removed.
    let purpose =
        "\nTo import the earlier rejects, as they had been changed, if that is still to be done:\n  ";
    paste(&folder, printed(&ended.stdout, purpose)).expect(0);
    assert_eq!(folder.states("t.ledger.db"), "created 2");
    assert_eq!(kept(&folder), std::slice::from_ref(name));
    assert_eq!(folder.read(name), mended);
    assert!(!folder.path(REJECTS).exists());
}

#[test]
fn a_changed_rejects_file_is_kept_when_there_are_no_rejects_any_more() {
    let folder = Folder::new();
    folder.write("t.csv", faulty());
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    folder.run(&import(&url, &[])).expect(1);
    let changed = format!("{}K7,more,,,,,,\n", folder.read(REJECTS));
    folder.write(REJECTS, &changed);
    folder.write("t.csv", numbered_csv(1));
    let ended = folder.run(&import(&url, &["--output", "json"])).expect(0);
    let [name] = &kept(&folder)[..] else { panic!("{:?}", kept(&folder)) };
    assert_eq!(folder.read(name), changed);
    assert!(!folder.path(REJECTS).exists());
    let summary = &messages(&ended.stdout)["summary"];
    assert!(summary["rejects_kept"][0].as_str().unwrap().ends_with(name), "{summary}");
    assert_eq!(summary["rejects"], serde_json::Value::Null);
    assert!(ended.stderr.contains(name), "{}", ended.stderr);
    // An unchanged one is removed.
    folder.write("t.csv", faulty());
    folder.run(&import(&url, &[])).expect(1);
    folder.write("t.csv", numbered_csv(1));
    folder.run(&import(&url, &[])).expect(0);
    assert_eq!((kept(&folder).len(), folder.path(REJECTS).exists()), (1, false));
}

#[test]
fn a_rejects_file_that_is_saved_while_the_run_sends_is_kept_and_so_is_one_that_force_replaces() {
    let folder = Folder::new();
    folder.write("t.csv", faulty());
    let gate = Gate::default();
    let endpoint = Endpoint::created_after(&gate);
    let url = endpoint.url();
    let running = folder.start(&import(&url, &[]));
    until("a request is sent", || !endpoint.requests().is_empty());
    let saved = "id,Name,_file,_line,_key,_state,_code,_message,_row\nK9,mine,,,,,,\n";
    folder.write(REJECTS, saved);
    gate.open();
    running.end().expect(1);
    let first = kept(&folder);
    assert_eq!((first.len(), folder.read(&first[0])), (1, saved.to_owned()));
    folder.write(REJECTS, "notes");
    folder.run(&import(&url, &["--force"])).expect(1);
    let second = kept(&folder).into_iter().find(|name| !first.contains(name)).unwrap();
    assert_eq!(folder.read(&second), "notes");
    assert!(folder.read(REJECTS).contains("K9"));
}

#[test]
fn a_run_that_dies_before_its_rejects_are_in_place_leaves_none_that_the_next_one_would_keep() {
    let folder = Folder::new();
    folder.write("t.csv", faulty());
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    folder.run(&import(&url, &[])).expect(1);
    let killed = folder.run(&import(&url, &["--crash-at", "rejects"]));
    assert_eq!(killed.code, None);
    folder.run(&import(&url, &[])).expect(1);
    assert_eq!(kept(&folder), [""; 0]);
}

#[test]
fn a_linked_rejects_file_is_kept_beside_the_file_that_the_link_leads_to() {
    let folder = Folder::new();
    folder.write("t.csv", faulty());
    std::fs::create_dir(folder.path("shared")).unwrap();
    let old = "id,_file,_line,_key,_state,_code,_message,_row\n";
    folder.write("shared/r.csv", old);
    std::os::unix::fs::symlink("shared/r.csv", folder.path("r.csv")).unwrap();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    folder.run(&import(&sandbox.url(), &["--rejects", "r.csv"])).expect(1);
    assert!(folder.path("r.csv").is_symlink());
    assert!(folder.read("r.csv").contains("K9"));
    let mut names: Vec<String> = std::fs::read_dir(folder.path("shared"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() == 2 && names[0].starts_with("r.2"), "{names:?}");
    assert_eq!(folder.read(&format!("shared/{}", names[0])), old);
}

#[test]
fn each_shard_keeps_its_own_changed_rejects() {
    let folder = Folder::new();
    let long = "x".repeat(1025);
    let rows: String = (0..8).map(|row| format!("K{row},{long}\n")).collect();
    folder.write("t.csv", format!("id,Name\n{rows}"));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let run = |shard: &str| {
        let own = ["run", "t.csv", "--key", "id", "--sandbox", "--rate", "1000", "--endpoint-url", &url];
        folder.run(&[&own[..], &["--shard", shard]].concat()).expect(1)
    };
    run("0/2");
    run("1/2");
    let names = ["t.0-of-2.sandbox.ledger.db.rejects.csv", "t.1-of-2.sandbox.ledger.db.rejects.csv"];
    let changed = format!("{}K99,mine,,,,,,\n", folder.read(names[0]));
    folder.write(names[0], &changed);
    assert!(run("0/2").stderr.contains("t.0-of-2.sandbox.ledger.db.rejects.2"));
    assert!(!run("1/2").stderr.contains("is kept as"));
    assert_ne!(folder.read(names[0]), changed);
}

#[test]
fn rejects_replace_and_remove_only_earlier_rejects() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    folder.write("precious.txt", "precious");
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let ended = folder.run(&import(&url, &["--rejects", "precious.txt"])).expect(2);
    assert!(ended.stderr.contains("is not a rejects file written by connect-import"), "{}", ended.stderr);
    folder.run(&import(&url, &["--rejects", "t.ledger.db", "--force"])).expect(2);
    assert!(endpoint.requests().is_empty());
    folder.run(&import(&url, &[])).expect(0);
    for name in ["t.ledger.db", "./t.ledger.db-wal", "t.ledger.db.lock"] {
        folder.run(&import(&url, &["--rejects", name, "--force"])).expect(2);
    }
    // Without rejects, `--force` has nothing to replace the file with.
    folder.run(&import(&url, &["--rejects", "precious.txt", "--force"])).expect(0);
    folder.run(&import(&url, &["--rejects", "no/such/folder.csv"])).expect(74);
    assert_eq!(folder.read("precious.txt"), "precious");
    assert_eq!(folder.states("t.ledger.db"), "created 1");
}

#[test]
fn rejects_on_a_full_disk_end_in_74_and_the_next_run_writes_them() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("tiny")).unwrap();
    let long = "x".repeat(1025);
    let rows: String = (0..200).map(|number| format!("K{number},{long}\n")).collect();
    folder.write("t.csv", format!("id,Name\n{rows}"));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    // A disk of 64 KiB in a mount namespace. Some systems allow that only to the superuser.
    let on_small_disk = |command_line: &[&str]| {
        let mount = "mount -t tmpfs -o size=64k tmpfs tiny && exec \"$0\" \"$@\"";
        let mut command = std::process::Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", mount]).args(command_line);
        command.current_dir(folder.path("")).output()
    };
    if !on_small_disk(&["true"]).is_ok_and(|output| output.status.success()) {
        return skip_outside_of_the_gate("a test needs unshare and mount to make a small disk");
    }
    let rejects = import(&url, &["--rejects", "tiny/r.csv"]);
    let command_line = [&[env!("CARGO_BIN_EXE_connect-import")], &rejects[..]].concat();
    let ended = Ended::from(on_small_disk(&command_line).unwrap()).expect(74);
    assert!(ended.stderr.contains("the next run writes them again"), "{}", ended.stderr);
    folder.run(&rejects).expect(1);
    assert_eq!(folder.read("tiny/r.csv").lines().count(), 201);
}
