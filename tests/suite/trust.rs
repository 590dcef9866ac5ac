//! Certificates: which servers are trusted, and what is said about others.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};

use crate::authority::{Authority, expired, not_yet_valid, rotated, self_signed};
use crate::support::*;

/// An answer of Connect; the connection ends with it.
fn created(request: &Request) -> Reply {
    let id = format!("11111111-2222-3333-4444-{:012}", request.number);
    let headers = vec![("content-type", "application/json".to_owned()), ("connection", "close".to_owned())];
    Reply::Raw(200, headers, serde_json::json!({"ContactId": id}).to_string())
}

/// Names and values of variables.
type Variables = &'static [(&'static str, &'static str)];

/// Runs the import of `t.csv` with these variables.
fn import(folder: &Folder, connect: &Endpoint, more: &[&str], variables: Variables) -> Ended {
    let url = connect.url();
    let mut command = folder.command(&run_signed(&url, more));
    command.envs(USER_KEYS).envs(variables.iter().copied());
    Ended::from(command.output().unwrap())
}

/// A folder with a CSV of so many rows.
fn folder_of(rows: usize) -> Folder {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(rows));
    folder
}

/// Checks that a text has all of these parts.
#[track_caller]
fn expect_parts(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
}

#[test]
fn a_certificate_of_the_bundles_authority_is_trusted() {
    let authority = Authority::new("Example Corp Root");
    let server = authority.intermediate("Example Corp Proxy").server(&[]);
    // Each is chosen although those after it name no file, and those before it are set to nothing.
    let cases: [(&[&str], Variables); 5] = [
        (&["--ca-bundle", "corp.pem"], &[("AWS_CA_BUNDLE", "none.pem")]),
        (&[], &[("CONNECT_IMPORT_CA_BUNDLE", "corp.pem"), ("AWS_CA_BUNDLE", "none.pem")]),
        (&[], &[("AWS_CA_BUNDLE", "corp.pem"), ("REQUESTS_CA_BUNDLE", "none.pem")]),
        (&[], &[("AWS_CA_BUNDLE", ""), ("REQUESTS_CA_BUNDLE", "corp.pem"), ("SSL_CERT_FILE", "none.pem")]),
        (&[], &[("AWS_CA_BUNDLE", ""), ("SSL_CERT_FILE", "corp.pem"), ("SSL_CERT_DIR", "")]),
    ];
    for (more, variables) in cases {
        let folder = folder_of(2);
        folder.write("corp.pem", authority.pem());
        let connect = Endpoint::serve_tls(server.clone(), created);
        import(&folder, &connect, more, variables).expect(0);
        let methods: Vec<_> = connect.received().into_iter().map(|request| request.method).collect();
        assert_eq!(methods, ["PUT", "PUT"], "{variables:?}");
    }
}

#[test]
fn every_form_of_a_bundle_makes_connections() {
    let authority = Authority::new("Example Corp Root");
    let server = authority.server(&[]);
    let pem = authority.pem();
    let forms: [(&str, Vec<u8>); 4] = [
        ("a byte order mark", format!("\u{feff}{pem}").into()),
        ("CR LF and text", format!("# root\n{pem}").replace('\n', "\r\n").into()),
        (
            "a broken certificate",
            format!("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n{pem}").into(),
        ),
        ("DER", authority.der()),
    ];
    for (name, bytes) in forms {
        let named: [Variables; 2] = [&[("AWS_CA_BUNDLE", "corp.pem")], &[("SSL_CERT_FILE", "corp.pem")]];
        for variables in named {
            let folder = folder_of(1);
            folder.write("corp.pem", &bytes);
            let connect = Endpoint::serve_tls(server.clone(), created);
            let ended = import(&folder, &connect, &[], variables);
            assert_eq!(ended.code, Some(0), "{name}, {variables:?}:\n{}", ended.stderr);
        }
    }
}

#[test]
fn an_untrusted_certificate_is_told_with_its_issuer_and_nothing_is_sent() {
    let authority = Authority::new("Example Corp Root");
    let connect = Endpoint::serve_tls(authority.intermediate("Example Corp Proxy").server(&[]), created);
    let folder = folder_of(3);
    folder.write("corp.pem", authority.pem());
    let other = Authority::new("Other Root");
    folder.write("other.pem", other.pem());
    let ended = import(&folder, &connect, &["--ca-bundle", "other.pem"], &[]).expect(2);
    let told = "UntrustedCertificate: the certificate of 127.0.0.1, issued by 'Example Corp Proxy' under 'Example Corp \
                Root', is of no authority in the CA bundle other.pem (--ca-bundle); add that authority's certificate to \
                the bundle, or name another PEM file with --ca-bundle";
    expect_parts(&ended.stdout, &[told]);
    // The rows are as they were, and none was sent.
    assert_eq!(connect.received().len(), 0);
    import(&folder, &connect, &["--ca-bundle", "corp.pem"], &[]).expect(0);
    assert_eq!(connect.received().len(), 3);
}

#[test]
fn the_cause_is_told_for_each_kind_of_certificate() {
    let root = Authority::new("Example Corp Root");
    let (lone, lone_pem) = self_signed(false);
    let (ca, ca_pem) = self_signed(true);
    let cases = [
        (
            root.server_with(&["connect.example", "b.example"], |_| {}),
            root.pem(),
            "is for connect.example, b.example and not for 127.0.0.1; check --endpoint-url",
        ),
        (
            root.server_with(&["127.0.0.1"], expired),
            root.pem(),
            "expired on 2001-01-01T00:00:00Z, and it is now 20",
        ),
        (
            root.server_with(&["127.0.0.1"], not_yet_valid),
            root.pem(),
            "is valid from 2200-01-01T00:00:00Z, and this machine's clock says 20",
        ),
        (
            lone.clone(),
            root.pem(),
            "issued by itself, 'Self', is of no authority in the CA bundle b.pem (AWS_CA_BUNDLE); add this certificate to",
        ),
        (ca, ca_pem, "issued by itself, 'Self', is that of an authority (CA:TRUE), which no server may use"),
    ];
    for (server, bundle, expected) in cases {
        let folder = folder_of(1);
        folder.write("b.pem", bundle);
        let connect = Endpoint::serve_tls(server, created);
        let ended = import(&folder, &connect, &[], &[("AWS_CA_BUNDLE", "b.pem")]).expect(2);
        expect_parts(
            &ended.stdout,
            &["UntrustedCertificate: the certificate of 127.0.0.1, issued by ", expected],
        );
        assert_eq!(connect.received().len(), 0);
    }
    // That of a lone server is trusted as its own authority.
    let folder = folder_of(1);
    folder.write("b.pem", lone_pem);
    let connect = Endpoint::serve_tls(lone, created);
    import(&folder, &connect, &[], &[("AWS_CA_BUNDLE", "b.pem")]).expect(0);
}

#[test]
fn a_system_without_certificates_is_told() {
    let connect = Endpoint::serve_tls(Authority::new("Example Corp Root").server(&[]), created);
    let folder = folder_of(1);
    let ended = import(&folder, &connect, &[], &[("SSL_CERT_FILE", "/no-cert-file.crt")]).expect(2);
    let told = "is not trusted; SSL_CERT_FILE=/no-cert-file.crt has no certificates; correct it, or name a PEM file with \
                --ca-bundle";
    expect_parts(&ended.stdout, &["issued by 'Example Corp Root'", told]);
}

#[test]
fn a_certificate_that_changes_during_a_run_loses_no_row() {
    let [old, new] = ["Old Root", "New Root"].map(Authority::new);
    let server = rotated(&old.server(&[]), 2, &new.server(&[]));
    let folder = folder_of(5);
    folder.write("old.pem", old.pem());
    folder.write("both.pem", format!("{}{}", old.pem(), new.pem()));
    let connect = Endpoint::serve_tls(server, created);
    // Requests were sent, so that this is no mistake of the configuration alone.
    let ended = import(&folder, &connect, &["--concurrency", "1", "--ca-bundle", "old.pem"], &[]).expect(7);
    expect_parts(&ended.stdout, &["issued by 'New Root'", "stay pending"]);
    assert_eq!(connect.received().len(), 2);
    import(&folder, &connect, &["--ca-bundle", "both.pem"], &[]).expect(0);
    let tokens: std::collections::BTreeSet<_> = connect.client_tokens().into_iter().collect();
    assert_eq!((connect.received().len(), tokens.len()), (5, 5));
}

#[test]
fn the_bundle_of_the_profile_is_trusted_unless_a_variable_names_one() {
    let authority = Authority::new("Example Corp Root");
    let server = authority.server(&[]);
    let folder = folder_of(1);
    folder.write("corp.pem", authority.pem());
    folder.write("other.pem", Authority::new("Other Root").pem());
    folder.write("config", "[default]\nca_bundle = other.pem\n[profile corp]\nca_bundle = ~/corp.pem\n");
    let keys = "[corp]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = secret\n";
    folder.write("credentials", keys);
    let home = folder.path("");
    let run = |connect: &Endpoint, more: &[&str], variables: Variables| {
        let url = connect.url();
        let mut command = folder.command(&run_signed(&url, more));
        command.env("AWS_CONFIG_FILE", "config").env("AWS_SHARED_CREDENTIALS_FILE", "credentials");
        command.env("HOME", &home).envs(USER_KEYS).envs(variables.iter().copied());
        Ended::from(command.output().unwrap())
    };
    let refusing: [(&[&str], Variables, &str); 3] = [
        (&["--profile", "corp"], &[("AWS_CA_BUNDLE", "other.pem")], "other.pem (AWS_CA_BUNDLE)"),
        (&[], &[("REQUESTS_CA_BUNDLE", "corp.pem")], "other.pem (ca_bundle of profile default)"),
        (&["--profile", "corp", "--ca-bundle", "other.pem"], &[], "other.pem (--ca-bundle)"),
    ];
    for (more, variables, expected) in refusing {
        let connect = Endpoint::serve_tls(server.clone(), created);
        expect_parts(&run(&connect, more, variables).expect(2).stdout, &[expected]);
    }
    let trusting: [(usize, &[&str], Variables); 2] = [
        (1, &["--profile", "corp"], &[("REQUESTS_CA_BUNDLE", "other.pem")]),
        (2, &[], &[("AWS_PROFILE", "corp")]),
    ];
    let connect = Endpoint::serve_tls(server, created);
    for (rows, more, variables) in trusting {
        // One row more than the run before created.
        folder.write("t.csv", numbered_csv(rows));
        run(&connect, more, variables).expect(0);
        assert_eq!(connect.received().len(), rows, "{more:?}");
    }
}

#[test]
fn a_certificate_of_aws_sts_that_is_not_trusted_is_told_where_credentials_come_from_it() {
    let sts = Endpoint::serve_tls(Authority::new("Example Corp Root").server(&[]), created);
    let connect = Endpoint::start(|_, _| Reply::Created);
    let folder = folder_of(1);
    let token = folder.write("token", "a token");
    let url = connect.url();
    let mut command = folder.command(&run_signed(&url, &[]));
    command.env("AWS_WEB_IDENTITY_TOKEN_FILE", token).env("AWS_ENDPOINT_URL_STS", sts.url());
    command.env("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/Import");
    let ended = Ended::from(command.output().unwrap()).expect(7);
    let told = "the certificate of 127.0.0.1, issued by 'Example Corp Root', is of no authority";
    expect_parts(&ended.stdout, &["AWS_WEB_IDENTITY_TOKEN_FILE: ", told, "--ca-bundle"]);
    assert_eq!((sts.received().len(), connect.received().len()), (0, 0));
}

/// A proxy that connects every CONNECT to `port` on loopback.
fn tunnel_to(port: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(client.try_clone().unwrap()).lines();
            assert!(lines.next().unwrap().unwrap().starts_with("CONNECT connect.example:443 "));
            while !lines.next().unwrap().unwrap().is_empty() {}
            let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
            (&client).write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            for (mut from, mut to) in [
                (client.try_clone().unwrap(), server.try_clone().unwrap()),
                (server.try_clone().unwrap(), client.try_clone().unwrap()),
            ] {
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    });
    url
}

#[test]
fn the_authority_of_a_proxy_that_inspects_tls_is_named() {
    let authority = Authority::new("Example Corp Proxy CA");
    let connect = Endpoint::serve_tls(authority.server(&["connect.example"]), created);
    let proxy = tunnel_to(connect.port);
    let folder = folder_of(1);
    folder.write("corp.pem", authority.pem());
    let run = |more: &[&str]| {
        let mut command = folder.command(&run_signed("https://connect.example", more));
        // STS is not asked: its name would be looked up by the proxy of this test.
        command.envs(USER_KEYS).env("HTTPS_PROXY", &proxy).env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9");
        Ended::from(command.output().unwrap())
    };
    let told =
        "UntrustedCertificate: the certificate of connect.example, issued by 'Example Corp Proxy CA', is ";
    expect_parts(&run(&[]).expect(2).stdout, &[told, "--ca-bundle"]);
    assert_eq!(connect.received().len(), 0);
    run(&["--ca-bundle", "corp.pem"]).expect(0);
    assert_eq!(connect.received().len(), 1);
}

#[test]
fn a_bundle_that_cannot_be_used_is_refused_with_its_origin() {
    let folder = folder_of(1);
    folder.write("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    folder.write("chain.p7b", "-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----\n");
    folder.write("job.toml", "[connect]\nca_bundle = 'none.pem'\n");
    let connect = Endpoint::start(|_, _| Reply::Created);
    let cases: [(&[&str], Variables, &[&str]); 5] = [
        (&["--ca-bundle", "none.pem"], &[], &["cannot read the CA bundle none.pem (--ca-bundle)"]),
        (&["--job", "job.toml"], &[], &["none.pem ([connect] ca_bundle)"]),
        (
            &[],
            &[("AWS_CA_BUNDLE", "key.pem")],
            &["key.pem (AWS_CA_BUNDLE) has a private key and no certificate"],
        ),
        (&[], &[("AWS_CA_BUNDLE", ".")], &["the CA bundle . (AWS_CA_BUNDLE) is a folder"]),
        (
            &[],
            &[("REQUESTS_CA_BUNDLE", "chain.p7b")],
            &["(REQUESTS_CA_BUNDLE)", "openssl pkcs7 -print_certs -in chain.p7b"],
        ),
    ];
    for (more, variables, parts) in cases {
        expect_parts(&import(&folder, &connect, more, variables).expect(2).stderr, parts);
    }
    assert_eq!(connect.received().len(), 0);
    // A rehearsal reads none.
    let mut rehearsal = folder.command(&["run", "t.csv", "--key", "id", "--sandbox", "--rate", "1000"]);
    let ended = rehearsal.env("AWS_CA_BUNDLE", "none.pem").env("SSL_CERT_FILE", "none.pem").output().unwrap();
    Ended::from(ended).expect(0);
}

#[test]
fn doctor_shows_the_certificate_at_the_endpoint() {
    let connect = Endpoint::serve_tls(Authority::new("Example Corp Root").server(&[]), created);
    let folder = folder_of(1);
    let url = connect.url();
    let mut command = folder.command(&[&["doctor"][..], &into_service(&url)].concat());
    let ended = Ended::from(command.envs(USER_KEYS).output().unwrap()).expect(2);
    let line = ended.stdout.lines().find(|line| line.contains("UntrustedCertificate")).unwrap();
    expect_parts(line, &["endpoint", "issued by 'Example Corp Root'", "--ca-bundle"]);
    assert_eq!(connect.received().len(), 0);
}

#[test]
fn the_host_of_aws_sts_is_named_if_its_certificate_is_not_trusted() {
    let sts = Endpoint::serve_tls(Authority::new("Example Corp Root").server(&[]), created);
    let connect = Endpoint::start(|_, _| Reply::Created);
    let folder = folder_of(1);
    // Not known as loopback, so that STS is asked.
    let url = format!("http://0.0.0.0:{}", connect.port);
    let mut command = folder.command(&run_signed(&url, &["--yes"]));
    command.envs(USER_KEYS).env("AWS_ENDPOINT_URL_STS", sts.url());
    let ended = Ended::from(command.output().unwrap()).expect(0);
    expect_parts(
        &ended.stderr,
        &["AWS STS: UntrustedCertificate: the certificate of 127.0.0.1, issued by 'Example Corp Root'"],
    );
    assert_eq!(sts.received().len(), 0);
}
