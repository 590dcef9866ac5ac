//! Endpoints and answers that no Amazon Connect gives: URLs together with FIPS, ids, ARNs and texts of another form, and requests
//! to the sandbox by another name.

use crate::support::*;

const INSTANCE: &str = "11111111-2222-3333-4444-555555555555";

/// An id of another form, with sequences that would clear a terminal and begin a line.
const ID: &str = "task-7\u{1b}[2J\nerror: forged\u{9b}2J\u{202e}";

/// An id of the form that the service gives.
fn uuid(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

fn arn(instance: &str, contact: &str) -> String {
    format!("arn:aws:connect:eu-west-2:111122223333:instance/{instance}/contact/{contact}")
}

/// Runs `rows` rows, signed, against an endpoint.
fn run(folder: &Folder, rows: usize, endpoint: &Endpoint, more: &[&str]) -> Ended {
    folder.write("t.csv", numbered_csv(rows));
    let url = endpoint.url();
    Ended::from(folder.command(&run_signed(&url, more)).envs(USER_KEYS).output().unwrap())
}

#[track_caller]
fn expect_printable(text: &str) {
    let found = text.chars().find(|c| *c != '\n' && (c.is_control() || *c == '\u{202e}'));
    assert_eq!(found, None, "{text:?}");
    assert!(!text.lines().any(|line| line.starts_with("error: forged")), "{text}");
}

#[test]
fn a_configured_url_is_used_together_with_fips_and_dual_stack() {
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let profile = format!("[default]\nendpoint_url = {url}\n");
    let services = format!("[default]\nservices = s\n[services s]\nconnect =\n  endpoint_url = {url}\n");
    let fips_of_profile = format!("{profile}use_fips_endpoint = true\nuse_dualstack_endpoint = true\n");
    let job = format!("[connect]\nendpoint_url = \"{url}\"\n");
    let ways: [(&[&str], &str, &str, &str); 7] = [
        (&["--endpoint-url", &url], "", "", ""),
        (&[], &job, "", ""),
        (&[], "", "AWS_ENDPOINT_URL", ""),
        (&[], "", "AWS_ENDPOINT_URL_CONNECT", ""),
        (&[], "", "", &profile),
        (&[], "", "", &services),
        (&[], "", "", &fips_of_profile),
    ];
    for (number, (flags, job, variable, config)) in ways.into_iter().enumerate() {
        let folder = Folder::new();
        folder.write("t.csv", numbered_csv(1));
        folder.write("job.toml", job);
        folder.write("config", config);
        let own = [
            "run",
            "t.csv",
            "--job",
            "job.toml",
            "--key",
            "id",
            "--instance-id",
            INSTANCE,
            "--region",
            "us-gov-west-1",
        ];
        let mut command = folder.command(&[&own[..], flags].concat());
        command.envs(USER_KEYS).env("AWS_CONFIG_FILE", folder.path("config"));
        if config != fips_of_profile {
            command.env("AWS_USE_FIPS_ENDPOINT", "true").env("AWS_USE_DUALSTACK_ENDPOINT", "true");
        }
        if !variable.is_empty() {
            command.env(variable, &url);
        }
        let ended = Ended::from(command.output().unwrap()).expect(0);
        assert!(ended.stderr.contains("\n  endpoint     127.0.0.1\n"), "{number}: {}", ended.stderr);
        assert_eq!(endpoint.requests().len(), number + 1);
    }
}

#[test]
fn the_path_of_a_configured_url_is_kept() {
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let url = format!("{}/prefix/", endpoint.url());
    let mut command = folder.command(&run_signed(&url, &[]));
    Ended::from(command.envs(USER_KEYS).env("AWS_USE_FIPS_ENDPOINT", "true").output().unwrap()).expect(0);
    assert_eq!(endpoint.received()[0].target, "/prefix/contact/create-contact");
}

#[test]
fn sts_is_asked_at_its_own_url_with_fips_for_a_role_and_for_the_announcement() {
    let sts = Endpoint::serve(|request| {
        let reply = |action: &str, result: &str| {
            Reply::Json(format!(
                "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>{result}\
                 </{action}Result></{action}Response>"
            ))
        };
        match request.body.contains("Action=AssumeRole") {
            true => reply(
                "AssumeRole",
                "<Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
                 <SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>",
            ),
            false => reply(
                "GetCallerIdentity",
                "<Arn>arn:aws-us-gov:sts::111122223333:assumed-role/r/s</Arn><UserId>U</UserId>\
                 <Account>111122223333</Account>",
            ),
        }
    });
    let connect = Endpoint::start(|_, _| Reply::Created);
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    folder.write(
        "config",
        "[profile p]\nuse_fips_endpoint = true\nrole_arn = arn:aws-us-gov:iam::111122223333:role/r\n\
         source_profile = keys\n[profile keys]\naws_access_key_id = A\naws_secret_access_key = b\n",
    );
    let url = format!("http://0.0.0.0:{}", connect.port);
    let mut command = folder.command(&run_signed(&url, &["--profile", "p"]));
    command.env("AWS_CONFIG_FILE", folder.path("config")).env("AWS_ENDPOINT_URL_STS", sts.url());
    let ended = Ended::from(command.output().unwrap()).expect(0);
    assert!(ended.stderr.contains("  account      111122223333, arn:aws-us-gov:sts::"), "{}", ended.stderr);
    let authorization = &connect.received()[0].headers["authorization"];
    assert!(authorization.contains("Credential=ASIAROLE/"), "{authorization}");
    assert_eq!(sts.received().len(), 2);
}

#[test]
fn a_contact_id_of_another_form_leaves_its_row_in_doubt_and_the_others_created() {
    let endpoint = Endpoint::start(|_, body| match body["Name"].as_str() {
        Some("Task 1") => Reply::Json(serde_json::json!({"ContactId": ID}).to_string()),
        _ => Reply::Created,
    });
    let folder = Folder::new();
    let ended =
        run(&folder, 4, &endpoint, &["--max-attempts", "2", "--debug", "--log-file", "t.log"]).expect(75);
    assert_eq!(folder.states("t.ledger.db"), "created 3, pending 1");
    let row = folder.query("t.ledger.db", "SELECT code, message, attempts FROM rows WHERE state = 'pending'");
    let shown = r"task-7\u{1b}[2J error: forged\u{9b}2J\u{202e}";
    let message = format!("Connect answered with success and a contact id that is no UUID: {shown}");
    assert_eq!(row, format!("UnexpectedContactId|{message}|2"));
    for text in [&ended.stderr, &ended.stdout, &folder.read("t.log")] {
        expect_printable(text);
    }
    let tokens = endpoint.client_tokens();
    assert_eq!(
        (tokens.len(), endpoint.requests().iter().filter(|body| body["Name"] == "Task 1").count()),
        (5, 2)
    );
    // The next run sends it once more with the same token, and takes a UUID.
    let honest = Endpoint::start(|_, _| Reply::Json(serde_json::json!({"ContactId": uuid(100)}).to_string()));
    run(&folder, 4, &honest, &[]).expect(0);
    assert!(tokens.contains(&honest.client_tokens()[0]));
}

#[test]
fn a_run_ends_after_two_rows_whose_answers_name_no_contact() {
    for (body, code) in [("{}", "NoContactId"), (r#"{"ContactId": "7"}"#, "UnexpectedContactId")] {
        let endpoint = Endpoint::start(move |_, _| Reply::Body(body));
        let folder = Folder::new();
        let ended = run(&folder, 40, &endpoint, &["--concurrency", "2"]).expect(75);
        let reason = format!("answers with success and names no contact of Amazon Connect ({code}: ");
        assert!(ended.stdout.contains(&reason), "{}", ended.stdout);
        let mut tokens = endpoint.client_tokens();
        tokens.sort_unstable();
        tokens.dedup();
        assert!(tokens.len() <= 4, "{body}: {} rows were sent", tokens.len());
        assert_eq!(folder.states("t.ledger.db"), "pending 40", "{body}");
    }
}

#[test]
fn an_arn_that_is_not_the_contacts_is_not_recorded() {
    let arns = [
        arn(INSTANCE, &uuid(0)),
        "arn".to_owned(),
        arn(INSTANCE, &uuid(9)),
        arn("99999999-2222-3333-4444-555555555555", &uuid(3)),
        format!("{}\u{1b}[2J", arn(INSTANCE, &uuid(4))),
    ];
    let answers = arns.clone();
    let endpoint = Endpoint::start(move |number, _| {
        Reply::Json(serde_json::json!({"ContactId": uuid(number), "ContactArn": answers[number]}).to_string())
    });
    let folder = Folder::new();
    let ended = run(&folder, 5, &endpoint, &["--concurrency", "1", "--debug"]).expect(0);
    expect_printable(&ended.stderr);
    assert!(ended.stderr.contains("the answer's ARN is not that of the contact"), "{}", ended.stderr);
    let kept = folder.query("t.ledger.db", "SELECT contact_arn FROM rows WHERE contact_arn IS NOT NULL");
    assert_eq!(kept, arns[0]);
}

#[test]
fn verification_takes_no_contact_with_an_id_or_arn_of_another_form() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let lost = Endpoint::start(|_, _| Reply::Close);
    run(&folder, 1, &lost, &["--on-unknown", "hold"]).expect(1);
    let verify = |ids: Vec<String>| {
        let endpoint = Endpoint::serve(move |request| match request.target.strip_prefix("/contacts/") {
            Some(path) => {
                let id = path.split('/').next_back().unwrap();
                let contact = serde_json::json!({"Id": id, "Name": "Task 0", "Arn": "arn\u{1b}"});
                Reply::Json(serde_json::json!({"Contact": contact}).to_string())
            }
            None => {
                let contacts: Vec<_> =
                    ids.iter().map(|id| serde_json::json!({"Id": id, "Name": "Task 0"})).collect();
                Reply::Json(serde_json::json!({"Contacts": contacts}).to_string())
            }
        });
        let url = endpoint.url();
        let own = ["verify", "t.csv", "--key", "id", "--ledger", "t.ledger.db", "--search-rate", "1000"];
        let more = ["--instance-id", INSTANCE, "--region", "eu-west-2", "--endpoint-url", &url];
        let ended =
            Ended::from(folder.command(&[&own[..], &more].concat()).envs(USER_KEYS).output().unwrap());
        expect_printable(&(ended.stdout.clone() + &ended.stderr));
        ended
    };
    verify(vec![ID.to_owned(), "../x".to_owned()]).expect(1);
    assert_eq!(folder.states("t.ledger.db"), "unknown 1");
    verify(vec![uuid(7), ID.to_owned()]).expect(0);
    let found = folder.query("t.ledger.db", "SELECT contact_id, contact_arn FROM rows");
    assert_eq!(found, format!("{}|", uuid(7)));
}

#[test]
fn texts_of_doctors_answers_reach_no_terminal_as_they_are() {
    let endpoint = Endpoint::serve(|request| match request.method.as_str() {
        "GET" => {
            let instance = serde_json::json!({"InstanceStatus": ID});
            Reply::Json(serde_json::json!({"Instance": instance}).to_string())
        }
        _ => Reply::Quoted(400, "InvalidRequestException", ID.to_owned()),
    });
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let url = endpoint.url();
    let own = ["doctor", "t.csv", "--key", "id", "--instance-id", INSTANCE, "--region", "eu-west-2"];
    for output in ["text", "json"] {
        let arguments = [&own[..], &["--endpoint-url", &url, "--output", output, "--debug"]].concat();
        let ended = Ended::from(folder.command(&arguments).envs(USER_KEYS).output().unwrap());
        expect_printable(&ended.stdout);
        expect_printable(&ended.stderr);
    }
    assert!(endpoint.received().iter().any(|request| request.method == "GET"));
}

#[test]
fn the_sandbox_answers_only_to_names_of_loopback() {
    use std::io::{Read as _, Write as _};
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &[]);
    let ask = |request: &str| {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", sandbox.port)).unwrap();
        stream.write_all(request.replace('|', "\r\n").as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    };
    let port = sandbox.port;
    for host in
        ["localhost", "LocalHost:80", "127.0.0.1", &format!("127.0.0.1:{port}"), "127.9.9.9", "[::1]:1"]
    {
        let response = ask(&format!("GET /_sandbox/stats HTTP/1.1|Host: {host}|Connection: close||"));
        assert!(response.starts_with("HTTP/1.1 200 "), "{host}: {response}");
    }
    // No browser leaves the host out.
    assert!(ask("GET /_sandbox/stats HTTP/1.0||").starts_with("HTTP/1.0 200 "));
    let refused = [
        "GET /_sandbox/stats HTTP/1.1|Host: evil.example|Connection: close||",
        "GET /_sandbox/contacts HTTP/1.1|Host: localhost.evil.example:80|Connection: close||",
        "GET /_sandbox/contacts HTTP/1.1|Host: 0.0.0.0|Connection: close||",
        "GET /_sandbox/contacts HTTP/1.1|Host: [::1]evil.example|Connection: close||",
        "GET /_sandbox/contacts HTTP/1.1|Host: [::1|Connection: close||",
        "GET /_sandbox/contacts HTTP/1.1|Host: localhost@evil.example|Connection: close||",
        "GET /_sandbox/contacts HTTP/1.1|Host:|Connection: close||",
        "GET /_sandbox/contacts HTTP/1.1|Host: localhost|Host: evil.example|Connection: close||",
        "GET http://evil.example/_sandbox/contacts HTTP/1.1|Host: localhost|Connection: close||",
        "GET /_sandbox/contacts HTTP/1.0|Host: evil.example||",
        "GET /_sandbox/contacts HTTP/1.1|Connection: close||",
        "PUT /contact/create-contact HTTP/1.1|Host: evil.example|Content-Length: 2|Connection: close||{}",
    ];
    for request in refused {
        let response = ask(request);
        assert!(response.contains(" 403 "), "{request}: {response}");
        assert!(response.contains("answers only requests to localhost"), "{response}");
    }
    assert_eq!(sandbox.stat("contacts"), 0);
}
