//! `doctor` checks what a run needs. Only `--probe-token` creates contacts.

use crate::aws_services::security_token_service;
use crate::support::*;

pub fn doctor<'a>(url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["doctor", "t.csv", "--key", "id", "--sandbox", "--ledger", "t.ledger.db", "--endpoint-url", url], more]
        .concat()
}

/// Check and verdict of every diagnosis, such as `endpoint pass`.
pub fn verdicts(ended: &Ended) -> Vec<String> {
    let lines = ended.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let diagnoses = lines.filter(|line| line["message_type"] == "diagnosis");
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    diagnoses.map(|line| format!("{} {}", text(&line["check"]), text(&line["verdict"]))).collect()
}

#[test]
fn every_check_passes_and_no_contact_is_created() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let ended = folder.run(&doctor(&url, &["--output", "json"])).expect(0);
    let facts = ["host", "Region", "profile", "proxy"].map(|check| format!("{check} info"));
    let checks = ["credentials", "endpoint", "permission", "clock", "quota", "ledger", "disk"];
    let passed = checks.map(|check| format!("{check} pass"));
    // That of the file system depends on the machine: temporary folders may be in memory.
    let [found, system] = [false, true].map(|is_system| {
        let mut all = verdicts(&ended);
        all.retain(|verdict| verdict.starts_with("file system ") == is_system);
        all
    });
    assert_eq!(found, [&facts[..], &passed].concat());
    assert!(matches!(&*system[0], "file system pass" | "file system warn"), "{system:?}");
    let text = folder.run(&doctor(&url, &[])).expect(0).stdout;
    assert!(text.contains("pass  permission ") && text.ends_with("\nReady.\n"), "{text}");
    assert_eq!(sandbox.stat("contacts"), 0);
    assert!(!folder.path("t.ledger.db").exists());
    for operation in ["CreateContact", "StartTaskContact"] {
        folder.run(&doctor(&url, &["--operation", operation])).expect(0);
    }
    assert_eq!(sandbox.stat("contacts"), 0);
}

/// Names in the folder.
#[test]
fn the_token_probe_creates_one_contact_and_detects_whether_tokens_are_honoured() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let honouring = SandboxProcess::start(&folder, &["--rate", "0"]);
    let ended = folder.run(&doctor(&honouring.url(), &["--probe-token", "--output", "json"])).expect(0);
    assert_eq!(verdicts(&ended).last().unwrap(), "token pass");
    assert_eq!(honouring.stat("contacts"), 1);
    drop(honouring);
    let forgetting = SandboxProcess::start(&folder, &["--rate", "0", "--forget-completed"]);
    let ended = folder.run(&doctor(&forgetting.url(), &["--probe-token"])).expect(7);
    assert!(
        ended.stdout.contains("not honoured: two contacts, ") && ended.stdout.contains("--on-unknown hold")
    );
    folder.run(&doctor(&forgetting.url(), &["--probe-token", "--operation", "StartTaskContact"])).expect(2);
}

/// Arguments of a doctor of an instance that is no rehearsal's, with JSON.
fn signed<'a>(url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let own = ["doctor", "--instance-id", INSTANCE, "--ledger", "t.ledger.db", "--output", "json"];
    [&own[..], &["--region", "eu-west-2", "--endpoint-url", url], more].concat()
}

const INSTANCE: &str = "11111111-2222-3333-4444-555555555555";

/// A doctor with a user's keys and these variables.
fn examine(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let mut command = folder.command(arguments);
    Ended::from(command.envs(USER_KEYS).envs(variables.iter().copied()).output().unwrap())
}

/// The diagnosis of a check with this verdict, as finding and remedy.
#[track_caller]
pub fn diagnosis(ended: &Ended, check: &str, verdict: &str) -> (String, String) {
    let mut lines = ended.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let found = lines.find(|line| line["check"] == check && line["verdict"] == verdict);
    let found = found.ok_or_else(|| format!("no {check} {verdict} in {}", ended.stdout)).unwrap();
    ["found", "remedy"].map(|member| found[member].as_str().unwrap().to_owned()).into()
}

/// Whether a check has a diagnosis.
fn has(ended: &Ended, check: &str) -> bool {
    verdicts(ended).iter().any(|verdict| verdict.starts_with(&format!("{check} ")))
}

#[test]
fn a_failed_check_exits_with_the_code_of_a_run() {
    let cases: [(Reply, &str, &str, i32); 9] = [
        (Reply::Error(403, "AccessDeniedException"), "permission", "chapter Operations, Permissions", 7),
        (
            Reply::Quoted(403, "AccessDeniedException", "no VPC endpoint policy allows it".to_owned()),
            "permission",
            "the policy of the VPC endpoint",
            7,
        ),
        (Reply::Error(403, "ExpiredToken"), "credentials", "log in", 7),
        (Reply::Error(403, "UnrecognizedClientException"), "credentials", "another partition", 7),
        (Reply::Error(403, "RequestExpired"), "clock", "NTP", 7),
        (Reply::Error(404, "ResourceNotFoundException"), "instance", "the instance id, the Region", 7),
        (
            Reply::Error(404, "UnknownOperationException"),
            "endpoint",
            "is not the endpoint of Amazon Connect",
            7,
        ),
        (Reply::Error(500, "InternalServiceException"), "endpoint", "try again later", 75),
        (Reply::Created, "endpoint", "is this Amazon Connect?", 7),
    ];
    for (reply, check, remedy, code) in cases {
        let endpoint = Endpoint::start(move |_, _| reply.clone());
        let ended = examine(&signed(&endpoint.url(), &[]), &[]).expect(code);
        let (found, told) = diagnosis(&ended, check, "fail");
        assert!(told.contains(remedy), "{found}\n{told}");
        // No other check speaks of permissions, and the instance is not asked for in vain.
        assert_eq!(has(&ended, "permission"), check == "permission", "{}", ended.stdout);
        let may_ask = matches!(check, "permission");
        assert_eq!(endpoint.received().len(), if may_ask { 2 } else { 1 }, "{check}");
    }
}

#[test]
fn only_connect_itself_makes_doctor_say_that_it_answers() {
    let html = |status| {
        let headers =
            vec![("content-type", "text/html; charset=utf-8".to_owned()), ("server", "squid/5.7".to_owned())];
        Reply::Raw(status, headers, "<html>blocked</html>".to_owned())
    };
    for (reply, code) in [
        (html(403), 7),
        (html(404), 7),
        (html(200), 75),
        (html(503), 75),
        // An answer that names neither a code nor a request.
        (Reply::Error(404, ""), 7),
        (
            Reply::Raw(
                403,
                vec![("content-type", "application/json".to_owned())],
                "{\"code\":\"blocked\"}".into(),
            ),
            7,
        ),
    ] {
        let endpoint = Endpoint::start(move |_, _| reply.clone());
        let ended = examine(&signed(&endpoint.url(), &[]), &[]).expect(code);
        let (found, remedy) = diagnosis(&ended, "endpoint", "fail");
        assert!(found.starts_with("something other than Amazon Connect answers: HTTP "), "{found}");
        assert!(remedy.contains("--endpoint-url"), "{remedy}");
        assert!(!has(&ended, "permission") && !has(&ended, "clock"), "{}", ended.stdout);
        assert!(!ended.stdout.contains("answers as Amazon Connect"), "{}", ended.stdout);
    }
    let endpoint = Endpoint::start(move |_, _| html(403));
    let ended = examine(&signed(&endpoint.url(), &[]), &[]);
    let (found, _) = diagnosis(&ended, "endpoint", "fail");
    assert_eq!(found, "something other than Amazon Connect answers: HTTP 403, text/html, from squid/5.7");
    // By the request id alone: a code that is not known is no proof.
    for (id, verdict) in [(None, "fail"), (Some("4e0a5c1b"), "pass")] {
        let endpoint = Endpoint::start(move |_, _| {
            let id = id.map(|id: &str| ("x-amzn-requestid", id.to_owned()));
            Reply::Raw(403, id.into_iter().collect(), "{\"code\":\"NewException\"}".to_owned())
        });
        diagnosis(&examine(&signed(&endpoint.url(), &[]), &[]).expect(7), "endpoint", verdict);
    }
}

#[test]
fn an_endpoint_that_is_not_reached_is_no_matter_of_permissions() {
    let refused = examine(&signed("http://127.0.0.1:9", &[]), &[]).expect(75);
    let (_, remedy) = diagnosis(&refused, "endpoint", "fail");
    assert!(remedy.starts_with("no program accepts connections at 127.0.0.1:9"), "{remedy}");
    let silent = Endpoint::start(|_, _| Reply::Close);
    let unanswered = examine(&signed(&silent.url(), &[]), &[]).expect(75);
    let (_, remedy) = diagnosis(&unanswered, "endpoint", "fail");
    assert!(remedy.contains("any firewall on the way to 127.0.0.1"), "{remedy}");
    // A server without TLS closes the connection at the first bytes of a handshake.
    let plain = examine(&signed(&silent.url().replace("http:", "https:"), &[]), &[]).expect(75);
    let (_, remedy) = diagnosis(&plain, "endpoint", "fail");
    assert!(remedy.contains("serves TLS"), "{remedy}");
    // No resolver looks such a name up: a label has at most 63 characters.
    let name = format!("http://{}.example", "x".repeat(64));
    let nameless = examine(&signed(&name, &[]), &[("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")]).expect(75);
    let (found, remedy) = diagnosis(&nameless, "endpoint", "fail");
    assert!(
        remedy.starts_with("check --endpoint-url, and whether this machine's DNS knows xxx"),
        "{found}\n{remedy}"
    );
    let (_, remedy) = diagnosis(&nameless, "account", "warn");
    assert!(remedy.contains("AWS_ENDPOINT_URL_STS names another STS"), "{remedy}");
    for ended in [refused, unanswered, plain, nameless] {
        for check in ["permission", "instance", "clock"] {
            assert!(!has(&ended, check), "{}", ended.stdout);
        }
    }
}

#[test]
fn an_endpoint_that_is_none_is_told_before_anything_is_sent() {
    let without_url = ["doctor", "--instance-id", INSTANCE, "--ledger", "t.db", "--output", "json"];
    for (variables, wrong) in [
        (
            [("AWS_REGION", "eu-west-2"), ("AWS_ENDPOINT_URL_CONNECT", "localhost:8080")],
            "AWS_ENDPOINT_URL_CONNECT",
        ),
        ([("AWS_REGION", "eu west 2"), ("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")], "AWS_REGION"),
    ] {
        let variables = [&variables[..], &[("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")]].concat();
        let ended = examine(&without_url, &variables).expect(2);
        let text = format!("{}{}", ended.stdout, ended.stderr);
        assert!(text.contains(&format!("{wrong} must be a ")) && !text.contains(" answers"), "{text}");
        assert!(!has(&ended, "permission"), "{text}");
    }
}

#[test]
fn the_first_lines_name_where_requests_go_and_who_signs() {
    let connect = Endpoint::start(|_, _| Reply::Error(400, "InvalidParameterException"));
    let url = connect.url();
    let ended = examine(&signed(&url, &[]), &[]).expect(0);
    let expected = [
        ("host", format!("127.0.0.1:{}, without TLS (--endpoint-url)", connect.port)),
        ("Region", "eu-west-2".to_owned()),
        ("profile", "none is named".to_owned()),
        ("proxy", "none".to_owned()),
        ("account", "not asked for: the endpoint is on this machine".to_owned()),
    ];
    for (check, found) in expected {
        assert_eq!(diagnosis(&ended, check, "info").0, found);
    }
    let (credentials, _) = diagnosis(&ended, "credentials", "pass");
    assert_eq!(credentials, "the variable AWS_ACCESS_KEY_ID, access key ending in MPLE, no expiry");
    let (endpoint, _) = diagnosis(&ended, "endpoint", "pass");
    assert_eq!(endpoint, "the local endpoint answers as Amazon Connect does");
    assert_eq!(
        verdicts(&ended)[..5],
        ["host info", "Region info", "profile info", "proxy info", "credentials pass"]
    );

    // What the user has to change is named, wherever it is set.
    let without_url = ["doctor", "--instance-id", INSTANCE, "--ledger", "t.db", "--output", "json"];
    let environment = [("AWS_REGION", "eu-west-2"), ("AWS_ENDPOINT_URL", "http://127.0.0.1:9")];
    let down = examine(&without_url, &environment).expect(75);
    assert_eq!(diagnosis(&down, "host", "info").0, "127.0.0.1:9, without TLS (AWS_ENDPOINT_URL)");
    let (_, remedy) = diagnosis(&down, "endpoint", "fail");
    assert!(remedy.ends_with("check AWS_ENDPOINT_URL and any firewall"), "{remedy}");

    let unsigned = examine(&signed(&url, &["--no-sign-request"]), &[]).expect(0);
    assert_eq!(diagnosis(&unsigned, "credentials", "warn").0, "requests are not signed");
    assert_eq!(diagnosis(&unsigned, "permission", "warn").0, "not judged: requests are not signed");
    assert!(!has(&unsigned, "account"), "{}", unsigned.stdout);
}

#[test]
fn credentials_of_another_account_than_that_of_earlier_runs_are_a_warning() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let sts = security_token_service("UNUSED");
    let connect = Endpoint::start(|number, _| match number {
        0 => Reply::Created,
        _ => Reply::Error(400, "InvalidParameterException"),
    });
    let (url, sts_url) = (format!("http://0.0.0.0:{}", connect.port), sts.url());
    let with = |arguments: &[&str]| {
        let mut command = folder.command(arguments);
        command.envs(USER_KEYS).env("AWS_ENDPOINT_URL_STS", &sts_url);
        Ended::from(command.output().unwrap()).expect(0)
    };
    with(&run_signed(&url, &[]));
    let doctor = signed(&url, &["--key", "id"]);
    diagnosis(&with(&doctor), "account", "pass");
    folder.execute("t.ledger.db", "UPDATE runs SET account = '999988887777'");
    let (found, remedy) = diagnosis(&with(&doctor), "account", "warn");
    assert!(found.ends_with("; the ledger's earlier runs were those of account 999988887777"), "{found}");
    assert!(remedy.contains("999988887777 with --profile"), "{remedy}");
}

#[test]
fn after_a_failure_no_contact_is_made_to_test_a_token() {
    let connect = Endpoint::start(|number, _| match number {
        0 => Reply::Error(403, "AccessDeniedException"),
        _ => Reply::Created,
    });
    let ended = examine(&signed(&connect.url(), &["--probe-token"]), &[]).expect(7);
    let (found, _) = diagnosis(&ended, "token", "warn");
    assert!(found.starts_with("not tested"), "{found}");
    assert_eq!(connect.received().iter().filter(|request| request.method == "PUT").count(), 1);
}

#[test]
fn without_credentials_nothing_is_asked() {
    let folder = Folder::new();
    let arguments =
        ["doctor", "--instance-id", "i", "--region", "eu-west-2", "--ledger", "t.db", "--output", "json"];
    let ended = folder.run(&arguments).expect(7);
    diagnosis(&ended, "credentials", "fail");
    assert!(!has(&ended, "endpoint") && !has(&ended, "account"), "{}", ended.stdout);
}

#[test]
fn a_ledger_that_a_run_cannot_use_fails() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    folder.run(&import(&url, &[])).expect(0);
    let json = ["--output", "json"];
    let verdict =
        |ended: &Ended| verdicts(ended).into_iter().find(|verdict| verdict.starts_with("ledger")).unwrap();
    assert_eq!(verdict(&folder.run(&doctor(&url, &json)).expect(0)), "ledger pass");
    let other = folder.run(&doctor(&url, &["--namespace", "other", "--output", "json"])).expect(2);
    assert_eq!(verdict(&other), "ledger fail");
    folder.write("t.ledger.db", "");
    assert_eq!(verdict(&folder.run(&doctor(&url, &json)).expect(74)), "ledger fail");
    let missing_folder = folder.run(&doctor(&url, &["--ledger", "no/t.db", "--output", "json"])).expect(2);
    assert_eq!(verdict(&missing_folder), "ledger fail");
    assert!(verdicts(&missing_folder).contains(&"file system fail".to_owned()), "{}", missing_folder.stdout);
}

#[test]
fn an_input_that_a_run_cannot_read_fails() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let missing = folder.run(&doctor(&url, &["--output", "json"])).expect(2);
    assert!(verdicts(&missing).contains(&"input fail".to_owned()), "{}", missing.stdout);
    folder.write("t.csv", "Ticket,Name\n1,a\n");
    let other_key = folder.run(&doctor(&url, &["--output", "json"])).expect(2);
    assert!(other_key.stdout.contains("has no key column 'id'"), "{}", other_key.stdout);
}

#[test]
fn the_next_run_recounts_a_ledger_that_was_changed_by_hand() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(30));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let counts = || folder.query("t.ledger.db", "SELECT sum(rows) FROM row_counts");
    folder.run(&import(&url, &["--limit", "10"])).expect(10);
    folder.execute("t.ledger.db", "DELETE FROM rows WHERE id <= 2");
    let diagnoses = folder.run(&doctor(&url, &[])).expect(0).stdout;
    assert!(
        diagnoses.contains("warn  ledger ") && diagnoses.contains("the next run counts them again"),
        "{diagnoses}"
    );
    // After a change during a run the counts are not trusted either. The answers wait for the change.
    let gate = Gate::default();
    let endpoint = Endpoint::created_after(&gate);
    let running = folder.start(&import(&endpoint.url(), &[]));
    until("the rows are counted and sent", || counts() == "30" && !endpoint.requests().is_empty());
    folder.execute("t.ledger.db", "DELETE FROM rows WHERE id <= 4");
    gate.open();
    running.end().expect(0);
    assert_eq!(counts(), "30");
    folder.run(&import(&url, &["--limit", "0"])).expect(10);
    assert_eq!(counts(), "30");
    assert_eq!(folder.query("t.ledger.db", "SELECT count(*) FROM rows"), "30");
    let diagnoses = folder.run(&doctor(&url, &[])).expect(0).stdout;
    assert!(diagnoses.contains("pass  ledger "), "{diagnoses}");
}
