//! An HTTP endpoint with scripted replies, in the place of Connect, AWS STS and other services.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Reply of an `Endpoint` to a request.
#[derive(Clone)]
pub enum Reply {
    /// Status 200 with a contact whose id contains the number of the request.
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
    /// A status, headers and a body; no other headers than these and the body's length.
    Raw(u16, Vec<(&'static str, String)>, String),
    /// Bytes as they are, piece by piece; then closes the connection if the second field says so.
    Pieces(Vec<String>, bool),
}

/// A request as an endpoint received it.
#[derive(Clone, Debug)]
pub struct Request {
    /// Number of the request at its endpoint, from 0.
    pub number: usize,
    /// Number of the request on its connection, from 0.
    pub on_connection: usize,
    pub method: String,
    /// Path and query, or what else the request line names.
    pub target: String,
    /// Headers by their names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Request {
    /// The body as JSON. A request with another body, or none, is recorded by its path.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| serde_json::json!({"_path": self.target}))
    }
}

/// An HTTP endpoint on loopback with scripted replies. It records the requests.
pub struct Endpoint {
    pub port: u16,
    is_tls: bool,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Endpoint {
    /// Starts an endpoint. `reply` gets the number of the request, from 0, and its body.
    pub fn start(reply: impl Fn(usize, &serde_json::Value) -> Reply + Send + Sync + 'static) -> Self {
        Endpoint::serve(move |request| reply(request.number, &request.json()))
    }

    /// Starts an endpoint whose replies depend on the whole request.
    pub fn serve(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Endpoint::listen(None, reply)
    }

    /// Starts an endpoint with TLS.
    pub fn serve_tls(
        tls: Arc<rustls::ServerConfig>,
        reply: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Endpoint::listen(Some(tls), reply)
    }

    fn listen(
        tls: Option<Arc<rustls::ServerConfig>>,
        reply: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (recorded, reply) = (requests.clone(), Arc::new(reply));
        let is_tls = tls.is_some();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (recorded, reply, tls) = (recorded.clone(), reply.clone(), tls.clone());
                std::thread::spawn(move || {
                    let _ = match tls {
                        None => serve(stream, &recorded, &*reply),
                        Some(tls) => {
                            let connection = rustls::ServerConnection::new(tls).unwrap();
                            serve(rustls::StreamOwned::new(connection, stream), &recorded, &*reply)
                        }
                    };
                });
            }
        });
        Endpoint { port, is_tls, requests }
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
        format!("{}://127.0.0.1:{}", if self.is_tls { "https" } else { "http" }, self.port)
    }

    /// All requests so far.
    pub fn received(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The bodies of all requests so far.
    pub fn requests(&self) -> Vec<serde_json::Value> {
        self.received().iter().map(Request::json).collect()
    }

    /// The client tokens of all requests so far.
    pub fn client_tokens(&self) -> Vec<String> {
        self.requests().iter().map(|body| body["ClientToken"].as_str().unwrap().to_owned()).collect()
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
    stream: impl Read + Write,
    recorded: &Mutex<Vec<Request>>,
    reply: &dyn Fn(&Request) -> Reply,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    for on_connection in 0.. {
        let Some(mut request) = received(&mut stream)? else { break };
        request.on_connection = on_connection;
        {
            let mut recorded = recorded.lock().unwrap();
            request.number = recorded.len();
            recorded.push(request.clone());
        };
        let number = request.number;
        let reply = reply(&request);
        if let Reply::Slow(delay) = reply {
            std::thread::sleep(delay);
        }
        let (status, code, text) = match reply {
            Reply::Created | Reply::Slow(_) => (200, "", created(number, &request.json()).to_string()),
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
                let _ = stream.read(&mut [0]);
                return Ok(());
            }
            Reply::Pieces(pieces, is_closed) => {
                for piece in pieces {
                    stream.get_mut().write_all(piece.as_bytes())?;
                }
                if is_closed {
                    return Ok(());
                }
                continue;
            }
            Reply::Raw(status, headers, body) => {
                let headers: String =
                    headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
                let length = body.len();
                let head = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n");
                stream.get_mut().write_all(format!("{head}{body}").as_bytes())?;
                continue;
            }
        };
        write!(
            stream.get_mut(),
            "HTTP/1.1 {status} X\r\nx-amzn-errortype: {code}:\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{text}",
            text.len()
        )?;
    }
    Ok(())
}

/// A contact whose id contains the number of the request. Amazon Connect's ids are UUIDs; a rehearsal's may be any text.
fn created(number: usize, request: &serde_json::Value) -> serde_json::Value {
    let instance = request["InstanceId"].as_str().unwrap_or("sandbox");
    let id = match instance {
        "sandbox" => format!("contact-{number}"),
        _ => format!("00000000-0000-4000-8000-{number:012x}"),
    };
    let arn = format!("arn:aws:connect:eu-west-2:111122223333:instance/{instance}/contact/{id}");
    serde_json::json!({"ContactId": id, "ContactArn": arn})
}

/// The next request of a connection; none at its end.
fn received(stream: &mut BufReader<impl Read>) -> std::io::Result<Option<Request>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut start = lines[0].split(' ').map(str::to_owned);
    let (method, target) = (start.next().unwrap_or_default(), start.next().unwrap_or_default());
    let headers = lines[1..].iter().filter_map(|line| line.split_once(':'));
    let headers: BTreeMap<String, String> =
        headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let body = String::from_utf8(body).unwrap();
    Ok(Some(Request { number: 0, on_connection: 0, method, target, headers, body }))
}
