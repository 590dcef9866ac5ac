//! `--shard`: several processes divide one import, each with its own ledger.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use crate::support::*;

const SHARDS: [&str; 3] = ["0/3", "1/3", "2/3"];

/// Arguments of a run of one shard with the default ledger and without an effective rate limit.
fn sharded<'a>(url: &'a str, shard: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let run = ["run", "--sandbox", "--rate", "100000", "--burst", "1000", "--endpoint-url", url];
    [&run[..], &["--shard", shard, "--output", "json"], more].concat()
}

fn tokens(sandbox: &SandboxProcess) -> BTreeSet<String> {
    sandbox.contacts().into_iter().map(|(token, _)| token).collect()
}

/// Two CSV files with repeated keys within and across files, rows without a key, and a ragged row.
fn write_two_files(folder: &Folder) {
    let (mut one, mut two) = ("Description,Name\n".to_owned(), "Description,Name\n".to_owned());
    for number in 0..60 {
        let _ = writeln!(one, "K{number},Task {number}");
        let _ = writeln!(two, "K{},Task {number}", number + 50);
    }
    one.push_str("K7,again\n,without a key\n,without a key\nK1,ragged,row\nK1,ragged,row\n");
    two.push_str("\"\",\nK0,long\n,\n");
    let _ = writeln!(two, "L1,{}", "x".repeat(1025));
    folder.write("one.csv", one);
    folder.write("two.csv", two);
}

/// Sum of a member over several summaries.
fn sum(summaries: &[Value], member: &str) -> u64 {
    summaries.iter().map(|summary| summary[member].as_u64().unwrap()).sum()
}

/// Runs all shards and returns their summaries. Each ends with `code` or 0.
fn run_all(folder: &Folder, url: &str, more: &[&str], code: i32) -> Vec<Value> {
    let run = |shard: &&str| {
        let ended = folder.run(&sharded(url, shard, more));
        assert!(ended.code == Some(code) || ended.code == Some(0), "{}{}", ended.stdout, ended.stderr);
        messages(&ended.stdout)["summary"].clone()
    };
    SHARDS.iter().map(run).collect()
}

#[test]
fn all_shards_together_send_the_tokens_and_write_the_rejects_of_the_whole_import() {
    for key in [&["--key", "Description"][..], &[]] {
        let (whole, parts) = (Folder::new(), Folder::new());
        let (of_whole, of_parts) = (
            SandboxProcess::start(&whole, &["--rate", "0"]),
            SandboxProcess::start(&parts, &["--rate", "0"]),
        );
        write_two_files(&whole);
        write_two_files(&parts);
        let more = [&["one.csv", "two.csv"][..], key].concat();
        let url = of_whole.url();
        let one_shard = sharded(&url, "", &more);
        let at = one_shard.iter().position(|word| *word == "--shard").unwrap();
        let unsharded = [&one_shard[..at], &one_shard[at + 2..]].concat();
        let single = messages(&whole.run(&unsharded).expect(1).stdout)["summary"].clone();
        let summaries = run_all(&parts, &of_parts.url(), &more, 1);

        assert_eq!(tokens(&of_whole), tokens(&of_parts));
        assert_eq!(of_parts.contacts().len(), tokens(&of_parts).len());
        assert_eq!(of_parts.stat("requests"), of_whole.stat("requests"), "a row was sent twice");
        for member in ["created", "rejected", "identical_rows", "failed", "unknown", "pending"] {
            assert_eq!(sum(&summaries, member), single[member].as_u64().unwrap(), "{member}");
        }
        let rows = single["rows_read"].as_u64().unwrap();
        assert_eq!(sum(&summaries, "rows_read"), 3 * rows);
        assert_eq!(sum(&summaries, "of_other_shards"), 2 * rows);
        // Each row that was not created is reported once, with the same cause.
        let rejects = |folder: &Folder, names: &[&str]| {
            let mut lines: Vec<String> = names
                .iter()
                .flat_map(|name| folder.read(name).lines().skip(1).map(str::to_owned).collect::<Vec<_>>())
                .map(|line| steady(&line, folder))
                .collect();
            lines.sort();
            lines
        };
        let of_shards =
            SHARDS.map(|shard| format!("one.{}.sandbox.ledger.db.rejects.csv", shard.replace('/', "-of-")));
        let named: Vec<&str> =
            of_shards.iter().map(|name| &**name).filter(|name| parts.path(name).exists()).collect();
        assert_eq!(rejects(&whole, &["one.sandbox.ledger.db.rejects.csv"]), rejects(&parts, &named));
        // The rows read and the rows left to other shards add up.
        for (shard, summary) in SHARDS.iter().zip(&summaries) {
            let ledger = format!("one.{}.sandbox.ledger.db", shard.replace('/', "-of-"));
            let own = parts.query(&ledger, "SELECT sum(rows) - sum(other_shards) FROM source_scans");
            assert_eq!(own, parts.query(&ledger, "SELECT count(*) FROM rows"), "{summary}");
        }
        // A second run sends nothing.
        let requests = of_parts.stat("requests");
        run_all(&parts, &of_parts.url(), &more, 1);
        assert_eq!(of_parts.stat("requests"), requests);
    }
}

#[test]
fn concurrent_shards_create_one_contact_per_row() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(300));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0", "--latency", "5ms"]);
    let url = sandbox.url();
    let more = ["t.csv", "--key", "id", "--concurrency", "4"];
    let running = SHARDS.map(|shard| folder.start(&sharded(&url, shard, &more)));
    for process in running {
        process.end().expect(0);
    }
    assert_eq!((sandbox.contacts().len(), tokens(&sandbox).len()), (300, 300));
    assert_eq!(sandbox.stat("requests"), 300);
    let export = folder.run(&["export", "t.csv", "--sandbox"]).expect(0);
    assert_eq!((export.stdout.lines().count(), &*export.stderr), (301, ""));
    let join = ["export", "t.csv", "--sandbox", "--join", "t.csv", "--output", "json"];
    let joined = folder.run(&join).expect(0).stdout;
    assert!(joined.lines().all(|line| line.contains("\"_state\":\"created\"")), "{joined}");
}

#[test]
fn check_counts_the_rows_of_a_shard_without_an_instance() {
    let folder = Folder::new();
    write_two_files(&folder);
    let check = |more: &[&str]| {
        let arguments =
            [&["check", "one.csv", "two.csv", "--key", "Description", "--output", "json"][..], more].concat();
        messages(&folder.run(&arguments).stdout)["check"].clone()
    };
    let whole = check(&[]);
    let parts = SHARDS.map(|shard| check(&["--shard", shard]));
    for member in ["to_send", "faulty", "identical_rows"] {
        assert_eq!(sum(&parts, member), whole[member].as_u64().unwrap(), "{member}");
    }
    assert_eq!(sum(&parts, "of_other_shards"), 2 * whole["rows_read"].as_u64().unwrap());
    assert_eq!((&whole["rate"], &whole["of_other_shards"]), (&2.0.into(), &0.into()));
    assert!((parts[0]["rate"].as_f64().unwrap() * 3.0 - 2.0).abs() < 1e-9);
    let text = folder.run(&["check", "one.csv", "--key", "Description", "--shard", "1/3"]).stdout;
    assert!(text.contains("  leave to other shards\n") && text.contains(" at 0.667 a second"), "{text}");

    // A run has the counts of its check.
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let more = ["one.csv", "two.csv", "--key", "Description"];
    for (summary, part) in run_all(&folder, &sandbox.url(), &more, 1).iter().zip(&parts) {
        assert_eq!(summary["created"], part["to_send"]);
        assert_eq!(summary["rejected"], part["faulty"]);
        assert_eq!(summary["of_other_shards"], part["of_other_shards"]);
    }
}

#[test]
fn a_shard_reports_its_rate_and_the_reason_for_it() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(4));
    folder.write("t.toml", "[source]\nfiles = [\"t.csv\"]\nkey = [\"id\"]\n[pacing]\nrate = 1000\n[request]\nName = \"{{ name }}\"\n");
    let run = |more: &[&str]| {
        let _ = std::fs::remove_file(folder.path("t.1-of-4.sandbox.ledger.db"));
        let _ = std::fs::remove_file(folder.path("t.1-of-4.sandbox.ledger.db.lock"));
        folder.run(&[&["run", "--job", "t.toml", "--sandbox", "--shard", "1/4"][..], more].concat()).expect(0)
    };
    for (more, reason) in [
        (&[][..], "the rate is that of the whole import, divided by 4"),
        (&["--rate", "250"], "the rate is the value of --rate, not divided"),
    ] {
        let ended = run(more);
        assert!(
            ended.stderr.contains(&format!("shard 1/4: 250.0 a second, burst 1; {reason}\n")),
            "{}",
            ended.stderr
        );
        assert!(ended.stdout.contains(&format!("  shard 1/4: {reason}\n")), "{}", ended.stdout);
        assert!(ended.stdout.contains(" of other shards, each of which"), "{}", ended.stdout);
    }
    let auto = run(&["--rate", "auto"]);
    assert!(auto.stderr.contains("shard 1/4: each shard finds its own rate"), "{}", auto.stderr);
}

#[test]
fn a_ledger_of_one_shard_is_refused_for_another_shard_and_for_the_whole_import() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(9));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let more = ["t.csv", "--key", "id", "--ledger", "t.ledger.db"];
    folder.run(&sharded(&url, "0/3", &more)).expect(0);
    let created = sandbox.stat("created");
    for (shard, message) in [
        (
            "1/3",
            "has the rows of shard 0/3, not the rows of shard 1/3; run it with --shard 0/3, or name another",
        ),
        (
            "0/2",
            "has the rows of shard 0/3, not the rows of shard 0/2; run it with --shard 0/3, or name another",
        ),
    ] {
        let refused = folder.run(&sharded(&url, shard, &more)).expect(2);
        assert!(refused.stderr.contains(message), "{}", refused.stderr);
    }
    let whole = folder.run(&import(&url, &[])).expect(2);
    assert!(whole.stderr.contains("not all rows of its import; run it with --shard 0/3"), "{}", whole.stderr);
    let checked =
        folder.run(&["check", "t.csv", "--key", "id", "--sandbox", "--ledger", "t.ledger.db"]).expect(2);
    assert!(checked.stderr.contains("run it with --shard 0/3"), "{}", checked.stderr);
    let doctor =
        ["doctor", "t.csv", "--key", "id", "--sandbox", "--ledger", "t.ledger.db", "--endpoint-url", &url];
    assert!(folder.run(&doctor).expect(2).stdout.contains("run it with --shard 0/3"));
    folder.run(&[&doctor[..], &["--shard", "0/3"]].concat()).expect(0);
    assert_eq!(sandbox.stat("created"), created);

    let other = Folder::new();
    other.write("t.csv", numbered_csv(9));
    other.run(&import(&url, &[])).expect(0);
    let refused = other.run(&sharded(&url, "0/3", &more)).expect(2);
    assert!(refused.stderr.contains("run it without --shard"), "{}", refused.stderr);
}

#[test]
fn rows_in_ledgers_of_another_division_are_not_resent() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0", "--forget-completed"]);
    let url = sandbox.url();
    folder.write("t.csv", "Name\na\nb\nc\nd\n");
    let whole = ["run", "t.csv", "--sandbox", "--rate", "100000", "--endpoint-url", &url];
    let refused = |arguments: &[&str], message: &str| {
        let ended = folder.run(arguments).expect(2);
        assert!(ended.stderr.contains(message), "{}", ended.stderr);
    };
    // First a part of the whole import, then shards.
    folder.run(&[&whole[..], &["--limit", "1"]].concat()).expect(10);
    refused(&sharded(&url, "0/2", &["t.csv"]), "Run again without --shard");
    refused(&["check", "t.csv", "--sandbox", "--shard", "0/2"], "Run again without --shard");
    std::fs::remove_file(folder.path("t.sandbox.ledger.db")).unwrap();
    // First shards, then other shards or the whole import.
    folder.run(&sharded(&url, "0/2", &["t.csv"])).expect(0);
    refused(&sharded(&url, "0/3", &["t.csv"]), "Run again with --shard K/2");
    refused(&whole, "t.0-of-2.sandbox.ledger.db has rows of this import");
    refused(&["doctor", "t.csv", "--sandbox"], "Run again with --shard K/2");
    let sent = sandbox.stat("created");
    folder.run(&sharded(&url, "1/2", &["t.csv"])).expect(0);
    assert!(sandbox.stat("created") > sent);
}

#[test]
fn an_invalid_shard_is_refused_in_a_flag_a_job_file_and_a_variable() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    folder.write("t.toml", "[source]\nfiles = [\"t.csv\"]\n\n[run]\nshard = \"4/4\"\n");
    let flag = folder.run(&["run", "t.csv", "--sandbox", "--shard", "4/4"]).expect(2);
    assert!(flag.stderr.contains("shards are numbered from 0: write 0/4 to 3/4"), "{}", flag.stderr);
    let file = folder.run(&["check", "--job", "t.toml"]).expect(2);
    assert!(file.stderr.contains("t.toml, line 5: shards are numbered from 0"), "{}", file.stderr);
    let mut command = folder.command(&["check", "t.csv"]);
    let variable = Ended::from(command.env("CONNECT_IMPORT_SHARD", "1").output().unwrap()).expect(2);
    assert!(variable.stderr.contains("such as 0/4"), "{}", variable.stderr);
}

#[test]
fn the_error_budget_is_a_share_of_the_shards_own_rows() {
    let folder = Folder::new();
    let mut csv = "id,Name\n".to_owned();
    for number in 0..30 {
        let name = if number < 12 { "x".repeat(1025) } else { "a".to_owned() };
        let _ = writeln!(csv, "K{number},{name}");
    }
    folder.write("t.csv", csv);
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    // About 4 of the 10 rows of a shard are invalid. Of all 30 rows they would be less than 20%.
    for shard in SHARDS {
        let more = ["t.csv", "--key", "id", "--max-errors", "20%"];
        folder.run(&sharded(&url, shard, &more)).expect(3);
    }
}

#[test]
fn status_shows_several_ledgers_as_one_import() {
    let folder = Folder::new();
    let long = "x".repeat(1025);
    folder.write("t.csv", format!("{}K999,{long}\nK998,{long}\n", numbered_csv(30)));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let more = ["t.csv", "--key", "id"];
    let run = |shard, code| {
        folder.run(&sharded(&url, shard, &[&more[..], &["--limit", "5"]].concat())).expect(code)
    };
    run("0/3", 10);
    run("1/3", 10);
    let status = |more: &[&str]| folder.run(&[&["status", "t.csv", "--sandbox"][..], more].concat());
    let text = status(&[]).expect(0).stdout;
    for part in [
        "2 ledgers (instance sandbox)\nshard 2 of 3 is not among the ledgers\n",
        "       10  created\n",
        "t.0-of-3.sandbox.ledger.db (shard 0/3): ",
        "5 created; run 1 limit reached",
        "To send the rows that wait or failed:\n",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert_eq!(text.matches("--shard 0/3").count() + text.matches("--shard 1/3").count(), 2, "{text}");
    let alone = folder.run(&["status", "--ledger", "t.1-of-3.sandbox.ledger.db"]).expect(0).stdout;
    assert!(alone.contains("shards 0 and 2 of 3 are not among the ledgers\n"), "{alone}");

    folder.run(&sharded(&url, "2/3", &more));
    folder.run(&sharded(&url, "0/3", &more));
    folder.run(&sharded(&url, "1/3", &more));
    let all: Value = serde_json::from_str(&status(&["--output", "json"]).expect(0).stdout).unwrap();
    assert_eq!((&all["rows"]["created"], &all["total"]), (&30.into(), &32.into()));
    assert_eq!(all["shards_missing"], serde_json::json!([]));
    let each = all["ledgers"].as_array().unwrap();
    assert_eq!(each.iter().map(|ledger| ledger["total"].as_u64().unwrap()).sum::<u64>(), 32);
    let of_each = |ledger: &Value| ledger["errors"].as_array().unwrap().len();
    assert_eq!(all["errors"].as_array().unwrap().len(), 1, "{all}");
    assert_eq!(all["errors"][0]["rows"], 2);
    assert!(each.iter().map(of_each).sum::<usize>() >= 1);
    let one = folder.run(&["status", "--ledger", "t.1-of-3.sandbox.ledger.db", "--output", "json"]).expect(0);
    let one: Value = serde_json::from_str(&one.stdout).unwrap();
    assert_eq!((&one["shard"], &one["ledgers"]), (&"1/3".into(), &Value::Null));
    assert!(one["runs"].as_array().is_some_and(|runs| runs.len() == 2));
    let shown = std::fs::File::create(folder.path("shown")).unwrap();
    let watch = ["status", "t.csv", "--sandbox", "--watch=100ms", "--output", "json"];
    let watching = Running::of(folder.command(&watch).stdout(shown));
    until("the status is shown three times", || folder.read("shown").lines().count() > 2);
    drop(watching);
}

#[test]
fn ledgers_of_different_imports_or_divisions_are_refused() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(9));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let ledger = |shard, name| {
        folder.run(&sharded(&url, shard, &["t.csv", "--key", "id", "--ledger", name])).expect(0);
    };
    ledger("0/3", "a.db");
    ledger("1/2", "b.db");
    ledger("0/3", "c.db");
    folder.run(&import(&url, &[])).expect(0);
    for (other, message) in [
        (
            "b.db",
            "the ledger b.db has the rows of shard 1/2, and the ledger a.db the rows of shard 0/3; name those of one division",
        ),
        (
            "c.db",
            "the ledger c.db has the rows of shard 0/3, and the ledger a.db the rows of shard 0/3; name those of one division",
        ),
        (
            "t.ledger.db",
            "the ledger t.ledger.db has all rows of its import, and the ledger a.db the rows of shard 0/3",
        ),
    ] {
        for command in ["status", "export"] {
            let refused = folder.run(&[command, "--ledger", "a.db", "--ledger", other]).expect(2);
            assert!(refused.stderr.contains(message), "{}", refused.stderr);
        }
    }
    let missing = folder.run(&["export", "--ledger", "a.db"]).expect(0);
    assert_eq!(missing.stderr, "shards 1 and 2 of 3 are not among the ledgers\n");
}

#[test]
fn a_shard_withdraws_only_its_own_rows_that_left_the_file() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(30));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let more = ["t.csv", "--key", "id"];
    for shard in SHARDS {
        folder.run(&sharded(&url, shard, &[&more[..], &["--limit", "1"]].concat())).expect(10);
    }
    folder.write("t.csv", numbered_csv(15));
    let summaries = run_all(&folder, &url, &more, 10);
    let withdrawn = sum(&summaries, "withdrawn");
    let created = tokens(&sandbox).len() as u64;
    assert!((12..=15).contains(&withdrawn), "{withdrawn}");
    assert_eq!(created + withdrawn, 30);
}

#[test]
fn verify_leaves_an_unknown_row_of_a_shard_unknown_because_another_shard_may_have_an_equal_row() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let shard = SHARDS
        .into_iter()
        .find(|shard| {
            let check = ["check", "t.csv", "--key", "id", "--shard", shard, "--output", "json"];
            messages(&folder.run(&check).expect(0).stdout)["check"]["to_send"] == 1
        })
        .unwrap();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0", "--lose", "1"]);
    let url = sandbox.url();
    folder.run(&sharded(&url, shard, &["t.csv", "--key", "id", "--on-unknown", "hold"])).expect(1);
    let verify =
        ["verify", "t.csv", "--key", "id", "--sandbox", "--endpoint-url", &url, "--search-rate", "1000"];
    let found = folder.run(&[&verify[..], &["--shard", shard]].concat()).expect(1);
    assert!(found.stdout.contains("1  ambiguous: several contacts or rows match"), "{}", found.stdout);
    let ledger = format!("t.{}.sandbox.ledger.db", shard.replace('/', "-of-"));
    assert_eq!(folder.states(&ledger), "unknown 1");
}
