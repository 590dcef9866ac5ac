//! Proxies: which requests go through one, and what is said when it does not carry them.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::authority::Authority;
use crate::support::*;

const CONNECT: &str = "connect.eu-west-2.amazonaws.com";

const STS: &str = "sts.eu-west-2.amazonaws.com";

/// A proxy that opens every tunnel to one port, whatever host it is asked for.
pub struct TunnelProxy {
    pub port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl TunnelProxy {
    pub fn to(service: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let recorded = heads.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let recorded = recorded.clone();
                std::thread::spawn(move || tunnel(stream, service, &recorded));
            }
        });
        TunnelProxy { port, heads }
    }

    /// The heads of the requests for a tunnel so far.
    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn tunnel(mut client: TcpStream, service: u16, heads: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.extend(byte);
    }
    heads.lock().unwrap().push(String::from_utf8(head).unwrap());
    let mut service = TcpStream::connect(("127.0.0.1", service))?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut from_client, mut to_service) = (client.try_clone()?, service.try_clone()?);
    std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_service));
    std::io::copy(&mut service, &mut client).map(drop)
}

/// A page of HTML with this status, as proxies answer.
fn page(status: u16) -> Reply {
    let html = vec![("content-type", "text/html".to_owned()), ("connection", "close".to_owned())];
    Reply::Raw(status, html, "<html><body>Access to this page is <b>denied</b></body></html>".to_owned())
}

/// Everything that a command said.
fn said(ended: &Ended) -> String {
    format!("{}{}", ended.stderr, ended.stdout)
}

/// A run of one row against `url` with these variables.
fn run_with(folder: &Folder, url: &str, more: &[&str], variables: &[(&str, &str)]) -> Ended {
    folder.write("t.csv", numbered_csv(1));
    let mut command = folder.command(&run_signed(url, more));
    command.envs(USER_KEYS).envs(variables.iter().copied());
    Ended::from(command.output().unwrap())
}

/// A `doctor` for Connect in eu-west-2, whose AWS STS is on loopback, with these variables.
fn doctor_with(folder: &Folder, more: &[&str], variables: &[(&str, &str)]) -> Ended {
    let own = ["doctor", "--instance-id", "i", "--region", "eu-west-2", "--ledger", "t.ledger.db"];
    let mut command = folder.command(&[&own[..], more].concat());
    command.envs(USER_KEYS).env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9").envs(variables.iter().copied());
    Ended::from(command.output().unwrap())
}

#[test]
fn requests_to_connect_and_sts_go_through_the_tunnel_and_the_password_is_never_shown() {
    let folder = Folder::new();
    let authority = Authority::new("Example Corp Root");
    folder.write("corp.pem", authority.pem());
    let service = Endpoint::serve_tls(authority.server(&[CONNECT, STS]), |request| {
        assert!(!request.headers.contains_key("accept-encoding"), "no answer may expand");
        assert!(!request.headers.contains_key("proxy-authorization"));
        if request.headers["host"].starts_with("sts.") {
            let body = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                        <GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/me</Arn><UserId>A</UserId>\
                        <Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
            return Reply::Raw(200, vec![("content-type", "text/xml".to_owned())], body.to_owned());
        }
        Reply::Json(r#"{"ContactId":"11111111-2222-3333-4444-555555555555"}"#.to_owned())
    });
    let proxy = TunnelProxy::to(service.port);
    let url = format!("http://me:p%40ss-word@127.0.0.1:{}", proxy.port);
    let arguments = ["--ca-bundle", "corp.pem", "--debug"];
    let ended =
        run_with(&folder, &format!("https://{CONNECT}"), &arguments, &[("HTTPS_PROXY", &url)]).expect(0);
    let shown = format!(" proxy=127.0.0.1:{} (HTTPS_PROXY) ", proxy.port);
    assert!(ended.stderr.contains(&shown), "{}", ended.stderr);
    let heads = proxy.heads();
    for host in [CONNECT, STS] {
        let of_host = heads.iter().find(|head| head.starts_with(&format!("CONNECT {host}:443 "))).unwrap();
        // Basic me:p@ss-word
        assert!(of_host.contains("Proxy-Authorization: Basic bWU6cEBzcy13b3Jk\r\n"), "{of_host}");
    }
    for text in [&ended.stdout, &ended.stderr] {
        for secret in ["ss-word", "bWU6"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[test]
fn a_refusal_of_the_proxy_stops_the_run_and_names_the_proxy() {
    let url = format!("https://{CONNECT}");
    for (status, login, reason) in [
        (407, "", "asks for a user and password (407); set https_proxy to http://USER:PASSWORD@127.0.0.1:"),
        (407, "me:secret-1@", "does not accept the user and password of https_proxy (407)"),
        (403, "", "does not allow requests to connect.eu-west-2.amazonaws.com:443 (403)"),
    ] {
        let folder = Folder::new();
        let proxy = Endpoint::serve(move |_| page(status));
        let variable = format!("http://{login}127.0.0.1:{}", proxy.port);
        // AWS STS is asked too, through the same proxy.
        let ended = run_with(&folder, &url, &[], &[("https_proxy", &variable)]).expect(7);
        let said = said(&ended);
        let named = format!("the proxy 127.0.0.1:{} (https_proxy) {reason}", proxy.port);
        assert!(said.contains(&format!("A proxy refuses the requests (ProxyRefused: {named}")), "{said}");
        assert!(said.contains("not known (AWS STS: ProxyRefused: the proxy 127"), "{said}");
        assert!(!said.contains("Connect denies") && !said.contains("secret-1"), "{said}");
        assert_eq!(folder.query("t.ledger.db", "SELECT state, may_exist FROM rows"), "pending|0");
        assert!(proxy.received().iter().all(|request| request.method == "CONNECT"));
        let doctor = doctor_with(&folder, &[], &[("https_proxy", &variable)]).expect(7).stdout;
        assert!(doctor.contains("fail  proxy") && doctor.contains(&named), "{doctor}");
        assert!(!doctor.contains("Connect answers"), "{doctor}");
    }
}

#[test]
fn a_proxy_that_carries_nothing_is_an_outage_of_the_proxy() {
    let folder = Folder::new();
    for (reply, limit, code, reason) in [
        (
            Some(page(502)),
            "10s",
            "ProxyFailed",
            "has no connection to connect.eu-west-2.amazonaws.com:443 (502)",
        ),
        (
            Some(page(503)),
            "10s",
            "ProxyFailed",
            "has no connection to connect.eu-west-2.amazonaws.com:443 (503)",
        ),
        (
            Some(Reply::Close),
            "10s",
            "ProxyFailed",
            "opens no connection to connect.eu-west-2.amazonaws.com:443",
        ),
        (
            Some(Reply::Hang),
            "1s",
            "ProxyOutOfReach",
            "cannot be reached: it opens no connection to connect.eu-west-2",
        ),
        (None, "10s", "ProxyOutOfReach", "cannot be reached: Connection refused"),
    ] {
        let proxy = reply.map(|reply| Endpoint::serve(move |_| reply.clone()));
        let port = proxy.as_ref().map_or(9, |proxy| proxy.port);
        let variable = format!("http://127.0.0.1:{port}");
        let limit = ["--connect-timeout", limit];
        let doctor = doctor_with(&folder, &limit, &[("HTTPS_PROXY", &variable)]).expect(75).stdout;
        let named = format!("{code}: the proxy 127.0.0.1:{port} (HTTPS_PROXY) {reason}");
        assert!(doctor.contains("fail  proxy") && doctor.contains(&named), "{doctor}");
    }
}

#[test]
fn a_run_whose_proxy_is_down_ends_in_75_and_sends_the_rows_later() {
    let folder = Folder::new();
    let sts = ("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9");
    let down = [("ALL_PROXY", "http://127.0.0.1:9"), sts];
    let ended = run_with(&folder, &format!("https://{CONNECT}"), &[], &down).expect(75);
    let ended = said(&ended);
    let reason = "Connect is out of reach through a proxy (ProxyOutOfReach: the proxy 127.0.0.1:9 (ALL_PROXY) cannot be reached";
    assert!(ended.contains(reason), "{ended}");
    assert_eq!(folder.query("t.ledger.db", "SELECT state, may_exist FROM rows"), "pending|0");
}

#[test]
fn a_page_of_a_forward_proxy_is_never_an_answer_of_connect() {
    for (status, code, exit, row) in [
        (403, "ProxyRefused", 7, "pending|0"),
        (407, "ProxyRefused", 7, "pending|0"),
        (404, "ProxyRefused", 7, "pending|0"),
        (502, "ProxyFailed", 75, "pending|1"),
        (504, "ProxyFailed", 75, "pending|1"),
        (200, "ProxyFailed", 75, "pending|1"),
    ] {
        let folder = Folder::new();
        let proxy = Endpoint::serve(move |_| page(status));
        let variable = format!("http://127.0.0.1:{}", proxy.port);
        let arguments = ["--no-sign-request", "--max-attempts", "1"];
        let variables = [("HTTP_PROXY", &*variable)];
        let ended = run_with(&folder, "http://connect.example", &arguments, &variables).expect(exit);
        let said = said(&ended);
        assert!(said.contains(&format!("{code}: the proxy {} (HTTP_PROXY)", &variable[7..])), "{said}");
        assert!(!said.contains("Connect denies"), "{said}");
        assert_eq!(folder.query("t.ledger.db", "SELECT state, may_exist FROM rows"), row, "{status}");
        assert_eq!(proxy.received()[0].target, "http://connect.example/contact/create-contact");
    }
}

#[test]
fn verify_names_the_proxy_and_settles_nothing_by_its_page() {
    let folder = Folder::new();
    let connect = Endpoint::start(|_, _| Reply::Created);
    let url = format!("http://0.0.0.0:{}", connect.port);
    run_with(&folder, &url, &["--no-sign-request"], &[]).expect(0);
    for (status, exit, text) in [
        (403, 7, "A proxy refuses the requests (ProxyRefused: the proxy 127.0.0.1:"),
        (502, 1, "ProxyFailed: the proxy 127.0.0.1:"),
    ] {
        let proxy = Endpoint::serve(move |_| page(status));
        let own = ["verify", "t.csv", "--key", "id", "--ledger", "t.ledger.db", "--region", "eu-west-2"];
        let more = [
            "--instance-id",
            "11111111-2222-3333-4444-555555555555",
            "--no-sign-request",
            "--endpoint-url",
            &url,
        ];
        let mut command = folder.command(&[&own[..], &more].concat());
        command.env("HTTP_PROXY", proxy.url());
        let ended = Ended::from(command.output().unwrap()).expect(exit);
        assert!(said(&ended).contains(text), "{}", said(&ended));
        assert_eq!(folder.states("t.ledger.db"), "created 1");
        assert!(!proxy.received().is_empty());
    }
}

#[test]
fn a_source_of_credentials_behind_a_proxy_that_refuses_is_asked_once() {
    let folder = Folder::new();
    let token = folder.write("token", "a token");
    let connect = Endpoint::start(|_, _| Reply::Created);
    let proxy = Endpoint::serve(|_| page(407));
    folder.write("t.csv", numbered_csv(3));
    let url = connect.url();
    let mut command = folder.command(&run_signed(&url, &[]));
    command.env("AWS_WEB_IDENTITY_TOKEN_FILE", token).env("HTTPS_PROXY", proxy.url());
    command.env("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/Import");
    let ended = Ended::from(command.output().unwrap()).expect(7);
    let named =
        format!("the proxy 127.0.0.1:{} (HTTPS_PROXY) asks for a user and password (407)", proxy.port);
    assert!(said(&ended).contains(&named), "{}", said(&ended));
    let asked: Vec<_> = proxy.received().into_iter().map(|request| request.target).collect();
    assert_eq!(asked, [format!("{STS}:443")]);
    assert!(connect.requests().is_empty());
}

#[test]
fn a_page_without_a_proxy_is_no_answer_of_connect_either() {
    for (status, exit, row) in [(403, 7, "pending|0"), (200, 75, "pending|1"), (502, 75, "pending|1")] {
        let folder = Folder::new();
        let gateway = Endpoint::serve(move |_| page(status));
        let ended = run_with(&folder, &gateway.url(), &["--max-attempts", "1"], &[]).expect(exit);
        let said = said(&ended);
        assert!(said.contains(&format!("HTTP{status}: a page of HTML")), "{said}");
        assert!(!said.contains("Connect denies"), "{said}");
        assert_eq!(folder.query("t.ledger.db", "SELECT state, may_exist FROM rows"), row, "{status}");
    }
}

#[test]
fn a_code_of_a_gateway_rejects_no_row() {
    let folder = Folder::new();
    let json = vec![("content-type", "application/json".to_owned())];
    let gateway = Endpoint::serve(move |_| Reply::Raw(400, json.clone(), r#"{"code":"BLOCKED"}"#.to_owned()));
    let said = said(&run_with(&folder, &gateway.url(), &[], &[]).expect(7));
    assert!(said.contains("not Amazon Connect answers the requests (HTTP400"), "{said}");
    assert_eq!(folder.query("t.ledger.db", "SELECT state, may_exist FROM rows"), "pending|0");
}

#[test]
fn hosts_of_no_proxy_and_loopback_are_reached_directly() {
    let connect = Endpoint::start(|_, _| Reply::Created);
    let elsewhere = format!("http://0.0.0.0:{}", connect.port);
    let excepted = format!("a.example:1, 0.0.0.0:{}", connect.port);
    let down = ("HTTP_PROXY", "http://127.0.0.1:9");
    for (url, exceptions) in [(&elsewhere, &*excepted), (&connect.url(), "")] {
        let folder = Folder::new();
        let variables = [down, ("NO_PROXY", exceptions)];
        let ended = run_with(&folder, url, &["--no-sign-request"], &variables).expect(0).stderr;
        assert!(!ended.contains("  proxy "), "{ended}");
    }
    let folder = Folder::new();
    let another_port = [down, ("NO_PROXY", "0.0.0.0:1"), ("no_proxy", "")];
    let arguments = ["--no-sign-request", "--max-duration", "1s"];
    let ended = run_with(&folder, &elsewhere, &arguments, &another_port).expect(10).stderr;
    assert!(ended.contains("  proxy        127.0.0.1:9 (HTTP_PROXY)\n"), "{ended}");
    assert_eq!(connect.requests().len(), 2);
}

#[test]
fn a_variable_that_names_no_http_proxy_is_refused_before_anything_is_sent() {
    let connect = Endpoint::start(|_, _| Reply::Created);
    for (value, reason) in [
        ("socks5h://me:secret-1@127.0.0.1:1080", "the variable ALL_PROXY names a SOCKS proxy"),
        ("http://me:12/secret-1@proxy:3128", "the variable ALL_PROXY is not the URL of a proxy"),
    ] {
        let folder = Folder::new();
        let ended = run_with(&folder, &connect.url(), &[], &[("ALL_PROXY", value)]).expect(2).stderr;
        assert!(ended.contains(reason) && !ended.contains("secret-1"), "{ended}");
        let doctor = doctor_with(&folder, &[], &[("ALL_PROXY", value)]).expect(2).stderr;
        assert!(doctor.contains(reason) && !doctor.contains("secret-1"), "{doctor}");
        // A rehearsal has no proxy.
        let mut rehearsal = folder.command(&["run", "t.csv", "--key", "id", "--sandbox"]);
        Ended::from(rehearsal.env("ALL_PROXY", value).output().unwrap()).expect(0);
    }
    assert!(connect.requests().is_empty());
}
