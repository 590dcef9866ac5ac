//! The chapter "AWS environments" of the handbook: `doctor` in each of them, against services on loopback. A proxy on
//! loopback leads to a server with the names of Amazon Connect's hosts, so that no name is resolved.

use crate::authority::Authority;
use crate::aws_services::*;
use crate::handbook::expect_section;
use crate::proxies::TunnelProxy;
use crate::support::*;

const CONNECT: &str = "connect.eu-west-2.amazonaws.com";
const GOVCLOUD: &str = "connect.us-gov-west-1.amazonaws.com";
const VPC_ENDPOINT: &str = "vpce-0123456789abcdef0-abcdefgh.connect.eu-west-2.vpce.amazonaws.com";

const INSTANCE: &str = "arn:aws:connect:eu-west-2:111122223333:instance/11111111-2222-3333-4444-555555555555";
const GOVCLOUD_INSTANCE: &str =
    "arn:aws-us-gov:connect:us-gov-west-1:111122223333:instance/11111111-2222-3333-4444-555555555555";

const ROLE: &str = "arn:aws:iam::111122223333:role/Import";

/// Checks whose lines the chapter shows; the others do not depend on the environment.
const SHOWN: [&str; 7] = ["host", "Region", "profile", "proxy", "credentials", "account", "endpoint"];

/// An environment of the chapter.
struct Environment {
    name: &'static str,
    /// What the user sets, as the cell of a table.
    set: &'static str,
    /// What the platform sets itself.
    platform: &'static str,
    instance: &'static str,
    config: String,
    /// Variables, in the place of those of the platform too.
    variables: Vec<(&'static str, String)>,
    caller: &'static str,
    /// Whether the proxy belongs to the environment and not to the test.
    has_proxy: bool,
    /// The answer of Connect to the request of `doctor`; `None`: as if it were allowed.
    refusal: Option<Reply>,
    exit: i32,
}

impl Environment {
    fn new(name: &'static str, set: &'static str, platform: &'static str) -> Self {
        Environment {
            name,
            set,
            platform,
            instance: INSTANCE,
            config: String::new(),
            variables: Vec::new(),
            caller: "arn:aws:sts::111122223333:assumed-role/Import/me",
            has_proxy: false,
            refusal: None,
            exit: 0,
        }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }
}

/// A server with the names of Amazon Connect's hosts and of those of AWS STS, which names this caller and gives credentials
/// for any role. It refuses the request of `doctor` as Connect does.
fn aws(authority: &Authority, caller: &'static str, refusal: Option<Reply>) -> Endpoint {
    let stss = ["sts.eu-west-2.amazonaws.com", "sts.us-gov-west-1.amazonaws.com"];
    let tls = authority.server(&[&[CONNECT, GOVCLOUD, VPC_ENDPOINT][..], &stss].concat());
    Endpoint::serve_tls(tls, move |request| {
        if request.headers["host"].starts_with("sts.") {
            return security_token(request, caller);
        }
        let headers = |error: &str| {
            let date = jiff::fmt::rfc2822::DateTimePrinter::new();
            let date = date.timestamp_to_rfc9110_string(&jiff::Timestamp::now()).unwrap();
            let error = (!error.is_empty()).then(|| ("x-amzn-errortype", error.to_owned()));
            [("x-amzn-requestid", "4e0a5c1b".to_owned()), ("date", date)].into_iter().chain(error).collect()
        };
        if let Some(reply) = refusal.clone().filter(|_| request.method == "PUT") {
            return reply;
        }
        let (status, error, body) = match &*request.method {
            "PUT" => (400, "InvalidParameterException", "{\"message\":\"Client token is too long\"}"),
            _ => (200, "", "{\"Instance\":{\"InstanceStatus\":\"ACTIVE\"}}"),
        };
        Reply::Raw(status, headers(error), body.to_owned())
    })
}

/// The answer of AWS STS.
fn security_token(request: &Request, caller: &str) -> Reply {
    match &*sts_operation(request) {
        "GetCallerIdentity" => text_reply(
            200,
            &format!(
                "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                 <GetCallerIdentityResult><Arn>{caller}</Arn><UserId>U</UserId><Account>{ACCOUNT}</Account>\
                 </GetCallerIdentityResult></GetCallerIdentityResponse>"
            ),
        ),
        operation => role_credentials(operation, "ASIAEXAMPLE"),
    }
}

/// What `doctor` prints in an environment, with placeholders for what differs between runs.
fn doctor(environment: &Environment, authority: &Authority) -> String {
    let home = Home::with_config(&environment.config);
    home.0.write("tickets.csv", numbered_csv(3));
    home.0.write("corp.pem", authority.pem());
    home.0.write("other.pem", Authority::new("Another Root").pem());
    home.0.write("token", "a token");
    home.sign_in_to_sso("an access token", "2099-01-01T00:00:00Z");
    home.sign_in("ASIAEXAMPLE", "2099-01-01T00:00:00Z");
    let job = format!(
        "[connect]\ninstance_id = \"{}\"\n[source]\nfiles = [\"tickets.csv\"]\nkey = [\"id\"]\n",
        environment.instance
    );
    home.0.write("tickets.toml", job);
    let aws = aws(authority, environment.caller, environment.refusal.clone());
    let proxy = TunnelProxy::to(aws.port);
    let mut command = home.command(&["doctor", "--job", "tickets.toml"]);
    command.env("HTTPS_PROXY", format!("http://127.0.0.1:{}", proxy.port));
    command.env("CONNECT_IMPORT_CA_BUNDLE", "corp.pem");
    command.envs(environment.variables.iter().map(|(name, value)| (name, value)));
    let text = Ended::from(command.output().unwrap()).expect(environment.exit).stdout;
    let mut parts = text.split("127.0.0.1:");
    let first = parts.next().unwrap().to_owned();
    let text = parts.fold(first, |text, part| {
        text + "127.0.0.1:PORT" + part.trim_start_matches(|c: char| c.is_ascii_digit())
    });
    text.replace("2099-01-01T00:00:00Z", "TIME")
}

/// The check of a line that begins a diagnosis.
fn check_of(line: &str) -> Option<&str> {
    line.get(6..).and_then(|rest| rest.split(' ').next()).filter(|check| !check.is_empty())
}

/// The lines of the shown checks.
fn shown(environment: &Environment, authority: &Authority) -> String {
    let (mut text, mut is_shown) = (String::new(), false);
    for line in doctor(environment, authority).lines().take_while(|line| !line.is_empty()) {
        if let Some(check) = check_of(line) {
            is_shown = SHOWN.contains(&check) && (check != "proxy" || environment.has_proxy);
        }
        if is_shown {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// The environments of the chapter, with the services that their credentials come from.
fn environments(services: &[Endpoint; 3]) -> Vec<Environment> {
    let [portal, metadata, container] = services;
    let web_identity = |name, set, platform| {
        Environment::new(name, set, platform)
            .with("AWS_ROLE_ARN", ROLE)
            .with("AWS_WEB_IDENTITY_TOKEN_FILE", "token")
    };
    let on_container = |name, set, platform| {
        Environment::new(name, set, platform).with("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.url())
    };
    vec![
        Environment {
            config: format!(
                "[profile import]\nsso_session = {SSO_SESSION}\nsso_account_id = {ACCOUNT}\nsso_role_name = Import\n\
                 [sso-session {SSO_SESSION}]\nsso_region = eu-west-2\nsso_start_url = https://corp.example/start\n"
            ),
            ..Environment::new(
                "Laptop with SSO",
                "`aws configure sso --profile import` once, `aws sso login --profile import`, then `profile = \"import\"` under \
                 `[connect]`",
                "",
            )
        }
        .with("CONNECT_IMPORT_PROFILE", "import")
        .with("AWS_ENDPOINT_URL_SSO", portal.url()),
        Environment {
            config: format!("[profile console]\nlogin_session = {LOGIN_SESSION}\n"),
            caller: "arn:aws:iam::111122223333:user/me",
            ..Environment::new(
                "Laptop with a sign-in profile",
                "`aws login --profile console`, then `profile = \"console\"`",
                "",
            )
        }
        .with("CONNECT_IMPORT_PROFILE", "console"),
        Environment::new(
            "EC2",
            "nothing: an instance profile with the role. From a container on the instance: a hop limit of 2 for its metadata",
            "the metadata service",
        )
        .with("AWS_EC2_METADATA_DISABLED", "false")
        .with("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url()),
        on_container(
            "ECS and AWS Batch",
            "nothing: the task role (`taskRoleArn`; in AWS Batch `jobRoleArn`)",
            "`AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`",
        ),
        web_identity(
            "EKS with IRSA",
            "nothing: the service account's annotation `eks.amazonaws.com/role-arn`",
            "`AWS_ROLE_ARN`, `AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_REGION`",
        ),
        on_container(
            "EKS with Pod Identity",
            "nothing: a pod identity association of the service account with the role",
            "`AWS_CONTAINER_CREDENTIALS_FULL_URI`, `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`",
        )
        .with("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "token"),
        web_identity(
            "CI with OIDC",
            "the job's token in a file, `AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`",
            "the token, such as GitLab's `id_tokens`",
        ),
        Environment::new(
            "CI with OIDC, keys of a session",
            "`--max-duration` below the session's lifetime, and a ledger that outlives the job",
            "`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, as by `aws-actions/configure-aws-credentials`",
        )
        .with("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE")
        .with("AWS_SECRET_ACCESS_KEY", "secret")
        .with("AWS_SESSION_TOKEN", "token"),
        Environment {
            instance: GOVCLOUD_INSTANCE,
            caller: "arn:aws-us-gov:sts::111122223333:assumed-role/Import/i-0123456789abcdef0",
            ..Environment::new(
                "GovCloud",
                "the instance's ARN (`arn:aws-us-gov:…`), or `region = \"us-gov-west-1\"`; credentials of a GovCloud account; \
                 `AWS_USE_FIPS_ENDPOINT=true` where it is required",
                "",
            )
        }
        .with("AWS_USE_FIPS_ENDPOINT", "true")
        .with("AWS_EC2_METADATA_DISABLED", "false")
        .with("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url()),
        Environment {
            has_proxy: true,
            ..Environment::new(
                "Proxy with an authority of its own",
                "`HTTPS_PROXY=http://HOST:PORT`, `NO_PROXY` for hosts that are reached directly, `ca_bundle = \"corp.pem\"` under \
                 `[connect]`",
                "",
            )
        }
        .with("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .with("AWS_SECRET_ACCESS_KEY", "secret"),
        Environment::new(
            "VPC endpoint",
            "with private DNS nothing; without it `endpoint_url = \"https://vpce-….connect.REGION.vpce.amazonaws.com\"` under \
             `[connect]`, and `AWS_ENDPOINT_URL_STS` for that of STS",
            "",
        )
        .with("CONNECT_IMPORT_ENDPOINT_URL", format!("https://{VPC_ENDPOINT}"))
        .with("AWS_EC2_METADATA_DISABLED", "false")
        .with("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url()),
    ]
}

#[test]
fn the_handbook_shows_what_doctor_prints_in_each_environment() {
    let authority = Authority::new("Example Corp Root");
    let services = [
        sso_portal("ASIAEXAMPLE", "an access token"),
        instance_metadata("ASIAEXAMPLE"),
        container("ASIAEXAMPLE"),
    ];
    let mut table =
        "| environment | what to set | what the platform sets | credentials, as `doctor` names them |\n\
                     |---|---|---|---|\n"
            .to_owned();
    let mut printed = String::new();
    for environment in environments(&services) {
        let text = shown(&environment, &authority);
        let line = text.lines().find(|line| line[6..].starts_with("credentials")).unwrap();
        let (verdict, found) = (&line[..4], line[19..].trim());
        let Environment { name, set, platform, .. } = &environment;
        let link = name.to_lowercase().replace([' '], "-").replace(',', "");
        table.push_str(&format!("| [{name}](#{link}) | {set} | {platform} | {verdict}: {found} |\n"));
        printed.push_str(&format!("### {}\n\n```text\n{text}```\n\n", name.replace(',', "")));
    }
    expect_section("src/handbook/environments.md", "environments", &table);
    expect_section("src/handbook/environments.md", "diagnoses", &printed);
}

/// An error of Amazon Connect.
fn refusal(status: u16, code: &str, message: &str) -> Option<Reply> {
    let headers = [("x-amzn-requestid", "4e0a5c1b"), ("x-amzn-errortype", code)];
    let headers = headers.map(|(name, value)| (name, value.to_owned())).to_vec();
    Some(Reply::Raw(status, headers, serde_json::json!({"message": message}).to_string()))
}

/// A page as proxies, gateways and portals send it.
fn page(status: u16) -> Reply {
    let headers = [("content-type", "text/html"), ("connection", "close")]
        .map(|(name, value)| (name, value.to_owned()));
    Reply::Raw(status, headers.to_vec(), "<html><body>Access denied</body></html>".to_owned())
}

/// Failures of the chapter: the cause, where it happens, and the check that fails.
fn failures(refusing: &Endpoint) -> Vec<(&'static str, Environment, &'static str)> {
    let keys = || {
        Environment::new("", "", "")
            .with("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .with("AWS_SECRET_ACCESS_KEY", "secret")
    };
    let denied = |message| refusal(403, "AccessDeniedException", message);
    vec![
        (
            "the proxy's authority is not trusted",
            Environment { exit: 2, ..keys().with("CONNECT_IMPORT_CA_BUNDLE", "other.pem") },
            "endpoint",
        ),
        (
            "the proxy asks for a password",
            Environment { exit: 7, ..keys().with("HTTPS_PROXY", refusing.url()) },
            "proxy",
        ),
        (
            "a gateway or portal answers in Connect's place",
            Environment { exit: 7, refusal: Some(page(403)), ..keys() },
            "endpoint",
        ),
        (
            "the URL is that of another AWS service",
            Environment { exit: 7, refusal: refusal(404, "UnknownOperationException", ""), ..keys() },
            "endpoint",
        ),
        (
            "IAM does not allow it",
            Environment {
                exit: 7,
                refusal: denied(
                    "User: arn:aws:sts::111122223333:assumed-role/Import/me is not authorized to perform: \
                     connect:CreateContact because no identity-based policy allows the connect:CreateContact action",
                ),
                ..keys()
            },
            "permission",
        ),
        (
            "the policy of the VPC endpoint does not allow it",
            Environment {
                exit: 7,
                refusal: denied(
                    "User: arn:aws:sts::111122223333:assumed-role/Import/me is not authorized to perform: \
                     connect:CreateContact because no VPC endpoint policy allows the connect:CreateContact action",
                ),
                ..keys()
            },
            "permission",
        ),
        (
            "the keys are of another partition, such as GovCloud's, or inactive",
            Environment {
                exit: 7,
                refusal: refusal(
                    403,
                    "UnrecognizedClientException",
                    "The security token included in the request is invalid.",
                ),
                ..keys()
            },
            "credentials",
        ),
        (
            "the clock is wrong",
            Environment {
                exit: 7,
                refusal: refusal(
                    403,
                    "InvalidSignatureException",
                    "Signature expired: 20261130T100000Z is now earlier than 20261130T101500Z (20261130T102000Z - 5 min.)",
                ),
                ..keys()
            },
            "clock",
        ),
    ]
}

#[test]
fn the_handbook_shows_what_doctor_says_of_failures() {
    let authority = Authority::new("Example Corp Root");
    let refusing = Endpoint::serve(|_| page(407));
    let mut printed = String::new();
    for (cause, environment, check) in failures(&refusing) {
        let text = doctor(&environment, &authority);
        let mut lines =
            text.lines().skip_while(|line| !line.starts_with("fail") || check_of(line) != Some(check));
        let found = lines.next().ok_or_else(|| format!("{cause}: no {check} fails in\n{text}")).unwrap();
        let remedy = lines.next().filter(|line| check_of(line).is_none()).unwrap_or_default();
        printed.push_str(&format!("- {cause}:\n\n  ```text\n  {found}\n  {remedy}\n  ```\n\n"));
    }
    expect_section("src/handbook/environments.md", "failures", &printed);
}
