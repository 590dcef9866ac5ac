//! The sandbox over HTTP. The client is a plain socket, so that the tests see the bytes of the protocol.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;

mod creating;
mod faults;
mod reading;
mod running;

/// The status, the headers with names in lower case, and the body.
struct TestResponse {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl TestResponse {
    fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(header, _)| header == name);
        header.map(|(_, value)| value.as_str())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// One keep-alive connection.
struct TestClient {
    reader: BufReader<TcpStream>,
}

impl TestClient {
    fn new(address: SocketAddr) -> TestClient {
        TestClient { reader: BufReader::new(TcpStream::connect(address).unwrap()) }
    }

    /// Another connection to the same sandbox.
    fn another(&self) -> TestClient {
        TestClient::new(self.reader.get_ref().peer_addr().unwrap())
    }

    /// The next bytes; none if the connection is closed instead.
    fn next_bytes(mut self) -> Vec<u8> {
        self.reader.fill_buf().unwrap().to_vec()
    }

    fn send(&mut self, method: &str, path: &str, header: &str, body: &[u8]) {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\n{header}content-length: {}\r\n\r\n",
            body.len()
        );
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

    fn receive(&mut self) -> TestResponse {
        let status = self.line().split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(": ") else {
                break;
            };
            headers.push((name.to_lowercase(), value.to_owned()));
        }
        let mut response = TestResponse { status, headers, body: String::new() };
        let body = match response.header("content-length") {
            Some(length) => {
                let length = length.parse().unwrap();
                self.exactly(length)
            }
            None => self.chunks(),
        };
        response.body = String::from_utf8(body).unwrap();
        response
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

    fn create(&mut self, body: &Value) -> TestResponse {
        self.put("/contact/create-contact", body)
    }

    fn start(&mut self, body: &Value) -> TestResponse {
        self.put("/contact/task", body)
    }

    fn put(&mut self, path: &str, body: &Value) -> TestResponse {
        self.send("PUT", path, "", body.to_string().as_bytes());
        self.receive()
    }

    fn describe(&mut self, instance_id: &str, contact_id: &str) -> TestResponse {
        self.get(&format!("/contacts/{instance_id}/{contact_id}"))
    }

    fn search(&mut self, body: &Value) -> TestResponse {
        self.send("POST", "/search-contacts", "", body.to_string().as_bytes());
        self.receive()
    }

    fn get(&mut self, path: &str) -> TestResponse {
        self.send("GET", path, "", b"");
        self.receive()
    }
}

/// A sandbox that serves until it is stopped.
struct RunningSandbox {
    address: SocketAddr,
    handle: SandboxHandle,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), SandboxError>>,
}

impl RunningSandbox {
    async fn start(config: SandboxConfig) -> RunningSandbox {
        let sandbox = Sandbox::bind(config).await.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        RunningSandbox {
            address: sandbox.address(),
            handle: sandbox.handle(),
            stop,
            served: tokio::spawn(sandbox.serve(async move {
                let _ = stopped.await;
            })),
        }
    }

    /// Runs the client on a thread of its own, because it blocks.
    async fn with_client<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut TestClient) -> T + Send + 'static,
    ) -> T {
        let address = self.address;
        let run = move || run(&mut TestClient::new(address));
        tokio::task::spawn_blocking(run).await.unwrap()
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

/// Epoch seconds at this time from now.
fn in_future(time: Duration) -> u64 {
    (SystemTime::now() + time).duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A search for the tasks of [`task`] and [`open_task`] in the last and the next hour, with changed members.
fn search_of(changes: &Value) -> Value {
    let now = in_future(Duration::ZERO);
    let mut body = json!({
        "InstanceId": "sandbox",
        "TimeRange": {"Type": "INITIATION_TIMESTAMP", "StartTime": now - 3600, "EndTime": now + 3600},
        "SearchCriteria": {
            "Channels": ["TASK"], "Name": {"SearchText": ["Müller"], "MatchType": "MATCH_ALL"},
        },
    });
    for (member, value) in changes.as_object().unwrap() {
        body[member] = value.clone();
    }
    body
}
