//! The minimum of HTTP that the servers of this benchmark need, and a GET request.

use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use memchr::memmem;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One keep-alive connection of a server, with one request at a time.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Connection {
        // It only affects speed.
        let _ = stream.set_nodelay(true);
        Connection { stream, read: Vec::with_capacity(8 * 1024) }
    }

    /// Reads one whole request and returns its request line; `None` once the client has closed the
    /// connection.
    pub(crate) async fn request(&mut self) -> Option<String> {
        loop {
            if let Some(end) = memmem::find(&self.read, b"\r\n\r\n") {
                let length = end + 4 + content_length(&self.read[..end]);
                while self.read.len() < length {
                    self.read_more().await?;
                }
                let line = self.read.split(|byte| *byte == b'\r').next().unwrap_or_default();
                let line = String::from_utf8_lossy(line).into_owned();
                self.read.drain(..length);
                return Some(line);
            }
            self.read_more().await?;
        }
    }

    /// Sends a whole response.
    pub(crate) async fn respond(&mut self, bytes: &[u8]) -> Option<()> {
        self.stream.write_all(bytes).await.ok()
    }

    async fn read_more(&mut self) -> Option<()> {
        let read = self.stream.read_buf(&mut self.read).await.ok()?;
        (read > 0).then_some(())
    }
}

fn content_length(head: &[u8]) -> usize {
    let lines = head.split(|byte| *byte == b'\n');
    let value = lines.filter_map(|line| {
        let (name, value) = line.split_at_checked("content-length:".len())?;
        name.eq_ignore_ascii_case(b"content-length:").then_some(value)
    });
    value.filter_map(|value| std::str::from_utf8(value).ok()?.trim().parse().ok()).next().unwrap_or(0)
}

/// A response with a JSON body.
pub(crate) fn json(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}");
    format!("{head}content-length: {length}\r\n\r\n{body}").into_bytes()
}

/// The response to a CreateContact request that created a contact.
pub(crate) fn created() -> Vec<u8> {
    static CONTACTS: AtomicU64 = AtomicU64::new(0);
    let number = CONTACTS.fetch_add(1, Ordering::Relaxed);
    json("200 OK", "", &created_body(&format!("7c898062-b2eb-45c6-a9be-{number:012x}")))
}

/// Its body for a contact of this id, which no other has: the tool compares the ids.
pub(crate) fn created_body(id: &str) -> String {
    let instance = "arn:aws:connect:us-east-1:123456789012:instance/11111111-2222-3333-4444-555555555555";
    format!("{{\"ContactId\":\"{id}\",\"ContactArn\":\"{instance}/contact/{id}\"}}")
}

/// Requests a JSON page of a server on loopback.
///
/// # Errors
///
/// The server does not respond, or not with JSON.
pub(crate) fn get(port: u16, path: &str) -> std::io::Result<Value> {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(std::time::Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let body = response.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok(serde_json::from_str(body)?)
}
