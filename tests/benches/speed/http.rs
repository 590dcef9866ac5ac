//! As much of HTTP as the servers of this benchmark need, and the one question that is asked of a server.

use std::io::{Read as _, Write as _};

use memchr::memmem;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One connection, kept alive; a request at a time.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Connection {
        // Only a matter of speed.
        let _ = stream.set_nodelay(true);
        Connection { stream, read: Vec::with_capacity(8 * 1024) }
    }

    /// Reads one request to its end and gives the first line of its head; none once the client has closed.
    pub(crate) async fn request(&mut self) -> Option<String> {
        loop {
            if let Some(end) = memmem::find(&self.read, b"\r\n\r\n") {
                let length = end + 4 + content_length(&self.read[..end]);
                while self.read.len() < length {
                    self.more().await?;
                }
                let line = self.read.split(|byte| *byte == b'\r').next().unwrap_or_default();
                let line = String::from_utf8_lossy(line).into_owned();
                self.read.drain(..length);
                return Some(line);
            }
            self.more().await?;
        }
    }

    /// Sends a whole answer.
    pub(crate) async fn answer(&mut self, bytes: &[u8]) -> Option<()> {
        self.stream.write_all(bytes).await.ok()
    }

    async fn more(&mut self) -> Option<()> {
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

/// An answer with a JSON body.
pub(crate) fn json(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// The answer to a CreateContact that has made a contact.
pub(crate) fn created() -> Vec<u8> {
    json("200 OK", "", &created_body())
}

/// Its body. The tool does not mind that every contact has the same id.
pub(crate) fn created_body() -> String {
    let id = "7c898062-b2eb-45c6-a9be-4e11edd0a2ba";
    let instance = "arn:aws:connect:us-east-1:123456789012:instance/11111111-2222-3333-4444-555555555555";
    format!("{{\"ContactId\":\"{id}\",\"ContactArn\":\"{instance}/contact/{id}\"}}")
}

/// What a server on loopback says at a path.
///
/// # Errors
/// It does not answer with JSON.
pub(crate) fn get(port: u16, path: &str) -> std::io::Result<Value> {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(std::time::Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok(serde_json::from_str(body)?)
}
