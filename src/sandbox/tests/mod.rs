//! The sandbox over real HTTP. The client is a plain socket, so that what is tested is the wire.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;

mod creating;
mod faults;
mod reading;
mod running;

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

    /// Another connection to the same sandbox.
    fn another(&self) -> Client {
        Client::new(self.reader.get_ref().peer_addr().unwrap())
    }

    /// What comes next; nothing if the connection is closed instead.
    fn next_bytes(mut self) -> Vec<u8> {
        self.reader.fill_buf().unwrap().to_vec()
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

    fn describe(&mut self, instance_id: &str, contact_id: &str) -> Answer {
        self.get(&format!("/contacts/{instance_id}/{contact_id}"))
    }

    fn search(&mut self, body: &Value) -> Answer {
        self.send("POST", "/search-contacts", "", body.to_string().as_bytes());
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

/// A search for everything of the last and the next hour, with `changes` over it.
fn search_of(changes: &Value) -> Value {
    let now = in_future(Duration::ZERO);
    let mut body = json!({
        "InstanceId": "sandbox",
        "TimeRange": {"Type": "INITIATION_TIMESTAMP", "StartTime": now - 3600, "EndTime": now + 3600},
    });
    for (member, value) in changes.as_object().unwrap() {
        body[member] = value.clone();
    }
    body
}
