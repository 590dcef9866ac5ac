//! Sources of credentials: which one signs, and why there are none.

use crate::aws_services::*;
use crate::support::*;

/// A run with this home, options and variables signs its request with this access key, and says that it is from this
/// source.
#[track_caller]
fn expect_signer(key: &str, source: &str, home: &Home, options: &[&str], variables: &[(&str, &str)]) {
    let connect = Endpoint::start(|_, _| Reply::Created);
    let ended = home.run(&run_signed(&connect.url(), options), variables).expect(0);
    assert_eq!(signers(&connect), [key], "{}", ended.stderr);
    assert!(ended.stderr.contains(&format!("\n  credentials  {source}\n")), "{}", ended.stderr);
}

const ROLE: &str = "arn:aws:iam::111122223333:role/Import";

const WITH_METADATA: (&str, &str) = ("AWS_EC2_METADATA_DISABLED", "false");

#[test]
fn the_environments_keys_sign() {
    expect_signer("AKIDEXAMPLE", "the variable AWS_ACCESS_KEY_ID", &Home::new(), &[], &USER_KEYS);
}

#[test]
fn keys_of_a_profile_sign() {
    let home = Home::new();
    home.credentials("[import]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = secret\n");
    expect_signer("AKIDPROFILE", "profile import (keys)", &home, &["--profile", "import"], &[]);
}

#[test]
fn a_role_of_a_source_profile_signs() {
    let sts = security_token_service("ASIAROLE");
    let home = Home::with_config(
        "[profile import]\nrole_arn = arn:aws:iam::111122223333:role/Import\nsource_profile = base\n\
         [profile base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = secret\n",
    );
    let sts_url = sts.url();
    let source = format!("profile import (role {ROLE}, assumed with profile base (keys))");
    expect_signer(
        "ASIAROLE",
        &source,
        &home,
        &["--profile", "import"],
        &[("AWS_ENDPOINT_URL_STS", &sts_url)],
    );
    assert_eq!(signers(&sts), ["AKIDBASE"]);
}

#[test]
fn a_web_identity_token_signs() {
    let home = Home::new();
    let token = home.0.write("token", "a token").display().to_string();
    let sts = security_token_service("ASIAWEB");
    let sts_url = sts.url();
    let variables = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", &*token),
        ("AWS_ROLE_ARN", ROLE),
        ("AWS_ENDPOINT_URL_STS", &sts_url),
    ];
    expect_signer("ASIAWEB", "the token of AWS_WEB_IDENTITY_TOKEN_FILE", &home, &[], &variables);
    std::fs::remove_file(home.0.path("t.ledger.db")).unwrap();
    home.config(&format!("[profile import]\nrole_arn = {ROLE}\nweb_identity_token_file = {token}\n"));
    let source = format!("profile import (role {ROLE}, assumed with a web identity token)");
    expect_signer("ASIAWEB", &source, &home, &["--profile", "import"], &[("AWS_ENDPOINT_URL_STS", &sts_url)]);
    for request in sts.received() {
        assert_eq!(sts_operation(&request), "AssumeRoleWithWebIdentity");
        assert!(request.body.contains("WebIdentityToken=a%20token"), "{}", request.body);
    }
}

#[test]
fn a_session_of_sso_signs() {
    let home = Home::with_config(&format!(
        "[profile import]\nsso_session = {SSO_SESSION}\nsso_account_id = {ACCOUNT}\nsso_role_name = Import\n\
         [sso-session {SSO_SESSION}]\nsso_region = eu-west-2\nsso_start_url = https://corp.example/start\n"
    ));
    home.sign_in_to_sso("an access token", "2099-01-01T00:00:00Z");
    let portal = sso_portal("ASIASSO", "an access token");
    let variables = [("AWS_ENDPOINT_URL_SSO", &*portal.url())];
    expect_signer("ASIASSO", "profile import (SSO)", &home, &["--profile", "import"], &variables);
}

#[test]
fn a_session_of_aws_login_signs() {
    let home = Home::with_config(&format!("[profile import]\nlogin_session = {LOGIN_SESSION}\n"));
    home.sign_in("ASIALOGIN", "2099-01-01T00:00:00Z");
    expect_signer("ASIALOGIN", "profile import (aws login)", &home, &["--profile", "import"], &[]);
    // One that has expired is renewed.
    home.sign_in("ASIAOLD", "2020-01-01T00:00:00Z");
    std::fs::remove_file(home.0.path("t.ledger.db")).unwrap();
    let service = sign_in_service("ASIARENEWED");
    let variables = [("AWS_ENDPOINT_URL_SIGNIN", &*service.url())];
    expect_signer("ASIARENEWED", "profile import (aws login)", &home, &["--profile", "import"], &variables);
}

#[test]
fn a_credential_process_signs() {
    let home = Home::new();
    let program = home.credential_process("ASIAPROCESS");
    home.config(&format!("[profile import]\ncredential_process = {program}\n"));
    expect_signer("ASIAPROCESS", "profile import (credential process)", &home, &["--profile", "import"], &[]);
    assert_eq!(home.calls(), 1);
}

#[test]
fn the_containers_role_signs() {
    let endpoint = container("ASIACONTAINER");
    let variables = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", &*endpoint.url())];
    expect_signer("ASIACONTAINER", "the container's credentials endpoint", &Home::new(), &[], &variables);
}

#[test]
fn the_instances_role_signs() {
    let metadata = instance_metadata("ASIAINSTANCE");
    let variables = [WITH_METADATA, ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &*metadata.url())];
    expect_signer("ASIAINSTANCE", "the metadata service of the EC2 instance", &Home::new(), &[], &variables);
}

#[test]
fn nothing_is_sent_with_a_role_that_is_refused() {
    let sts = Endpoint::serve(|_| sts_error(403, "AccessDenied", "not authorized to perform sts:AssumeRole"));
    let home = Home::with_config(
        "[profile import]\nrole_arn = arn:aws:iam::111122223333:role/Import\ncredential_source = Environment\n",
    );
    let connect = Endpoint::start(|_, _| Reply::Created);
    let (url, sts_url) = (connect.url(), sts.url());
    let mut command = home.command(&run_signed(&url, &["--profile", "import", "--max-duration", "2s"]));
    command.envs(USER_KEYS).env("AWS_ENDPOINT_URL_STS", &sts_url);
    assert_ne!(Ended::from(command.output().unwrap()).code, Some(0));
    assert_eq!(signers(&sts)[0], "AKIDEXAMPLE");
    assert!(connect.received().is_empty());
}

#[test]
fn a_token_without_a_role_does_not_lead_to_the_machines_role() {
    let metadata = instance_metadata("ASIAINSTANCE");
    let connect = Endpoint::start(|_, _| Reply::Created);
    let (url, metadata_url) = (connect.url(), metadata.url());
    let variables = [
        WITH_METADATA,
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &*metadata_url),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere/token"),
    ];
    let ended = Home::new().run(&run_signed(&url, &[]), &variables).expect(7);
    assert!(ended.stdout.contains("AWS_ROLE_ARN is not set, and AWS_WEB_IDENTITY_TOKEN_FILE is"));
    assert!(connect.received().is_empty());
}

#[test]
fn a_refused_token_with_a_line_end_in_its_file_is_said_to_have_one() {
    let home = Home::new();
    let sts = Endpoint::serve(|_| sts_error(400, "InvalidIdentityToken", "not a valid JWT"));
    let connect = Endpoint::start(|_, _| Reply::Created);
    let (url, sts_url, file) = (connect.url(), sts.url(), home.0.path("token").display().to_string());
    let variables =
        [("AWS_WEB_IDENTITY_TOKEN_FILE", &*file), ("AWS_ROLE_ARN", ROLE), ("AWS_ENDPOINT_URL_STS", &sts_url)];
    let of_file = format!("write {file} without white space at its ends");
    for (token, has_line_end) in [("a.b.c\n", true), ("a.b.c", false)] {
        home.0.write("token", token);
        let ended = home.run(&run_signed(&url, &[]), &variables).expect(7);
        assert!(ended.stdout.contains("InvalidIdentityToken: not a valid JWT"), "{}", ended.stdout);
        assert_eq!(ended.stdout.contains(&of_file), has_line_end, "{}", ended.stdout);
    }
    assert!(connect.received().is_empty());
}
