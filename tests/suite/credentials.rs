//! Sources of credentials: which one signs, and why there are none.

use crate::support::*;

/// An answer of AWS STS with credentials for a role.
fn role_credentials(operation: &str, key: &str) -> String {
    format!(
        "<{operation}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{operation}Result><Credentials>\
         <AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>\
         <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></{operation}Result></{operation}Response>"
    )
}

/// The access key that signed a request.
fn signer(request: &Request) -> &str {
    let (_, key) = request.headers["authorization"].split_once("Credential=").unwrap();
    key.split('/').next().unwrap()
}

#[test]
fn a_web_identity_token_signs() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let token = folder.write("token", "a token");
    let sts = Endpoint::serve(|request| {
        assert!(request.body.contains("WebIdentityToken=a%20token"), "{}", request.body);
        let body = role_credentials("AssumeRoleWithWebIdentity", "ASIAWEB");
        Reply::Raw(200, vec![("content-type", "text/xml".to_owned())], body)
    });
    let connect = Endpoint::start(|_, _| Reply::Created);
    let url = connect.url();
    let mut command = folder.command(&run_signed(&url, &[]));
    command
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", token)
        .env("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/Import");
    command.env("AWS_ENDPOINT_URL_STS", sts.url());
    Ended::from(command.output().unwrap()).expect(0);
    assert_eq!(connect.received().iter().map(signer).collect::<Vec<_>>(), ["ASIAWEB"]);
}
