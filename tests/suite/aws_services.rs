//! The services and files that credentials come from, on loopback: AWS STS, the portal of IAM Identity Center, AWS Sign-In, a
//! container's credentials endpoint, the metadata service of an instance, and the AWS configuration files.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::support::*;

/// Account of the credentials that the services give.
pub const ACCOUNT: &str = "111122223333";

/// Time at which the credentials expire, in the far future.
const EXPIRY: &str = "2099-01-01T00:00:00Z";

/// Name of the `sso-session` whose token `Home::sign_in_to_sso` writes. The token's file has its SHA-1 as name.
pub const SSO_SESSION: &str = "corp";
const SSO_TOKEN_FILE: &str = "ee0bfd2552fbd840c02cc48b6e823320543c450f.json";

/// The `login_session` whose token `Home::sign_in` writes.
pub const LOGIN_SESSION: &str = "arn:aws:iam::111122223333:user/me";

/// A temporary folder that is the user's home and the working directory, with `t.csv` of one row.
pub struct Home(pub Folder);

impl Home {
    pub fn new() -> Self {
        let folder = Folder::new();
        folder.write("t.csv", numbered_csv(1));
        for name in [".aws/sso/cache", ".aws/login/cache"] {
            std::fs::create_dir_all(folder.path(name)).unwrap();
        }
        Home(folder)
    }

    /// A home with this file `~/.aws/config`.
    pub fn with_config(text: &str) -> Self {
        let home = Home::new();
        home.config(text);
        home
    }

    /// Writes `~/.aws/config`.
    pub fn config(&self, text: &str) {
        self.0.write(".aws/config", text);
    }

    /// Writes `~/.aws/credentials`.
    pub fn credentials(&self, text: &str) {
        self.0.write(".aws/credentials", text);
    }

    /// A command of the binary with this home, and otherwise an empty environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.0.command(arguments);
        command.env("HOME", self.0.path(""));
        command
    }

    /// Runs a command with this home and these variables.
    pub fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        Ended::from(self.command(arguments).envs(variables.iter().copied()).output().unwrap())
    }

    /// Writes the token that `aws sso login` leaves for [`SSO_SESSION`], valid until this time.
    pub fn sign_in_to_sso(&self, access_token: &str, expires_at: &str) {
        let token = json!({"accessToken": access_token, "expiresAt": expires_at, "region": "eu-west-2",
            "startUrl": "https://corp.example/start"});
        self.0.write(&format!(".aws/sso/cache/{SSO_TOKEN_FILE}"), token.to_string());
    }

    /// Writes the token that `aws login` leaves for [`LOGIN_SESSION`], with this access key, valid until this time.
    pub fn sign_in(&self, key: &str, expires_at: &str) {
        let mut access_token = json_credentials("sessionToken", "expiresAt", key, expires_at);
        access_token["accountId"] = ACCOUNT.into();
        // An example of the SDK, `login/cache.rs` of aws-config.
        let dpop_key = "-----BEGIN EC PRIVATE KEY-----\n\
            MHcCAQEEIFDZHUzOG1Pzq+6F0mjMlOSp1syN9LRPBuHMoCFXTcXhoAoGCCqGSM49\n\
            AwEHoUQDQgAE9qhj+KtcdHj1kVgwxWWWw++tqoh7H7UHs7oXh8jBbgF47rrYGC+t\n\
            djiIaHK3dBvvdE7MGj5HsepzLm3Kj91bqA==\n-----END EC PRIVATE KEY-----\n";
        let token = json!({"accessToken": access_token, "tokenType": "aws_sigv4", "refreshToken": "refresh",
            "clientId": "arn:aws:signin:::devtools/same-device", "dpopKey": dpop_key});
        let digest: String = Sha256::digest(LOGIN_SESSION).iter().map(|byte| format!("{byte:02x}")).collect();
        self.0.write(&format!(".aws/login/cache/{digest}.json"), token.to_string());
    }

    /// Writes a program that gives credentials with this access key and counts its calls; returns its path.
    pub fn credential_process(&self, key: &str) -> String {
        let credentials = json!({"Version": 1, "AccessKeyId": key, "SecretAccessKey": "secret",
            "SessionToken": "token", "Expiration": EXPIRY});
        self.program(&format!("echo '{credentials}'"))
    }

    /// Writes a shell script that counts its calls; returns its path.
    pub fn program(&self, script: &str) -> String {
        let calls = self.0.path("calls");
        let text = format!("#!/bin/sh\necho called >> '{}'\n{script}\n", calls.display());
        let path = self.0.write("program", text);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        path.display().to_string()
    }

    /// How often the program was called.
    pub fn calls(&self) -> usize {
        std::fs::read_to_string(self.0.path("calls")).map_or(0, |calls| calls.lines().count())
    }
}

/// The access key that signed a request.
pub fn signer(request: &Request) -> String {
    let (_, key) = request.headers["authorization"].split_once("Credential=").unwrap();
    key.split('/').next().unwrap().to_owned()
}

/// The access keys that signed the requests of an endpoint so far.
pub fn signers(endpoint: &Endpoint) -> Vec<String> {
    endpoint.received().iter().map(signer).collect()
}

fn json_reply(body: &serde_json::Value) -> Reply {
    Reply::Raw(200, vec![("content-type", "application/json".to_owned())], body.to_string())
}

/// A status and a text as it is.
pub fn text_reply(status: u16, body: &str) -> Reply {
    Reply::Raw(status, vec![("content-type", "text/xml".to_owned())], body.to_owned())
}

fn json_credentials(token_name: &str, expiry_name: &str, key: &str, expiry: &str) -> serde_json::Value {
    json!({"accessKeyId": key, "secretAccessKey": "secret", token_name: "token", expiry_name: expiry})
}

/// The operation that a request to AWS STS names.
pub fn sts_operation(request: &Request) -> String {
    let mut pairs = request.body.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| *name == "Action").map(|(_, action)| action.to_owned()).unwrap_or_default()
}

/// An answer of AWS STS with credentials for a role.
pub fn role_credentials(operation: &str, key: &str) -> Reply {
    text_reply(
        200,
        &format!(
            "<{operation}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{operation}Result><Credentials>\
             <AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
             <SessionToken>token</SessionToken><Expiration>{EXPIRY}</Expiration></Credentials></{operation}Result>\
             </{operation}Response>"
        ),
    )
}

/// A refusal by AWS STS.
pub fn sts_error(status: u16, code: &str, message: &str) -> Reply {
    text_reply(
        status,
        &format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
        ),
    )
}

/// An AWS STS that gives credentials with this access key for any role, and tells the owner of any credentials.
pub fn security_token_service(key: &'static str) -> Endpoint {
    Endpoint::serve(move |request| match &*sts_operation(request) {
        "GetCallerIdentity" => text_reply(
            200,
            &format!(
                "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                 <GetCallerIdentityResult><Arn>arn:aws:sts::{ACCOUNT}:assumed-role/Import/me</Arn><UserId>U</UserId>\
                 <Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
            ),
        ),
        operation => role_credentials(operation, key),
    })
}

/// The portal of IAM Identity Center (`AWS_ENDPOINT_URL_SSO`), which gives credentials with this access key for this token.
pub fn sso_portal(key: &'static str, access_token: &'static str) -> Endpoint {
    Endpoint::serve(move |request| {
        if request.headers.get("x-amz-sso_bearer_token").map(String::as_str) != Some(access_token) {
            return Reply::Error(401, "UnauthorizedException");
        }
        json_reply(&json!({"roleCredentials": {"accessKeyId": key, "secretAccessKey": "secret",
            "sessionToken": "token", "expiration": 4_070_908_800_000_u64}}))
    })
}

/// AWS Sign-In (`AWS_ENDPOINT_URL_SIGNIN`), which renews the token of `aws login`.
pub fn sign_in_service(key: &'static str) -> Endpoint {
    Endpoint::serve(move |_| {
        json_reply(
            &json!({"accessToken": {"accessKeyId": key, "secretAccessKey": "secret", "sessionToken": "token"},
            "tokenType": "aws_sigv4", "expiresIn": 900, "refreshToken": "refresh 2"}),
        )
    })
}

/// A container's credentials endpoint (`AWS_CONTAINER_CREDENTIALS_FULL_URI`).
pub fn container(key: &'static str) -> Endpoint {
    Endpoint::serve(move |_| {
        json_reply(&json!({"AccessKeyId": key, "SecretAccessKey": "secret", "Token": "token",
            "Expiration": EXPIRY, "RoleArn": "arn:aws:iam::111122223333:role/Task"}))
    })
}

/// The metadata service of an EC2 instance, version 2 (`AWS_EC2_METADATA_SERVICE_ENDPOINT`, with
/// `AWS_EC2_METADATA_DISABLED` set to `false`).
pub fn instance_metadata(key: &'static str) -> Endpoint {
    const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
    const TOKEN_LIFETIME: &str = "x-aws-ec2-metadata-token-ttl-seconds";
    Endpoint::serve(move |request| match (&*request.method, &*request.target) {
        ("PUT", "/latest/api/token") => {
            Reply::Raw(200, vec![(TOKEN_LIFETIME, "21600".to_owned())], "metadata token".to_owned())
        }
        _ if !request.headers.contains_key("x-aws-ec2-metadata-token") => text_reply(401, ""),
        ("GET", ROLES) => text_reply(200, "Instance"),
        ("GET", target) if target == format!("{ROLES}Instance") => {
            json_reply(&json!({"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2026-01-01T00:00:00Z",
                "AccessKeyId": key, "SecretAccessKey": "secret", "Token": "token", "Expiration": EXPIRY}))
        }
        _ => text_reply(404, ""),
    })
}
