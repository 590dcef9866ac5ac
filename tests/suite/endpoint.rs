//! An HTTP endpoint with scripted replies, in Connect's place.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Reply of an `Endpoint` to a request.
#[derive(Clone)]
pub enum Reply {
    /// Status 200 with a contact id that contains the number of the request.
    Created,
    /// A status and an error code.
    Error(u16, &'static str),
    /// A status, an error code and a message.
    Quoted(u16, &'static str, String),
    /// Status 200 with a constant body.
    Body(&'static str),
    /// Status 200 with a computed body.
    Json(String),
    /// Closes the connection without a response.
    Close,
    /// `Created` after a delay.
    Slow(Duration),
    /// No response until the client disconnects.
    Hang,
}

/// An HTTP endpoint on loopback with scripted replies. It records the requests.
pub struct Endpoint {
    pub port: u16,
    requests: Arc<Mutex<Vec<serde_json::Value>>>,
}

impl Endpoint {
    /// Starts an endpoint. `reply` gets the number of the request, from 0, and its body.
    pub fn start(reply: impl Fn(usize, &serde_json::Value) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (recorded, reply) = (requests.clone(), Arc::new(reply));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (recorded, reply) = (recorded.clone(), reply.clone());
                std::thread::spawn(move || {
                    let _ = serve(stream, &recorded, &*reply);
                });
            }
        });
        Endpoint { port, requests }
    }

    /// Starts an endpoint that creates every contact once `gate` is open.
    pub fn created_after(gate: &Gate) -> Self {
        let gate = gate.clone();
        Endpoint::start(move |_, _| {
            gate.pass();
            Reply::Created
        })
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The bodies of all requests so far.
    pub fn requests(&self) -> Vec<serde_json::Value> {
        self.requests.lock().unwrap().clone()
    }

    /// The client tokens of all requests so far.
    pub fn client_tokens(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests.iter().map(|body| body["ClientToken"].as_str().unwrap().to_owned()).collect()
    }
}

/// Holds replies of an endpoint back until it is opened, so that no test depends on a delay.
#[derive(Clone, Default)]
pub struct Gate {
    is_open: Arc<(Mutex<bool>, Condvar)>,
}

impl Gate {
    pub fn open(&self) {
        let (is_open, opened) = &*self.is_open;
        *is_open.lock().unwrap() = true;
        opened.notify_all();
    }

    /// Returns when the gate is open.
    pub fn pass(&self) {
        let (is_open, opened) = &*self.is_open;
        drop(opened.wait_while(is_open.lock().unwrap(), |is_open| !*is_open));
    }
}

fn serve(
    stream: TcpStream,
    recorded: &Mutex<Vec<serde_json::Value>>,
    reply: &dyn Fn(usize, &serde_json::Value) -> Reply,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let (mut length, mut path) = (0, String::new());
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if path.is_empty() {
                path = line.split(' ').nth(1).unwrap_or_default().to_owned();
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        // A request without a body is recorded by its path.
        let body: serde_json::Value =
            serde_json::from_slice(&body).unwrap_or_else(|_| serde_json::json!({"_path": path}));
        let number = {
            let mut recorded = recorded.lock().unwrap();
            recorded.push(body.clone());
            recorded.len() - 1
        };
        let reply = reply(number, &body);
        if let Reply::Slow(delay) = reply {
            std::thread::sleep(delay);
        }
        let (status, code, text) = match reply {
            Reply::Created | Reply::Slow(_) => {
                (200, "", format!("{{\"ContactId\":\"contact-{number}\",\"ContactArn\":\"arn\"}}"))
            }
            Reply::Error(status, code) => {
                (status, code, "{\"Message\":\"refused by the endpoint\"}".to_owned())
            }
            Reply::Quoted(status, code, message) => {
                (status, code, serde_json::json!({"Message": message}).to_string())
            }
            Reply::Body(text) => (200, "", text.to_owned()),
            Reply::Json(text) => (200, "", text),
            Reply::Close => return Ok(()),
            Reply::Hang => {
                let _ = reader.read(&mut [0]);
                return Ok(());
            }
        };
        write!(
            stream,
            "HTTP/1.1 {status} X\r\nx-amzn-errortype: {code}:\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{text}",
            text.len()
        )?;
    }
}
