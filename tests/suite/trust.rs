//! Certificates: which servers are trusted, and what is said about others.

use crate::authority::Authority;
use crate::support::*;

#[test]
fn a_certificate_of_the_bundles_authority_is_trusted() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    let authority = Authority::new("Example Corp Root");
    folder.write("corp.pem", authority.pem());
    let connect = Endpoint::serve_tls(authority.server(&[]), |request| {
        let id = format!("11111111-2222-3333-4444-{:012}", request.number);
        let headers = vec![("content-type", "application/json".to_owned())];
        Reply::Raw(200, headers, serde_json::json!({"ContactId": id}).to_string())
    });
    let url = connect.url();
    let mut command = folder.command(&run_signed(&url, &["--ca-bundle", "corp.pem"]));
    Ended::from(command.envs(USER_KEYS).output().unwrap()).expect(0);
    let methods: Vec<_> = connect.received().into_iter().map(|request| request.method).collect();
    assert_eq!(methods, ["PUT", "PUT"]);
}
