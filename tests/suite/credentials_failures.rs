//! Why there are no credentials: the reason, the remedy, the exit code, how often the source was asked, and no secret anywhere.

use std::net::TcpListener;

use crate::aws_services::*;
use crate::support::*;

const ROLE: &str = "arn:aws:iam::111122223333:role/Import";

/// Secrets that sources, files and programs of these tests have.
const SECRETS: [&str; 7] = [
    "hunter2",
    "wJalrXUtnFEMI",
    "bPxRfiCYEXAMPLEKEY",
    "IQoJb3JpZ2luX2VjSESSION",
    "container-authorization",
    "sso-access-token",
    "sso-client-secret",
];

const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// An origin that nothing listens at.
fn closed() -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("http://127.0.0.1:{port}")
}

/// Runs and a `doctor` with this home, options and variables say the reason and the remedy, end with this exit code, send
/// nothing, and no output or file of theirs has a secret. If the failure may pass, only `doctor` is asked: runs wait.
#[track_caller]
fn expect_failure(
    home: &Home,
    options: &[&str],
    variables: &[(&str, &str)],
    (exit, reason, remedy): (i32, &str, &str),
) {
    let connect = Endpoint::start(|_, _| Reply::Created);
    let url = connect.url();
    let doctor = home.run(&doctor(&url, &[&["--debug"], options].concat()), variables).expect(exit);
    let lines: Vec<&str> = doctor.stdout.lines().collect();
    let found = lines.iter().position(|line| line.starts_with("fail  credentials"));
    assert!(found.is_some(), "{}", doctor.stdout);
    let found = found.unwrap();
    assert!(lines[found].contains(reason) && lines[found + 1].contains(remedy), "{}", doctor.stdout);
    expect_no_secret(home, doctor);
    if exit == 7 {
        expect_failed_run(home, &url, options, variables, (exit, reason, remedy));
        let json =
            home.run(&run_signed(&url, &[&["--output", "json"], options].concat()), variables).expect(exit);
        let summary = &messages(&json.stdout)["summary"];
        let told = summary["why"].as_str().unwrap();
        assert!(told.contains(reason) && told.contains(remedy), "{summary}");
        expect_no_secret(home, json);
    }
    assert!(connect.received().is_empty());
}

/// A run with `--debug` and a log file says the reason and the remedy once.
#[track_caller]
fn expect_failed_run(
    home: &Home,
    url: &str,
    options: &[&str],
    variables: &[(&str, &str)],
    (exit, reason, remedy): (i32, &str, &str),
) {
    let run =
        home.run(&run_signed(url, &[&["--debug", "--log-file", "run.log"], options].concat()), variables);
    let run = run.expect(exit);
    for text in [reason, remedy] {
        assert_eq!(run.stdout.matches(text).count(), 1, "{text}: {}", run.stdout);
    }
    // A remedy that is a command is the end of its line, so that it can be pasted.
    if remedy.starts_with("aws ") {
        assert!(run.stdout.lines().any(|line| line.ends_with(remedy)), "{}", run.stdout);
    }
    assert_eq!(home.0.states("t.ledger.db"), "pending 1");
    expect_no_secret(home, run);
}

/// Neither the outputs nor the files of a command have a secret.
#[track_caller]
fn expect_no_secret(home: &Home, ended: Ended) {
    let mut texts = vec![("stdout".to_owned(), ended.stdout), ("stderr".to_owned(), ended.timed_stderr)];
    for name in ["run.log", "t.ledger.db", "t.ledger.db-wal"] {
        let bytes = std::fs::read(home.0.path(name)).unwrap_or_default();
        texts.push((name.to_owned(), String::from_utf8_lossy(&bytes).into_owned()));
    }
    for (name, text) in texts {
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} in {name}: {text}");
        }
    }
}

fn doctor<'a>(url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let instance = "11111111-2222-3333-4444-555555555555";
    let own = ["doctor", "--ledger", "d.ledger.db", "--instance-id", instance, "--region", "eu-west-2"];
    [&own[..], &["--endpoint-url", url], more].concat()
}

/// Runs with a failing program as the profile's credential process.
#[track_caller]
fn expect_process_failure(script: &str, reason: &str, remedy: &str) {
    let home = Home::new();
    let program = home.program(script);
    home.config(&format!("[profile import]\ncredential_process = {program} --password hunter2\n"));
    expect_failure(&home, &["--profile", "import"], &[], (7, reason, remedy));
    // Two runs and a doctor, whatever their requests.
    assert_eq!(home.calls(), 3);
}

fn role_home() -> Home {
    Home::with_config(&format!(
        "[profile import]\nrole_arn = {ROLE}\nsource_profile = base\n\
         [profile base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = {SECRET_KEY}\n"
    ))
}

#[test]
fn a_role_that_sts_refuses_is_said_with_its_code_and_message() {
    let message = "User: arn:aws:iam::111122223333:user/me is not authorized to perform: sts:AssumeRole on resource: role/Import";
    let sts = Endpoint::serve(move |_| sts_error(403, "AccessDenied", message));
    let reason = format!("profile import: AWS STS refuses (AccessDenied: {message})");
    let variables = [("AWS_ENDPOINT_URL_STS", &*sts.url())];
    let expected = (7, &*reason, "allow sts:AssumeRole on the role");
    expect_failure(&role_home(), &["--profile", "import"], &variables, expected);
    assert_eq!(sts.received().len(), 3);
}

#[test]
fn a_web_identity_that_sts_refuses_is_said_with_its_code_and_message() {
    let sts =
        Endpoint::serve(|_| sts_error(400, "ExpiredTokenException", "Token expired: current date/time"));
    let home = Home::new();
    let token = home.0.write("token", "hunter2").display().to_string();
    let variables = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", &*token),
        ("AWS_ROLE_ARN", ROLE),
        ("AWS_ENDPOINT_URL_STS", &sts.url()),
    ];
    let reason = "AWS_WEB_IDENTITY_TOKEN_FILE: AWS STS refuses (ExpiredTokenException: Token expired: current date/time)";
    expect_failure(&home, &[], &variables, (7, reason, "renew the token"));
}

#[test]
fn an_sts_out_of_reach_may_pass() {
    let url = closed();
    let expected = (75, "profile import: AWS STS is out of reach", "try again later");
    let variables = [("AWS_ENDPOINT_URL_STS", &*url)];
    expect_failure(&role_home(), &["--profile", "import"], &variables, expected);
    let connect = Endpoint::start(|_, _| Reply::Created);
    expect_failed_run(&role_home(), &connect.url(), &["--profile", "import"], &variables, expected);
}

#[test]
fn an_sts_that_fails_may_pass() {
    let sts = Endpoint::serve(|_| sts_error(503, "ServiceUnavailable", "unavailable"));
    let expected = (75, "profile import: AWS STS fails (ServiceUnavailable: unavailable)", "try again later");
    expect_failure(&role_home(), &["--profile", "import"], &[("AWS_ENDPOINT_URL_STS", &sts.url())], expected);
}

fn sso_home() -> Home {
    Home::with_config(&format!(
        "[profile import]\nrole_arn = {ROLE}\nsource_profile = my-sso\n\
         [profile my-sso]\nsso_session = {SSO_SESSION}\nsso_account_id = {ACCOUNT}\nsso_role_name = Import\n\
         [sso-session {SSO_SESSION}]\nsso_region = eu-west-2\nsso_start_url = https://corp.example/start\n\
         [profile old]\nsso_account_id = {ACCOUNT}\nsso_role_name = Import\nsso_region = eu-west-2\n\
         sso_start_url = https://corp.example/start\n"
    ))
}

#[test]
fn without_a_login_to_sso_the_command_to_log_in_is_said() {
    let expected = |remedy| (7, "not logged in to IAM Identity Center: there is no ", remedy);
    let session = expected("aws sso login --sso-session corp");
    expect_failure(&sso_home(), &["--profile", "import"], &[], session);
    expect_failure(&sso_home(), &["--profile", "old"], &[], expected("aws sso login --profile old"));
}

#[test]
fn an_expired_login_to_sso_is_said() {
    let home = sso_home();
    home.sign_in_to_sso("sso-access-token", "2020-01-01T00:00:00Z");
    let expected = (7, "the login to IAM Identity Center has expired", "aws sso login --sso-session corp");
    expect_failure(&home, &["--profile", "import"], &[], expected);
}

#[test]
fn a_refusal_of_the_sso_portal_is_said() {
    let home = sso_home();
    home.sign_in_to_sso("sso-access-token", "2099-01-01T00:00:00Z");
    for (status, code, reason, remedy) in [
        (
            403,
            "ForbiddenException",
            "refuses (ForbiddenException: No access)",
            "ask for the role Import of account 111122223333",
        ),
        (
            401,
            "UnauthorizedException",
            "refuses (UnauthorizedException: No access)",
            "aws sso login --sso-session corp",
        ),
    ] {
        let portal = Endpoint::serve(move |_| Reply::Quoted(status, code, "No access".to_owned()));
        let variables = [("AWS_ENDPOINT_URL_SSO", &*portal.url())];
        expect_failure(&home, &["--profile", "import"], &variables, (7, reason, remedy));
    }
}

#[test]
fn a_token_of_sso_that_cannot_be_parsed_is_not_quoted() {
    let home = sso_home();
    home.sign_in_to_sso("x", "2099-01-01T00:00:00Z");
    let file = std::fs::read_dir(home.0.path(".aws/sso/cache")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(file, "{\"accessToken\": \"sso-access-token\" \"sso-client-secret\"").unwrap();
    let expected = (
        7,
        "the token of the login to IAM Identity Center cannot be used",
        "aws sso login --sso-session corp",
    );
    expect_failure(&home, &["--profile", "import"], &[], expected);
}

#[test]
fn a_missing_or_expired_login_is_said_with_the_command_to_log_in() {
    let home = Home::with_config(&format!("[profile my-login]\nlogin_session = {LOGIN_SESSION}\n"));
    let remedy = "aws login --profile my-login";
    let options = ["--profile", "my-login"];
    expect_failure(&home, &options, &[], (7, "profile my-login: not logged in: there is no ", remedy));
    home.sign_in("ASIAOLD", "2020-01-01T00:00:00Z");
    let service = Endpoint::serve(|_| {
        let body = r#"{"error": "TOKEN_EXPIRED", "message": "expired"}"#;
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("x-amzn-errortype", "AccessDeniedException".to_owned()),
        ];
        Reply::Raw(400, headers, body.to_owned())
    });
    let variables = [("AWS_ENDPOINT_URL_SIGNIN", &*service.url())];
    let expected =
        (7, "the login cannot be renewed (Your session has expired. Please reauthenticate.)", remedy);
    expect_failure(&home, &options, &variables, expected);
    let url = closed();
    let expected = (75, "profile my-login: AWS Sign-In is out of reach", "try again later");
    expect_failure(&home, &options, &[("AWS_ENDPOINT_URL_SIGNIN", &url)], expected);
}

#[test]
fn a_process_that_fails_is_called_once_and_quoted_without_secrets() {
    let output =
        format!("{{\"Version\": 1, \"AccessKeyId\": \"AKID\", \"SecretAccessKey\": \"{SECRET_KEY}\"}}");
    let script = format!(
        "echo '{output}'\nprintf 'the vault \\033[31mis locked\\n\\nunlock it: %s\\n' \"$2\" >&2\n\
         echo 'debug: {output} SessionToken=IQoJb3JpZ2luX2VjSESSION' >&2\nexit 255"
    );
    expect_process_failure(
        &script,
        "profile import: the credential_process ended with exit status: 255 and wrote: the vault \\u{1b}[31mis locked / \
         unlock it: … / debug: ",
        "run its command in a shell",
    );
    expect_process_failure(
        "exit 3",
        "ended with exit status: 3 and wrote nothing to its standard error",
        "run its command",
    );
}

#[test]
fn the_output_of_a_process_is_not_quoted() {
    let printed = "print the JSON object";
    let text = format!("echo '{SECRET_KEY}'");
    expect_process_failure(
        &text,
        "the credential_process printed something else than a JSON object",
        printed,
    );
    let text = format!("echo '{{\"Version\": 1 \"{SECRET_KEY}\": \"hunter2\"}}'");
    expect_process_failure(
        &text,
        "the credential_process printed something else than a JSON object",
        printed,
    );
    let text = format!("echo '{{\"AccessKeyId\": \"hunter2\", \"SecretAccessKey\": \"{SECRET_KEY}\"}}'");
    expect_process_failure(&text, "the credential_process printed no Version", printed);
    let text = "echo '{\"Version\": 2, \"AccessKeyId\": \"hunter2\", \"SecretAccessKey\": \"hunter2\"}'";
    expect_process_failure(text, "the credential_process printed a Version other than 1", printed);
    let text = "echo '{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"hunter2\", \"Expiration\": \"soon\"}'";
    expect_process_failure(text, "the credential_process printed an Expiration that is no time", printed);
}

#[test]
fn credentials_that_have_expired_already_are_said() {
    let text = "echo '{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"hunter2\", \
                \"Expiration\": \"2020-01-01T00:00:00Z\"}'";
    let reason = "profile import: gives credentials that expired at 2020-01-01T00:00:00Z";
    expect_process_failure(text, reason, "make the credential_process renew them");
}

#[test]
fn a_process_that_does_not_exist_is_said() {
    let home =
        Home::with_config("[profile import]\ncredential_process = /nowhere/vault --password hunter2\n");
    let expected = (7, "ended with exit status: 127 and wrote: sh: ", "run its command in a shell");
    expect_failure(&home, &["--profile", "import"], &[], expected);
}

#[test]
fn a_missing_token_file_is_said_by_its_path() {
    let variables = [("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere/token"), ("AWS_ROLE_ARN", ROLE)];
    let reason = "there is no file /nowhere/token, which AWS_WEB_IDENTITY_TOKEN_FILE names";
    expect_failure(&Home::new(), &[], &variables, (7, reason, "correct AWS_WEB_IDENTITY_TOKEN_FILE"));
    let home = Home::with_config(&format!(
        "[profile import]\nrole_arn = {ROLE}\nweb_identity_token_file = /nowhere/own\n"
    ));
    let reason = "profile import: there is no file /nowhere/own, which web_identity_token_file names";
    expect_failure(&home, &["--profile", "import"], &[], (7, reason, "correct web_identity_token_file"));
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/x"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/nowhere/pod"),
    ];
    let reason = "there is no file /nowhere/pod, which AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names";
    expect_failure(
        &Home::new(),
        &[],
        &variables,
        (7, reason, "correct AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
    );
}

#[test]
fn failures_of_the_containers_endpoint_are_said() {
    let expect = |url: &str, expected| {
        let token = ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "container-authorization");
        let uri = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
        expect_failure(&Home::new(), &[], &[uri, token], expected);
    };
    let serve = |status, body: &str| {
        let body = body.to_owned();
        Endpoint::serve(move |_| text_reply(status, &body))
    };
    const NAME: &str = "the container's credentials endpoint: ";
    let denied = format!("{NAME}it answers with HTTP status 403");
    expect(&serve(403, "hunter2").url(), (7, &denied, "check the role of the task or pod"));
    let failing = format!("{NAME}it answers with HTTP status 500");
    expect(&serve(500, "hunter2").url(), (75, &failing, "try again later"));
    let other = format!("{NAME}it answers with something else than credentials");
    expect(
        &serve(200, "{\"AccessKeyId\": \"hunter2\"}").url(),
        (7, &other, "check AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    );
    let unreachable = format!("{NAME}the endpoint is out of reach");
    expect(&closed(), (75, &unreachable, "try again later"));
    let forbidden =
        format!("{NAME}AWS_CONTAINER_CREDENTIALS_FULL_URI names http://0.0.0.0:80, which is not allowed");
    expect("http://user:hunter2@0.0.0.0:80/hunter2", (7, &forbidden, "use https"));
}

#[test]
fn failures_of_the_instances_metadata_are_said() {
    let expect = |metadata: &Endpoint, expected| {
        let enabled = ("AWS_EC2_METADATA_DISABLED", "false");
        let at = ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &*metadata.url());
        expect_failure(&Home::new(), &[], &[enabled, at], expected);
    };
    const NAME: &str = "the metadata service of the EC2 instance: ";
    let forbidden = format!("{NAME}it is disabled, or forbids");
    expect(&Endpoint::serve(|_| text_reply(403, "hunter2")), (7, &forbidden, "enable it"));
    let with_token = |status, body: &'static str| {
        Endpoint::serve(move |request| match &*request.method {
            "PUT" => {
                let lifetime = ("x-aws-ec2-metadata-token-ttl-seconds", "21600".to_owned());
                Reply::Raw(200, vec![lifetime], "hunter2".to_owned())
            }
            _ if request.target.ends_with("/Instance") || status != 200 => text_reply(status, body),
            _ => text_reply(200, "Instance"),
        })
    };
    let failing = format!("{NAME}it answers with HTTP status 500");
    expect(&with_token(500, "hunter2"), (75, &failing, "try again later"));
    let error = "{\"Code\": \"AssumeRoleUnauthorizedAccess\", \"Message\": \"EC2 cannot assume the role\"}";
    let unauthorized = format!("{NAME}it answers [AssumeRoleUnauthorizedAccess] EC2 cannot assume the role");
    expect(&with_token(200, error), (7, &unauthorized, "check the instance's role"));
    expect(
        &with_token(404, ""),
        (7, "no role is attached to the EC2 instance", "name a profile with --profile"),
    );
}

#[test]
fn without_any_source_all_that_were_tried_are_listed() {
    let reason = "no source has credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set; there is no profile \
                  default; AWS_WEB_IDENTITY_TOKEN_FILE is not set; AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and \
                  AWS_CONTAINER_CREDENTIALS_FULL_URI are not set; the metadata service of EC2 is disabled by \
                  AWS_EC2_METADATA_DISABLED";
    expect_failure(&Home::new(), &[], &[], (7, reason, "name a profile with --profile"));
    let home = Home::with_config("[profile import]\nregion = eu-west-2\n");
    let reason = "no source has credentials: profile import has no keys, role, login or credential_process; ";
    expect_failure(&home, &["--profile", "import"], &[], (7, reason, "name a profile with --profile"));
}

#[test]
fn the_announcement_names_the_reason_and_the_end_the_remedy() {
    let home = sso_home();
    let connect = Endpoint::start(|_, _| Reply::Created);
    let url = format!("http://0.0.0.0:{}", connect.port);
    let ended = home.run(&run_signed(&url, &["--profile", "old"]), &[]).expect(7);
    let account = ended.stderr.lines().find(|line| line.contains("account")).unwrap();
    assert!(account.contains("not logged in to IAM Identity Center: there is no "), "{account}");
    assert!(!account.contains("aws sso login"), "{account}");
    assert!(ended.stdout.contains("log in with: aws sso login --profile old\n"), "{}", ended.stdout);
}

#[test]
fn verify_says_the_reason_and_the_remedy() {
    let home = sso_home();
    let connect = Endpoint::start(|_, _| Reply::Created);
    let url = connect.url();
    home.run(&run_signed(&url, &[]), &USER_KEYS).expect(0);
    let verify = [&["verify", "--key", "id", "--profile", "old"][..], &into_service(&url)].concat();
    let ended = home.run(&verify, &[]).expect(7);
    assert!(ended.stdout.contains("not logged in to IAM Identity Center"), "{}", ended.stdout);
    assert!(ended.stdout.contains("log in with: aws sso login --profile old\n"), "{}", ended.stdout);
}
