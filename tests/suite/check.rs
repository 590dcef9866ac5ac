//! `check` reports the faults and counts of a run, and sends nothing.

use crate::support::*;

const JOB: &str = "[source]\nkey = [\"id\"]\n[request]\nName = \"{{ row['Name'] }}\"\n\
    Description = \"{{ row['Text'] | upper }}\"\n[request.Attributes]\nwhen = \"{{ row['When'] | iso('%d/%m/%Y') }}\"\n";

fn faulty() -> String {
    let long = "ü".repeat(1025);
    let rows = [
        "id,Name,Text,When".to_owned(),
        "1,fine,\"two\nlines\",01/02/2024".into(),
        format!("2,{long},x,"),
        "3,ok,x,yesterday".into(),
        format!("4,{long},{},31/12/2023", "x".repeat(4097)),
        "1,again,x,".into(),
        "5,short".into(),
        ",no key,x,".into(),
        "6,fine too,x,".into(),
    ];
    rows.join("\n") + "\n"
}

#[test]
fn faults_are_grouped_by_cause_with_line_limit_and_size_but_without_values() {
    let folder = Folder::new();
    folder.write("t.csv", faulty());
    folder.write("job.toml", JOB);
    let ended = folder.run(&["check", "t.csv", "--job", "job.toml", "--progress", "none"]).expect(1);
    assert!(!ended.stdout.contains("yesterday") && !ended.stdout.contains("üü"), "{}", ended.stdout);
    // The forecast ends with the time of day.
    let text: Vec<&str> = ended.stdout.lines().map(|line| line.split(", until").next().unwrap()).collect();
    insta::assert_snapshot!(text.join("\n"));
    let list = folder.run(&["check", "t.csv", "--job", "job.toml", "--output", "csv"]).expect(1);
    insta::assert_snapshot!(list.stdout);
    assert!(!folder.path("job.ledger.db").exists());
}

#[test]
fn the_attribute_to_search_by_is_the_one_of_the_key() {
    let folder = Folder::new();
    folder.write("t.csv", "Agent,Ticket ID\nann,1\nann,2\n");
    let job = |key: &str| {
        format!(
            "[source]\nfiles = [\"t.csv\"]\nkey = [\"{key}\"]\n[request]\nName = \"x\"\n[request.Attributes]\n\
             agent = \"{{{{ row['Agent'] }}}}\"\nticket_id = \"{{{{ row['Ticket ID'] }}}}\"\n"
        )
    };
    for (key, which) in
        [("Ticket ID", "such as ticket_id"), ("{{ row['Ticket ID'] | trim }}", "that holds the key")]
    {
        folder.write("job.toml", job(key));
        let check = folder.run(&["check", "--job", "job.toml"]).expect(0).stdout;
        assert!(check.contains(&format!("To search by an attribute {which}, register it")), "{check}");
    }
}

#[test]
fn a_run_sends_the_rows_that_check_counted() {
    let folder = Folder::new();
    folder.write("t.csv", faulty());
    folder.write("job.toml", JOB);
    let endpoint = Endpoint::start(|_, body| {
        if body["Name"] == "fine too" { Reply::Error(400, "InvalidRequestException") } else { Reply::Created }
    });
    let url = endpoint.url();
    let check = |more: &[&str]| {
        let mut arguments = vec!["check", "t.csv", "--job", "job.toml", "--sandbox", "--output", "json"];
        arguments.extend(["--ledger", "t.ledger.db", "--key", "id"]);
        arguments.extend(more);
        let ended = folder.run(&arguments);
        messages(&ended.stdout)["check"].clone()
    };
    let before = check(&[]);
    assert_eq!(
        (&before["rows_read"], &before["faulty"], &before["to_send"]),
        (&8.into(), &6.into(), &2.into())
    );
    folder.run(&import(&url, &["--job", "job.toml"])).expect(1);
    assert_eq!(folder.states("t.ledger.db"), "created 1, rejected 7");
    assert_eq!(endpoint.requests().len(), 2);
    let after = check(&[]);
    let counts =
        ["already_created", "refused_before", "faulty", "to_send"].map(|name| after[name].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 6, 0]);
    // A row that Connect refused is sent again once it has changed.
    folder.write("t.csv", faulty().replace("fine too", "corrected").replace("1,fine,", "1,other,"));
    let corrected = check(&[]);
    let counts =
        ["to_send", "changed_created", "refused_before"].map(|name| corrected[name].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 0]);
    folder.run(&import(&url, &["--job", "job.toml"])).expect(1);
    assert_eq!(endpoint.requests().len(), 3);
}

#[test]
fn without_a_key_identical_rows_are_each_counted_as_to_send() {
    let folder = Folder::new();
    folder.write("t.csv", "Name\na\nb\na\na\n");
    let ended = folder.run(&["check", "t.csv", "--output", "json"]).expect(0);
    let check = &messages(&ended.stdout)["check"];
    assert_eq!((&check["identical_rows"], &check["to_send"]), (&2.into(), &4.into()));
    folder.run(&["run", "t.csv", "--sandbox", "--limit", "2", "--rate", "1000"]).expect(10);
    folder.write("t.csv", "Name\na\nb\na\na\nc\n");
    let ended = folder.run(&["check", "t.csv", "--sandbox", "--output", "json"]).expect(0);
    let check = &messages(&ended.stdout)["check"];
    assert_eq!((&check["already_created"], &check["to_send"]), (&2.into(), &3.into()));
}

#[test]
fn the_ledger_of_another_namespace_is_refused() {
    let folder = Folder::new();
    folder.write("t.csv", "id,Name\n1,a\n");
    folder.run(&["run", "t.csv", "--key", "id", "--sandbox"]).expect(0);
    let other = ["check", "t.csv", "--key", "id", "--sandbox", "--namespace", "second"];
    let ended = folder.run(&other).expect(2);
    assert!(ended.stderr.contains("belongs to namespace '', not 'second'"), "{}", ended.stderr);
}

#[test]
fn the_forecast_has_the_duration_and_whether_it_exceeds_the_idempotency_window() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1000));
    let forecast = |more: &[&str]| {
        let mut arguments = vec!["check", "t.csv", "--key", "id", "--output", "json"];
        arguments.extend(more);
        messages(&folder.run(&arguments).expect(0).stdout)["check"].clone()
    };
    let usual = forecast(&[]);
    assert_eq!((&usual["seconds"], &usual["outlasts_idempotency_window"]), (&500.0.into(), &false.into()));
    let slow = forecast(&["--rate", "0.01"]);
    assert_eq!(slow["outlasts_idempotency_window"], true);
    assert_eq!(forecast(&["--limit", "10"])["seconds"], 5.0);
    assert!(usual["longest_request_bytes"].as_u64().unwrap() > 100);
}

#[test]
fn the_longest_request_equals_the_longest_body_that_run_sends() {
    let folder = Folder::new();
    folder.write("t.csv", "id,Name,Description\n1,a,b\n2,Größe \"1\",\"two\nlines\t\\\u{1}\"\n3,c,d\n");
    let checked = folder.run(&["check", "t.csv", "--key", "id", "--output", "json"]).expect(0);
    let longest = messages(&checked.stdout)["check"]["longest_request_bytes"].clone();
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    folder.run(&import(&endpoint.url(), &[])).expect(0);
    let sent = endpoint.requests().iter().map(|body| body.to_string().len()).max().unwrap();
    // The forecast counts an instance id of 36 characters; that of this run is `sandbox`.
    assert_eq!(longest, sent + 36 - "sandbox".len());
}

#[test]
fn faults_beyond_the_error_budget_stop_a_run_before_its_first_request() {
    let folder = Folder::new();
    folder.write("t.csv", faulty());
    folder.write("job.toml", JOB);
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    for budget in ["5", "70%"] {
        let ended = folder.run(&import(&url, &["--job", "job.toml", "--max-errors", budget])).expect(3);
        assert!(ended.stdout.contains("The error budget is spent: 6 rows have errors"), "{}", ended.stdout);
        assert_eq!(folder.states("t.ledger.db"), "pending 2, rejected 6");
        let check =
            folder.run(&["check", "t.csv", "--job", "job.toml", "--key", "id", "--max-errors", budget]);
        assert!(check.expect(1).stdout.contains("a run would not start: --max-errors"));
    }
    assert!(endpoint.requests().is_empty());
    folder.run(&import(&url, &["--job", "job.toml", "--max-errors", "6"])).expect(1);
    assert_eq!(folder.states("t.ledger.db"), "created 2, rejected 6");
}

#[test]
fn with_no_check_each_row_is_validated_before_it_is_sent_and_the_error_budget_stops_the_run() {
    let folder = Folder::new();
    let mut text = "id,Name\n".to_owned();
    for row in 0..50 {
        let name = if row % 2 == 0 { "x".repeat(1025) } else { "fine".into() };
        text.push_str(&format!("{row},{name}\n"));
    }
    folder.write("t.csv", text);
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let more = ["--no-check", "--max-errors", "3", "--concurrency", "1"];
    folder.run(&import(&url, &more)).expect(3);
    let rejected = folder.query("t.ledger.db", "SELECT count(*) FROM rows WHERE state = 'rejected'");
    assert_eq!(rejected, "4");
    assert_eq!(endpoint.requests().len(), 3);
    folder.run(&import(&url, &["--no-check"])).expect(1);
    assert_eq!(folder.states("t.ledger.db"), "created 25, rejected 25");
}

#[test]
fn csv_output_is_refused_by_commands_other_than_check_and_export() {
    let folder = Folder::new();
    folder.write("t.csv", "Name\na\n");
    for arguments in
        [&["run", "t.csv", "--sandbox", "--output", "csv"][..], &["status", "t.csv", "--output", "csv"]]
    {
        let ended = folder.run(arguments).expect(2);
        assert!(ended.stderr.contains("csv works with check and export only"), "{}", ended.stderr);
    }
}

#[test]
fn rows_of_a_renamed_file_are_counted_once() {
    let folder = Folder::new();
    folder.write("a.csv", numbered_csv(4));
    let shared = ["--key", "id", "--sandbox", "--ledger", "t.ledger.db", "--rate", "1000"];
    folder.run(&[&["run", "a.csv", "--limit", "1"][..], &shared].concat()).expect(10);
    std::fs::rename(folder.path("a.csv"), folder.path("b.csv")).unwrap();
    let check = |file: &str| {
        let ended = folder.run(&[&["check", file, "--output", "json"][..], &shared].concat()).expect(0);
        messages(&ended.stdout)["check"].clone()
    };
    assert_eq!((&check("b.csv")["to_send"], &check("b.csv")["waiting_elsewhere"]), (&3.into(), &0.into()));
    folder.write("c.csv", "id,Name\nK9,new\n");
    assert_eq!((&check("c.csv")["to_send"], &check("c.csv")["waiting_elsewhere"]), (&4.into(), &3.into()));
}

#[test]
fn rows_in_doubt_beyond_the_idempotency_window_are_counted_as_unknown() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    let endpoint = Endpoint::start(|_, _| Reply::Close);
    let url = endpoint.url();
    let more = ["--read-timeout", "1", "--max-attempts", "9", "--grace", "0"];
    let running = folder.start(&import(&url, &more));
    until("rows are in doubt", || endpoint.requests().len() > 2);
    running.signal("INT");
    running.end().expect(130);
    folder.execute("t.ledger.db", "UPDATE rows SET doubt_ms = 1 WHERE key = 'K0'");
    let check = ["check", "t.csv", "--key", "id", "--sandbox", "--ledger", "t.ledger.db", "--output", "json"];
    let check = messages(&folder.run(&check).expect(0).stdout)["check"].clone();
    assert_eq!((&check["unknown"], &check["to_send"]), (&1.into(), &1.into()));
}

#[test]
fn a_row_identical_to_a_created_row_is_validated() {
    let folder = Folder::new();
    folder.write("t.csv", "Name\nfine\n");
    let shared = ["--sandbox", "--ledger", "t.ledger.db", "--job", "job.toml"];
    folder.write("job.toml", "[request]\nName = \"{{ row['Name'] }}\"\n");
    folder.run(&[&["run", "t.csv"][..], &shared].concat()).expect(0);
    folder.write("t.csv", "Name\nfine\nfine\n");
    folder.write("job.toml", "[request]\nExpiryDurationInMinutes = \"{{ row['Name'] }}\"\n");
    let check = folder.run(&[&["check", "t.csv"][..], &shared].concat()).expect(1);
    assert!(check.stdout.contains("t.csv, line 3"), "{}", check.stdout);
    folder.run(&[&["run", "t.csv"][..], &shared].concat()).expect(1);
    assert_eq!(folder.states("t.ledger.db"), "created 1, rejected 1");
}

#[test]
fn a_member_name_rendered_from_a_cell_is_not_printed() {
    let folder = Folder::new();
    folder.write("t.csv", "id,who,note\n1,Jane Planted,x\n");
    folder.write(
        "job.toml",
        "[request.Attributes]\n\"{{ who }}\" = \"{{ note }}\"\n[request.References.\"{{ who }}\"]\n\
         Type = \"{{ note }}\"\nValue = \"v\"\n",
    );
    let arguments = ["t.csv", "--job", "job.toml", "--key", "id", "--sandbox"];
    let check = folder.run(&[&["check"][..], &arguments].concat()).expect(1);
    assert!(
        check.stdout.contains("Attributes.*") && check.stdout.contains("References.*"),
        "{}",
        check.stdout
    );
    let run = folder.run(&[&["run"][..], &arguments, &["--output", "json"]].concat()).expect(1);
    let outputs = [
        check.stdout,
        check.stderr,
        run.stdout,
        run.stderr,
        folder.query("job.sandbox.ledger.db", "SELECT message FROM rows"),
    ];
    for text in outputs {
        assert!(!text.contains("Planted"), "{text}");
    }
}

#[test]
fn repeated_rows_that_are_pending_from_another_file_are_counted_once() {
    for (key, sent) in [(&["--key", "id"][..], 3), (&[], 5)] {
        let folder = Folder::new();
        folder.write("a.csv", "id,Name\no,2\ns,1\ns,1\ns,1\np,3\nq,3\n");
        folder.write("b.csv", "id,Name\ns,1\ns,1\ns,1\n");
        folder.write("job.toml", "[request]\nName = \"{{ row['Name'] }}\"\n");
        let shared = [&["--job", "job.toml", "--sandbox", "--rate", "1000"][..], key].concat();
        let limited = folder.run(&[&["run", "a.csv", "--limit", "1"][..], &shared].concat());
        assert_eq!(limited.code, Some(10), "{}", limited.stdout);
        let check = folder.run(&[&["check", "b.csv", "--output", "json"][..], &shared].concat());
        assert_eq!(messages(&check.stdout)["check"]["to_send"], sent, "{key:?}");
        folder.run(&[&["run", "b.csv"][..], &shared].concat());
        let created =
            folder.query("job.sandbox.ledger.db", "SELECT count(*) FROM rows WHERE state = 'created'");
        assert_eq!(created, (1 + sent).to_string(), "{key:?}");
    }
}

#[test]
fn a_closed_standard_output_is_not_an_error() {
    let folder = Folder::new();
    let rows = (0..5000).map(|row| format!("K{row},{}\n", "x".repeat(1025)));
    folder.write("t.csv", "id,Name\n".to_owned() + &rows.collect::<String>());
    folder.run_with_closed_stdout(&["check", "t.csv", "--key", "id", "--output", "csv"]).expect(1);
}

#[test]
fn how_to_list_the_faults_is_told_as_it_works() {
    let folder = Folder::new();
    folder.write("t.csv", format!("id,Name\nK1,a\nK2,{}\n", "x".repeat(1025)));
    let check = |more: &[&str]| folder.run(&[&["check", "t.csv", "--key", "id"], more].concat()).expect(1);
    assert!(check(&[]).stdout.contains("\nTo list every fault on a line, add --output csv.\n"));
    let shown = check(&["--show", "1"]).stdout;
    assert!(shown.contains("add --output csv, without --show.\n"), "{shown}");
    let listed = check(&["--output", "csv"]).stderr;
    assert!(!listed.contains("add --output csv"), "{listed}");
}
