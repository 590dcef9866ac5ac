//! Before the first request: who sends how many rows where, the instance's account, and the question on a terminal.

use serde_json::Value;

use crate::support::*;
use crate::terminal::Terminal;

const ACCOUNT: &str = "111122223333";
const CALLER: &str = "arn:aws:sts::111122223333:assumed-role/Importer/me";
const INSTANCE: &str = "11111111-2222-3333-4444-555555555555";
const CREDENTIALS: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_REGION", "eu-west-2")];

/// An AWS STS that answers GetCallerIdentity.
fn security_token_service() -> Endpoint {
    Endpoint::start(|_, _| {
        Reply::Json(format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <GetCallerIdentityResult><Arn>{CALLER}</Arn><UserId>U</UserId><Account>{ACCOUNT}</Account>\
             </GetCallerIdentityResult></GetCallerIdentityResponse>"
        ))
    })
}

/// An answer in the form of AWS STS without an account id, with a line feed that would begin a line of the log.
const IMITATION: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
    <GetCallerIdentityResult><Arn>arn</Arn><UserId>U</UserId><Account>12&#10;error: forged</Account>\
    </GetCallerIdentityResult></GetCallerIdentityResponse>";

/// A Connect on this machine by an address that is not known as loopback.
fn remote(endpoint: &Endpoint) -> String {
    format!("http://0.0.0.0:{}", endpoint.port)
}

fn run<'a>(instance: &'a str, url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let own =
        ["run", "t.csv", "--key", "id", "--rate", "100000", "--burst", "1000", "--ledger", "t.ledger.db"];
    [&own[..], &["--instance-id", instance, "--endpoint-url", url], more].concat()
}

fn with_credentials(folder: &Folder, arguments: &[&str], sts: &Endpoint) -> Ended {
    let mut command = folder.command(arguments);
    command.envs(CREDENTIALS).env("AWS_ENDPOINT_URL_STS", sts.url());
    Ended::from(command.output().unwrap())
}

fn announcements(stdout: &str) -> Vec<Value> {
    let lines = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["message_type"] == "announcement").collect()
}

#[test]
fn a_run_says_once_who_sends_what_where_to() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let (connect, sts) = (Endpoint::start(|_, _| Reply::Created), security_token_service());
    let url = remote(&connect);
    let arguments = run(INSTANCE, &url, &["--limit", "2"]);
    let stderr = with_credentials(&folder, &arguments, &sts).expect(10).stderr;
    let block = format!(
        "checked: 3 rows read, 2 to send\n\
         2 rows to send; contacts cannot be deleted\n  \
           account      {ACCOUNT}, {CALLER}\n  \
           credentials  the variable AWS_ACCESS_KEY_ID\n  \
           Region       eu-west-2\n  \
           endpoint     0.0.0.0\n  \
           instance     {INSTANCE}\n  \
           operation    CreateContact\n  \
           rate         100000.0 a second, burst 1000\n  \
           ledger       t.ledger.db\n"
    );
    assert_eq!(stderr.matches(&block).count(), 1, "{stderr}");
    assert_eq!(stderr.matches("account ").count(), 1, "{stderr}");
    // Without a terminal nothing asks.
    assert!(!stderr.contains("[y/N]"), "{stderr}");
    assert_eq!((connect.requests().len(), sts.requests().len()), (2, 1));

    let json = run(INSTANCE, &url, &["--output", "json", "--progress", "none"]);
    let ended = with_credentials(&folder, &json, &sts).expect(0);
    assert_eq!(ended.stderr, "");
    let found = announcements(&ended.stdout);
    let [found] = &found[..] else { panic!("{found:?}") };
    for (member, value) in [
        ("to_send", Value::from(1)),
        ("account", ACCOUNT.into()),
        ("caller", CALLER.into()),
        ("account_unknown", Value::Null),
        ("credentials", "the variable AWS_ACCESS_KEY_ID".into()),
        ("profile", Value::Null),
        ("region", "eu-west-2".into()),
        ("endpoint", url.as_str().into()),
        ("instance_id", INSTANCE.into()),
        ("operation", "CreateContact".into()),
        ("rate", Value::from(100_000.0)),
        ("burst", Value::from(1000)),
        ("ledger", "t.ledger.db".into()),
        ("is_rehearsal", false.into()),
    ] {
        assert_eq!(found[member], value, "{member}");
    }

    // The ledger keeps it, and status shows it.
    let kept = folder.query("t.ledger.db", "SELECT DISTINCT endpoint, region, account, caller FROM runs");
    assert_eq!(kept, format!("0.0.0.0:{}|eu-west-2|{ACCOUNT}|{CALLER}", connect.port));
    let status = folder.run(&["status", "--ledger", "t.ledger.db"]).expect(0).stdout;
    assert!(status.contains(&format!("; to 0.0.0.0:{}, account {ACCOUNT}\n", connect.port)), "{status}");

    // With nothing to send, nobody is asked and nothing is announced.
    let ended = with_credentials(&folder, &json, &sts).expect(0);
    assert!(announcements(&ended.stdout).is_empty(), "{}", ended.stdout);
    assert_eq!(sts.requests().len(), 2);
}

#[test]
fn the_log_has_the_announcement_as_fields() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let (connect, sts) = (Endpoint::start(|_, _| Reply::Created), security_token_service());
    let url = remote(&connect);
    let arguments = run(INSTANCE, &url, &["--log-format", "json"]);
    let stderr = with_credentials(&folder, &arguments, &sts).expect(0).stderr;
    let events = stderr.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let announced: Vec<_> = events.filter(|event| event["message"] == "rows to send").collect();
    assert_eq!(announced.len(), 1, "{stderr}");
    let fields = &announced[0];
    assert_eq!((&fields["account"], &fields["caller"]), (&ACCOUNT.into(), &CALLER.into()));
    assert_eq!((&fields["to_send"], &fields["region"]), (&1.into(), &"eu-west-2".into()));
}

#[test]
fn where_no_account_is_used_the_run_says_why_and_asks_no_sts() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let (connect, sts) = (Endpoint::start(|_, _| Reply::Created), security_token_service());
    let (loopback, elsewhere) = (connect.url(), remote(&connect));
    for (arguments, account) in [
        (run(INSTANCE, &elsewhere, &["--no-sign-request"]), "none: requests are not signed"),
        (run(INSTANCE, &loopback, &[]), "none: the endpoint is on this machine"),
        (import(&loopback, &[]), "none: a rehearsal uses no credentials"),
    ] {
        let stderr = with_credentials(&folder, &arguments, &sts).expect(0).stderr;
        assert!(stderr.contains(&format!("\n  account      {account}\n")), "{stderr}");
        std::fs::remove_file(folder.path("t.ledger.db")).unwrap();
    }
    assert!(sts.requests().is_empty());
}

#[test]
fn an_sts_that_does_not_tell_stops_no_import() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let connect = Endpoint::start(|_, _| Reply::Created);
    let url = remote(&connect);
    let arn = format!("arn:aws:connect:eu-west-2:444455556666:instance/{INSTANCE}");
    // A Connect that takes two seconds is tried again.
    for (reply, reason) in [
        (Reply::Error(403, "AccessDenied"), "not known (AWS STS: "),
        (Reply::Close, "not known (AWS STS: NoAnswer"),
        (Reply::Hang, "not known (AWS STS: NoAnswer"),
        (Reply::Body("the page of a proxy"), "not known (AWS STS: HTTP200"),
        // No account id, so no other account than the instance's.
        (Reply::Body(IMITATION), "not known (AWS STS did not name it)"),
    ] {
        let sts = Endpoint::start(move |_, _| reply.clone());
        let stderr =
            with_credentials(&folder, &run(&arn, &url, &["--read-timeout", "2s"]), &sts).expect(0).stderr;
        assert!(stderr.contains(&format!("  account      {reason}")), "{stderr}");
        std::fs::remove_file(folder.path("t.ledger.db")).unwrap();
    }
}

#[test]
fn the_endpoint_is_the_one_that_the_sdk_chooses() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    folder.write(
        "config",
        "[profile p]\nservices = s\n[services s]\nconnect =\n  endpoint_url = http://localhost:9/path\n",
    );
    let with = |more: &'static [(&'static str, &'static str)], endpoint: &'static str| (more, endpoint);
    for (environment, endpoint) in [
        with(&[], "https://connect.eu-west-2.amazonaws.com"),
        with(&[("AWS_REGION", "us-gov-west-1")], "https://connect.us-gov-west-1.amazonaws.com"),
        with(&[("AWS_USE_FIPS_ENDPOINT", "true")], "https://connect-fips.eu-west-2.amazonaws.com"),
        with(&[("AWS_ENDPOINT_URL_CONNECT", "http://localhost:9")], "http://localhost:9"),
        with(&[("AWS_ENDPOINT_URL", "http://localhost:9")], "http://localhost:9"),
        with(&[("AWS_CONFIG_FILE", "config"), ("AWS_PROFILE", "p")], "http://localhost:9"),
    ] {
        let arguments = ["run", "t.csv", "--key", "id", "--instance-id", INSTANCE, "--no-sign-request"];
        let mut command =
            folder.command(&[&arguments[..], &["--output", "json", "--max-duration", "1s"]].concat());
        // Nothing listens there, so no request leaves this machine.
        command.env("AWS_REGION", "eu-west-2").env("HTTPS_PROXY", "http://127.0.0.1:9");
        let ended = Ended::from(command.envs(environment.iter().copied()).output().unwrap()).expect(10);
        let found = announcements(&ended.stdout);
        assert_eq!(found[0]["endpoint"], endpoint, "{environment:?}");
    }
}

#[test]
fn without_credentials_a_terminal_asks_nothing_and_the_run_ends_in_7() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let terminal = Terminal::open(120, 30);
    let arguments = run(INSTANCE, "http://0.0.0.0:9", &[]);
    terminal.start_with_input(&folder, &arguments, &[("AWS_REGION", "eu-west-2")]).end().expect(7);
    until("the account is told", || terminal.shows("  account      not known ("));
    assert!(!terminal.shows("[y/N]"), "{:#?}", terminal.rows());
}

#[test]
fn credentials_of_another_account_than_the_instances_send_nothing() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let (connect, sts) = (Endpoint::start(|_, _| Reply::Created), security_token_service());
    let url = remote(&connect);
    let arn = |account: &str| format!("arn:aws:connect:eu-west-2:{account}:instance/{INSTANCE}");
    let other = arn("444455556666");
    let refused = with_credentials(&folder, &run(&other, &url, &["--yes"]), &sts).expect(2).stderr;
    let error = refused.lines().last().unwrap();
    for part in ["account 111122223333", CALLER, "account 444455556666", "--profile"] {
        assert!(error.contains(part), "{error}");
    }
    assert!(connect.requests().is_empty());
    let doctor = ["doctor", "--instance-id", &other, "--endpoint-url", &url, "--ledger", "t.ledger.db"];
    let doctor = with_credentials(&folder, &doctor, &sts);
    assert!(doctor.stdout.contains("fail  account "), "{}", doctor.stdout);
    // The rows wait for the right credentials.
    assert_eq!(folder.states("t.ledger.db"), "pending 3");
    let own = arn(ACCOUNT);
    let doctor = ["doctor", "--instance-id", &own, "--endpoint-url", &url, "--ledger", "t.ledger.db"];
    let doctor = with_credentials(&folder, &doctor, &sts);
    assert!(
        doctor.stdout.contains(&format!("pass  account      {ACCOUNT}, {CALLER}\n")),
        "{}",
        doctor.stdout
    );
    with_credentials(&folder, &run(&own, &url, &[]), &sts).expect(0);
    let created = |body: &Value| body["Name"].as_str().is_some_and(|name| name.starts_with("Task "));
    assert_eq!(connect.requests().iter().filter(|body| created(body)).count(), 3);
}

#[test]
fn on_a_terminal_the_first_run_of_a_ledger_asks_until_something_was_sent() {
    let folder = Folder::new();
    folder.write("t.csv", format!("{}K9,{}\n", numbered_csv(2), "x".repeat(1025)));
    let (connect, sts) = (Endpoint::start(|_, _| Reply::Created), security_token_service());
    let (url, sts_url) = (remote(&connect), sts.url());
    let environment = [&CREDENTIALS[..], &[("AWS_ENDPOINT_URL_STS", &sts_url)]].concat();
    let question = "Send 2 rows? [y/N]";
    let start = |more: &[&str]| {
        let terminal = Terminal::open(100, 30);
        let running = terminal.start_with_input(&folder, &run(INSTANCE, &url, more), &environment);
        (terminal, running)
    };
    let asked = |more: &[&str]| {
        let (terminal, running) = start(more);
        until("the question is asked", || terminal.shows(question));
        // Nothing is drawn below the question, and the announcement is above it.
        let rows = terminal.rows();
        assert!(rows.last().unwrap().starts_with(question), "{rows:#?}");
        assert!(rows[rows.len() - 2].starts_with("  ledger "), "{rows:#?}");
        (terminal, running)
    };
    for answer in ["n\r", "\r", "\u{4}"] {
        // Shown without progress too, since the question needs it.
        let (terminal, running) = asked(if answer == "\r" { &["--progress", "none"] } else { &[] });
        terminal.type_text(answer);
        running.end().expect(2);
        until("the error is shown", || terminal.shows("error: not confirmed, so nothing was sent"));
        let rows = terminal.rows();
        // After an answer the summary of faults, and never a bar.
        assert!(!terminal.shows("importing") && !terminal.shows("imported"), "{rows:#?}");
        assert!(rows.last().unwrap().contains("add --yes"), "{rows:#?}");
    }
    let (terminal, running) = asked(&[]);
    running.signal("INT");
    running.end().expect(130);
    until("the error is shown", || terminal.shows("error: interrupted before the first request"));
    assert!(connect.requests().is_empty());
    assert_eq!(folder.query("t.ledger.db", "SELECT DISTINCT ending FROM runs"), "not started");
    // Without a run that sent anything there is no rate, and nothing to say of one.
    let status = folder.run(&["status", "--ledger", "t.ledger.db"]).expect(0).stdout;
    assert!(!status.contains("time left"), "{status}");

    let (terminal, running) = asked(&[]);
    terminal.type_text("y\r");
    running.end().expect(1);
    until("the run has ended", || terminal.shows("imported"));
    assert_eq!(connect.requests().len(), 2);
    // The next run of this ledger does not ask.
    folder.write("t.csv", numbered_csv(5));
    let (terminal, running) = start(&[]);
    running.end().expect(0);
    assert!(!terminal.shows("[y/N]"), "{:#?}", terminal.rows());
    assert_eq!(connect.requests().len(), 5);
}

#[test]
fn a_given_answer_or_a_rehearsal_asks_nothing_on_a_terminal() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    folder.write("yes.toml", "[run]\nyes = true\n");
    let (connect, sts) = (Endpoint::start(|_, _| Reply::Created), security_token_service());
    let (url, loopback, sts_url) = (remote(&connect), connect.url(), sts.url());
    let answer = [("CONNECT_IMPORT_YES", "true")];
    for (arguments, answer) in [
        (run(INSTANCE, &url, &["--yes"]), &[][..]),
        (run(INSTANCE, &url, &["--job", "yes.toml"]), &[]),
        (run(INSTANCE, &url, &[]), &answer[..]),
        (run(INSTANCE, &loopback, &[]), &[]),
        (import(&loopback, &[]), &[]),
    ] {
        let terminal = Terminal::open(100, 30);
        let environment = [&CREDENTIALS[..], &[("AWS_ENDPOINT_URL_STS", &*sts_url)], answer].concat();
        terminal.start_with_input(&folder, &arguments, &environment).end().expect(0);
        until("the run has ended", || terminal.shows("imported"));
        assert!(terminal.shows("2 rows to send") && !terminal.shows("[y/N]"), "{:#?}", terminal.rows());
        std::fs::remove_file(folder.path("t.ledger.db")).unwrap();
    }
}
