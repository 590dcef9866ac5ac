//! Mended rows that a shard or a condition does not select.

use crate::html_report::accounts;
use crate::mending::*;
use crate::support::*;

/// The sums over the ledgers of all shards.
fn shard_accounts(folder: &Folder) -> Vec<String> {
    let report = folder.run(&["report", "t.csv", "--sandbox", "--to", "-"]).expect(0).stdout;
    accounts(&report)
}

#[test]
fn a_key_mended_into_another_shard_is_counted_once_by_all_shards() {
    let long = "x".repeat(1025);
    let rows =
        |key: &str, name: &str| (0..12).map(|number| format!("{key}{number},{name}\n")).collect::<String>();
    let folder = Folder::new();
    folder.write("t.csv", format!("{}{}", numbered_csv(20), rows("Q", &long)));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let shards = ["0/3", "1/3", "2/3"];
    let run_all = |csv: &str| {
        let run = |shard: &&str| {
            let name = format!("t.{}.sandbox.ledger.db", shard.replace('/', "-of-"));
            let run = ["run", csv, "--key", "id", "--sandbox", "--rate", "100000", "--burst", "1000"];
            folder
                .run(&[&run[..], &["--endpoint-url", &url, "--shard", shard, "--ledger", &name]].concat())
                .code
        };
        shards.iter().map(run).collect::<Vec<_>>()
    };
    run_all("t.csv");
    let mut fixed = String::new();
    for shard in shards {
        let name = format!("t.{}.sandbox.ledger.db.rejects.csv", shard.replace('/', "-of-"));
        if folder.path(&name).exists() {
            let text = folder.read(&name);
            fixed += if fixed.is_empty() { &text } else { text.split_once('\n').unwrap().1 };
        }
    }
    assert_eq!(fixed.lines().count(), 13);
    let fixed = fixed.replace(&long, "mended").replace("\nQ", "\nZ");
    folder.write("fixed.csv", &fixed);
    for csv in ["fixed.csv", "t.csv", "fixed.csv", "t.csv"] {
        assert_eq!(run_all(csv), [Some(0); 3], "{csv}");
        assert_eq!(endpoint.requests().len(), 32);
        let accounts = shard_accounts(&folder);
        let cells: Vec<&str> = accounts[0].split('|').collect();
        assert_eq!((accounts.len(), &cells[..3]), (1, &["t.csv", "32", "32"][..]), "{csv}: {accounts:?}");
        assert!(accounts[0].contains("adds up"), "{accounts:?}");
    }
}

#[test]
fn a_mended_row_that_where_does_not_select_is_passed_over() {
    let long = "x".repeat(1025);
    let imported = FaultyImport::of(KEYS[0]);
    let job = imported.folder.read("t.toml");
    imported.folder.write("t.toml", job.replace("[request]", "where = \"id != 'no'\"\n[request]"));
    imported.folder.write("t.csv", format!("id,Name,opened\nA,a,2023-02-01\nB,{long},2023-02-01\n"));
    imported.run("t.csv", &[]).expect(1);
    imported.folder.write("fixed.csv", imported.folder.read(REJECTS).replace("B,", "no,"));
    for csv in ["fixed.csv", "t.csv", "fixed.csv", "t.csv"] {
        let ended = imported.run(csv, &[]).expect(0);
        assert_eq!(messages(&ended.stdout)["summary"]["total_in_ledger"], 1, "{csv}");
        let report =
            imported.folder.run(&["report", "--ledger", "t.ledger.db", "--to", "-"]).expect(0).stdout;
        assert!(accounts(&report)[0].contains("adds up"), "{csv}: {:?}", accounts(&report));
    }
}

#[test]
fn a_mended_row_that_was_passed_over_is_judged_again_once_where_has_changed() {
    let long = "x".repeat(1025);
    for then in [&["t.csv", "fixed.csv"][..], &["fixed.csv"]] {
        let imported = FaultyImport::of(KEYS[0]);
        let job = imported.folder.read("t.toml");
        let with = |condition: &str| {
            imported.folder.write("t.toml", job.replace("[request]", &format!("{condition}\n[request]")));
        };
        with("where = \"id != 'no'\"");
        imported.folder.write("t.csv", format!("id,Name,opened\nA,a,2023-02-01\nB,{long},2023-02-01\n"));
        imported.run("t.csv", &[]).expect(1);
        let fixed = imported.folder.read(REJECTS).replace("B,", "no,").replace(&long, "b");
        imported.folder.write("fixed.csv", fixed);
        imported.run("fixed.csv", &[]).expect(0);
        imported.run("t.csv", &[]).expect(0);
        // Another condition, which passes it over too, judges the row of the CSV again.
        with("where = \"id != 'no' and id != 'never'\"");
        imported.run("t.csv", &[]).expect(1);
        imported.run("fixed.csv", &[]).expect(0);
        imported.run("t.csv", &[]).expect(0);
        with("");
        for (index, csv) in then.iter().enumerate() {
            let is_last = index + 1 == then.len();
            let checked = imported.folder.run(&["check", csv, "--job", "t.toml"]);
            let ended = imported.run(csv, &[]).expect(i32::from(!is_last));
            assert_eq!(checked.code, ended.code, "{csv}: {}", checked.stdout);
            assert_eq!(messages(&ended.stdout)["summary"]["total_in_ledger"], 2, "{csv}");
        }
        imported.run("t.csv", &[]).expect(0);
        let report =
            imported.folder.run(&["report", "--ledger", "t.ledger.db", "--to", "-"]).expect(0).stdout;
        assert!(accounts(&report)[0].starts_with("t.csv|2|2|"), "{:?}", accounts(&report));
        assert_eq!(imported.endpoint.client_tokens().len(), 2);
    }
}
