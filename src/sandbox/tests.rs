//! The sandbox over real HTTP. The client is a plain socket, so that what is tested is the wire.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;

/// An answer: its status, its headers in lower case, its body.
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(header, _)| header == name);
        header.map(|(_, value)| value.as_str())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// One keep-alive connection.
struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    fn new(address: SocketAddr) -> Client {
        Client { reader: BufReader::new(TcpStream::connect(address).unwrap()) }
    }

    fn send(&mut self, method: &str, path: &str, header: &str, body: &[u8]) {
        let head =
            format!("{method} {path} HTTP/1.1\r\nhost: x\r\n{header}content-length: {}\r\n\r\n", body.len());
        let stream = self.reader.get_mut();
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn exactly(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.reader.read_exact(&mut bytes).unwrap();
        bytes
    }

    fn receive(&mut self) -> Answer {
        let status = self.line().split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(": ") else {
                break;
            };
            headers.push((name.to_lowercase(), value.to_owned()));
        }
        let mut answer = Answer { status, headers, body: String::new() };
        let body = match answer.header("content-length") {
            Some(length) => {
                let length = length.parse().unwrap();
                self.exactly(length)
            }
            None => self.chunks(),
        };
        answer.body = String::from_utf8(body).unwrap();
        answer
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let length = usize::from_str_radix(&self.line(), 16).unwrap();
            body.extend(self.exactly(length));
            self.line();
            if length == 0 {
                return body;
            }
        }
    }

    fn create(&mut self, body: &Value) -> Answer {
        self.put("/contact/create-contact", body)
    }

    fn start(&mut self, body: &Value) -> Answer {
        self.put("/contact/task", body)
    }

    fn put(&mut self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, "", body.to_string().as_bytes());
        self.receive()
    }

    fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, "", b"");
        self.receive()
    }
}

/// A sandbox that serves until it is stopped.
struct Running {
    address: SocketAddr,
    handle: Handle,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), SandboxError>>,
}

impl Running {
    async fn start(config: SandboxConfig) -> Running {
        let sandbox = Sandbox::bind(config).await.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        Running {
            address: sandbox.address(),
            handle: sandbox.handle(),
            stop,
            served: tokio::spawn(sandbox.serve(async move {
                let _ = stopped.await;
            })),
        }
    }

    /// Runs a conversation on a thread of its own: the client blocks.
    async fn talk<T: Send + 'static>(
        &self,
        conversation: impl FnOnce(&mut Client) -> T + Send + 'static,
    ) -> T {
        let address = self.address;
        let talk = move || conversation(&mut Client::new(address));
        tokio::task::spawn_blocking(talk).await.unwrap()
    }

    async fn stop(self) -> Result<(), SandboxError> {
        let _ = self.stop.send(());
        self.served.await.unwrap()
    }
}

fn without_quota() -> SandboxConfig {
    SandboxConfig { rate: None, ..SandboxConfig::default() }
}

fn task(token: &str) -> Value {
    json!({
        "InstanceId": "sandbox", "Channel": "TASK", "InitiationMethod": "API",
        "InitiateAs": "COMPLETED", "ClientToken": token, "Name": "Müller",
    })
}

fn open_task(token: &str) -> Value {
    json!({"InstanceId": "sandbox", "ContactFlowId": "flow", "ClientToken": token, "Name": "Müller"})
}

/// Epoch seconds, this long from now.
fn in_future(time: Duration) -> u64 {
    (SystemTime::now() + time).duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[tokio::test]
async fn a_contact_is_created_and_answered_as_the_service_does() {
    let sandbox = Running::start(without_quota()).await;
    let answer = sandbox
        .talk(|client| {
            let signed = "authorization: AWS4-HMAC-SHA256 Credential=K/20260101/eu-west-2/connect/\
                          aws4_request, SignedHeaders=host, Signature=0\r\n";
            let body = task("t").to_string();
            client.send("PUT", "/contact/create-contact", signed, body.as_bytes());
            client.receive()
        })
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("x-amzn-requestid").map(str::len), Some(36));
    assert_eq!(answer.header("x-amzn-errortype"), None);
    let body = answer.json();
    let id = body["ContactId"].as_str().unwrap();
    let arn = format!("arn:aws:connect:eu-west-2:123456789012:instance/sandbox/contact/{id}");
    assert_eq!(body, json!({"ContactId": id, "ContactArn": arn}));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_started_task_is_answered_with_its_id_alone() {
    let sandbox = Running::start(without_quota()).await;
    let (answer, contacts) = sandbox
        .talk(|client| {
            let mut body = open_task("t");
            body["ScheduledTime"] = in_future(Duration::from_hours(24)).into();
            body["Attachments"] = json!([{"FileName": "f.pdf", "S3Url": "https://s3.example/f"}]);
            (client.start(&body), client.get("/_sandbox/contacts").json())
        })
        .await;
    assert_eq!(answer.status, 200);
    let id = contacts[0]["ContactId"].as_str().unwrap();
    assert_eq!(answer.json(), json!({"ContactId": id}));
    assert_eq!(contacts[0]["Operation"], "StartTaskContact");
    assert_eq!(contacts[0]["Attachments"][0]["FileName"], "f.pdf");
    // What was not sent is not shown.
    assert_eq!(contacts[0].get("Channel"), None);
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_started_tasks_errors_have_the_status_and_the_code() {
    let sandbox = Running::start(without_quota()).await;
    sandbox
        .talk(|client| {
            let changed = |member: &str, value: Value| {
                let mut body = open_task("u");
                body[member] = value;
                body
            };
            let mut mismatch = open_task("t");
            mismatch["Name"] = "other".into();
            for (body, status, code) in [
                (open_task("t"), 200, None),
                (open_task("t"), 200, None),
                (mismatch, 409, Some("IdempotencyException:")),
                (changed("ScheduledTime", 1.into()), 400, Some("InvalidParameterException:")),
                (changed("ScheduledTime", "1".into()), 400, Some("SerializationException:")),
                (changed("QuickConnectId", "q".into()), 400, Some("InvalidRequestException:")),
                (json!({}), 400, Some("InvalidRequestException:")),
            ] {
                let answer = client.start(&body);
                assert_eq!((answer.status, answer.header("x-amzn-errortype")), (status, code), "{body}");
            }
        })
        .await;
    let stats = sandbox.handle.stats();
    assert_eq!((stats.requests, stats.created, stats.replayed), (7, 1, 1));
    assert_eq!((stats.refused, stats.mismatched), (4, 1));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn the_operations_share_neither_tokens_nor_quota() {
    let config = SandboxConfig { rate: Some(1e-6), burst: 2, ..SandboxConfig::default() };
    let sandbox = Running::start(config).await;
    sandbox
        .talk(|client| {
            for token in ["a", "b"] {
                assert_eq!(client.create(&task(token)).status, 200);
            }
            assert_eq!(client.create(&task("c")).status, 429);
            for token in ["a", "b"] {
                assert_eq!(client.start(&open_task(token)).status, 200);
            }
            assert_eq!(client.start(&open_task("c")).status, 429);
        })
        .await;
    let stats = sandbox.handle.stats();
    assert_eq!((stats.created, stats.replayed, stats.throttled), (4, 0, 2));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn an_unknown_operation_is_told_the_known_ones() {
    let sandbox = Running::start(without_quota()).await;
    let answer = sandbox.talk(|client| client.put("/contact/chat", &json!({}))).await;
    assert_eq!(answer.status, 404);
    let message = "the sandbox knows these operations: PUT /contact/create-contact, PUT /contact/task";
    assert_eq!(answer.json(), json!({"Message": message}));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn errors_have_the_status_the_code_and_a_message() {
    let sandbox = Running::start(without_quota()).await;
    sandbox
        .talk(|client| {
            let mut mismatch = task("t");
            mismatch["Name"] = "other".into();
            let mut long = task("u");
            long["Name"] = "x".repeat(1025).into();
            let mut cases = vec![("PUT", "/contact/create-contact", task("t").to_string(), 200, "")];
            cases.extend([
                ("PUT", "/contact/create-contact", mismatch.to_string(), 409, "IdempotencyException:"),
                ("PUT", "/contact/create-contact", long.to_string(), 400, "InvalidParameterException:"),
                ("PUT", "/contact/create-contact", "{}".into(), 400, "InvalidRequestException:"),
                ("PUT", "/contact/create-contact", "{".into(), 400, "SerializationException:"),
                (
                    "PUT",
                    "/contact/create-contact",
                    "x".repeat(2_000_000),
                    413,
                    "RequestEntityTooLargeException:",
                ),
                ("POST", "/contact/create-contact", "{}".into(), 404, "UnknownOperationException:"),
                ("PUT", "/contact/chat", "{}".into(), 404, "UnknownOperationException:"),
                ("DELETE", "/_sandbox/stats", String::new(), 404, "UnknownOperationException:"),
            ]);
            for (method, path, body, status, code) in cases {
                client.send(method, path, "", body.as_bytes());
                let answer = client.receive();
                assert_eq!(answer.status, status, "{code}");
                assert_eq!(answer.header("x-amzn-errortype").unwrap_or_default(), code);
                assert_eq!(answer.json()["Message"].is_string(), status != 200);
                assert!(answer.header("x-amzn-requestid").is_some());
            }
        })
        .await;
    let stats = sandbox.handle.stats();
    assert_eq!((stats.requests, stats.created), (8, 1));
    assert_eq!((stats.refused, stats.mismatched), (6, 1));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn an_empty_bucket_answers_429_and_creates_nothing() {
    // A token in 11 days: however slow the test is, the bucket stays empty.
    let sandbox =
        Running::start(SandboxConfig { rate: Some(1e-6), burst: 2, ..SandboxConfig::default() }).await;
    let stats = sandbox
        .talk(|client| {
            for (token, status) in [("a", 200), ("b", 200), ("c", 429), ("a", 429)] {
                let answer = client.create(&task(token));
                assert_eq!(answer.status, status);
                if status == 429 {
                    let code = answer.header("x-amzn-errortype");
                    assert_eq!(code, Some("ThrottlingException:"));
                }
            }
            client.get("/_sandbox/stats").json()
        })
        .await;
    let expected = json!({
        "requests": 4, "created": 2, "replayed": 0, "throttled": 2, "refused": 0,
        "mismatched": 0, "contacts": 2, "rate": 1e-6, "burst": 2,
    });
    assert_eq!(stats, expected);
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn contacts_and_tokens_outlive_a_restart_with_a_state_file() {
    let folder = tempfile::tempdir().unwrap();
    let config = SandboxConfig { state: Some(folder.path().join("state")), ..without_quota() };
    let sandbox = Running::start(config.clone()).await;
    let (first, before) = sandbox
        .talk(|client| {
            let first = client.create(&task("t")).json();
            (first, client.get("/_sandbox/contacts").json())
        })
        .await;
    sandbox.stop().await.unwrap();

    let sandbox = Running::start(config).await;
    let (again, after) = sandbox
        .talk(|client| {
            let again = client.create(&task("t")).json();
            (again, client.get("/_sandbox/contacts").json())
        })
        .await;
    assert_eq!(first, again);
    assert_eq!(before, after);
    assert_eq!(after[0]["Name"], "Müller");
    let stats = sandbox.handle.stats();
    assert_eq!((stats.created, stats.replayed, stats.contacts), (0, 1, 1));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_state_file_keeps_the_contacts_of_both_operations_apart() {
    let folder = tempfile::tempdir().unwrap();
    let config = SandboxConfig { state: Some(folder.path().join("state")), ..without_quota() };
    let talk = |client: &mut Client| {
        // One token for both.
        let answers = [client.create(&task("t")).json(), client.start(&open_task("t")).json()];
        (answers, client.get("/_sandbox/contacts").json())
    };
    let sandbox = Running::start(config.clone()).await;
    let first = sandbox.talk(talk).await;
    assert_eq!(sandbox.handle.stats().created, 2);
    sandbox.stop().await.unwrap();

    let sandbox = Running::start(config).await;
    let again = sandbox.talk(talk).await;
    assert_eq!(first, again);
    assert_eq!(again.0[1].get("ContactArn"), None);
    let stats = sandbox.handle.stats();
    assert_eq!((stats.created, stats.replayed, stats.contacts), (0, 2, 2));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_state_file_from_before_there_were_two_operations_still_counts() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    // Written by version 0.1.0, for `task("t")`.
    let line = concat!(
        r#"{"digest":"ef16bd6dc1d75622186f23b5eb5d78750862ea8b3f38509349bf2bf924150db7","contact":{"#,
        r#""ContactId":"7c898062-b2eb-45c6-a9be-4e11edd0a2ba","#,
        r#""ContactArn":"arn:aws:connect:us-east-1:123456789012:instance/sandbox/contact/7c898062-b2eb-45c6-a9be-4e11edd0a2ba","#,
        r#""InitiationTimestamp":1795240871.998,"InstanceId":"sandbox","Channel":"TASK","InitiationMethod":"API","#,
        r#""InitiateAs":"COMPLETED","ClientToken":"t","Name":"Müller"}}"#,
        "\n"
    );
    std::fs::write(&state, line).unwrap();
    let config = SandboxConfig { state: Some(state.clone()), ..without_quota() };
    let sandbox = Running::start(config).await;
    sandbox
        .talk(|client| {
            let answer = client.create(&task("t")).json();
            assert_eq!(answer["ContactId"], "7c898062-b2eb-45c6-a9be-4e11edd0a2ba");
            assert_eq!(client.start(&open_task("t")).status, 200);
        })
        .await;
    let stats = sandbox.handle.stats();
    assert_eq!((stats.replayed, stats.created, stats.contacts), (1, 1, 2));
    sandbox.stop().await.unwrap();
    assert!(std::fs::read_to_string(&state).unwrap().starts_with(line));
}

#[tokio::test]
async fn a_contact_that_cannot_be_kept_is_a_500_and_the_end_of_the_sandbox() {
    let folder = tempfile::tempdir().unwrap();
    let config = SandboxConfig { state: Some(folder.path().join("state")), ..without_quota() };
    let sandbox = Running::start(config.clone()).await;
    sandbox.handle.service.spoil_state_file();
    let answer = sandbox.talk(|client| client.create(&task("t"))).await;
    assert_eq!(answer.status, 500);
    let code = answer.header("x-amzn-errortype");
    assert_eq!(code, Some("InternalServiceException:"));

    let handle = sandbox.handle.clone();
    // Nobody told it to stop.
    let error = sandbox.served.await.unwrap().unwrap_err();
    assert!(matches!(error, SandboxError::StateWrite { .. }), "{error}");
    assert_eq!((handle.stats().created, handle.stats().contacts), (0, 0));
    // The kept handle does not keep the state file.
    Sandbox::bind(config).await.unwrap();
}

#[tokio::test]
async fn a_list_of_many_contacts_is_one_array_in_the_order_of_creation() {
    let sandbox = Running::start(without_quota()).await;
    let (empty, all) = sandbox
        .talk(|client| {
            let empty = client.get("/_sandbox/contacts").json();
            for number in 0..200 {
                let mut body = task(&number.to_string());
                // Some pieces of the list hold several contacts, some one.
                body["Attributes"] = json!({"a": "x".repeat(number * 100)});
                assert_eq!(client.create(&body).status, 200);
            }
            (empty, client.get("/_sandbox/contacts").json())
        })
        .await;
    assert_eq!(empty, json!([]));
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 200);
    for (number, contact) in all.iter().enumerate() {
        assert_eq!(contact["ClientToken"], number.to_string());
    }
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_contact_exists_before_its_answer_and_a_stop_does_not_wait_for_it() {
    let sandbox =
        Running::start(SandboxConfig { latency: Duration::from_hours(24), ..without_quota() }).await;
    let client = sandbox
        .talk(|client| {
            let mut waiting = Client::new(client.reader.get_ref().peer_addr().unwrap());
            let body = task("t").to_string();
            waiting.send("PUT", "/contact/create-contact", "", body.as_bytes());
            // The sandbox's own pages are not delayed.
            while client.get("/_sandbox/contacts").json() == json!([]) {
                std::thread::yield_now();
            }
            waiting
        })
        .await;
    assert_eq!(sandbox.handle.stats().created, 1);
    sandbox.stop().await.unwrap();
    drop(client);
}

#[tokio::test]
async fn only_loopback_is_listened_on_and_a_taken_port_is_named() {
    let sandbox = Sandbox::bind(without_quota()).await.unwrap();
    assert!(sandbox.address().ip().is_loopback());
    let port = sandbox.address().port();
    assert_eq!(sandbox.endpoint_url(), format!("http://127.0.0.1:{port}"));
    let taken = SandboxConfig { port, ..without_quota() };
    let error = Sandbox::bind(taken).await.unwrap_err();
    assert!(matches!(error, SandboxError::Listen { .. }), "{error}");
    assert!(error.to_string().contains(&port.to_string()));
}

#[tokio::test]
async fn a_quota_that_lets_nothing_through_is_refused() {
    for (rate, burst) in [(0.0, 5), (-1.0, 5), (f64::NAN, 5), (f64::INFINITY, 5), (2.0, 0)] {
        let config = SandboxConfig { rate: Some(rate), burst, ..SandboxConfig::default() };
        let error = Sandbox::bind(config).await.unwrap_err();
        assert!(matches!(error, SandboxError::Quota { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_state_file_that_is_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let state: PathBuf = folder.path().join("notes.txt");
    std::fs::write(&state, "my notes").unwrap();
    let config = SandboxConfig { state: Some(state), ..without_quota() };
    let error = Sandbox::bind(config).await.unwrap_err();
    assert!(matches!(error, SandboxError::NotAState { .. }), "{error}");
}
