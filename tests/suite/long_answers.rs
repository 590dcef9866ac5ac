//! Answers that are longer than any of the service: they are not read to their end.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::*;

/// What the endpoint is willing to send.
const WHOLE: usize = 512 * 1024 * 1024;

/// What the buffers of two sockets hold at most (Linux, tcp_wmem and tcp_rmem), and more than any bound.
const BUFFERS: usize = 32 * 1024 * 1024;

/// An endpoint that answers with `head` and then with `piece`s, up to `WHOLE`. Returns its URL and the number of bytes
/// that it could send.
fn endless(head: &'static str, piece: &'static [u8]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = sent.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 64 * 1024];
            let _ = stream.read(&mut request);
            if stream.write_all(head.as_bytes()).is_err() {
                continue;
            }
            let many = piece.repeat(64 * 1024 / piece.len());
            while counter.load(Ordering::Relaxed) < WHOLE && stream.write_all(&many).is_ok() {
                counter.fetch_add(many.len(), Ordering::Relaxed);
            }
        }
    });
    (url, sent)
}

#[test]
fn an_answer_without_an_end_leaves_the_row_in_doubt_after_its_bound() {
    for (head, piece, code) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 536870912\r\n\r\n", &b"          "[..], "AnswerTooLong"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"8\r\n        \r\n", "AnswerTooLong"),
        ("HTTP/1.1 500 X\r\nconnection: close\r\n\r\n", b"          ", "AnswerTooLong"),
        // hyper bounds the headers.
        ("HTTP/1.1 200 OK\r\n", b"x-header: 1234567890\r\n", "NoAnswer"),
        ("HTTP/1.1 200 OK\r\nx-header: ", b"1234567890", "NoAnswer"),
    ] {
        let folder = Folder::new();
        folder.write("t.csv", numbered_csv(1));
        let (url, sent) = endless(head, piece);
        let mut command = folder.command(&run_signed(&url, &["--max-attempts", "1"]));
        Ended::from(command.envs(USER_KEYS).output().unwrap()).expect(75);
        let row = folder.query("t.ledger.db", "SELECT state, may_exist, code FROM rows");
        assert_eq!(row, format!("pending|1|{code}"), "{head}");
        assert!(sent.load(Ordering::Relaxed) < BUFFERS, "{head}");
    }
}

#[test]
fn credentials_of_a_source_whose_answer_has_no_end_are_given_up() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let connect = Endpoint::start(|_, _| Reply::Created);
    let (source, sent) = endless("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n", b"          ");
    let url = connect.url();
    let mut command = folder.command(&run_signed(&url, &["--max-duration", "1s"]));
    command.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{source}/credentials"));
    let ended = Ended::from(command.output().unwrap());
    assert!(matches!(ended.code, Some(7 | 10)), "{}", ended.stderr);
    assert!(connect.requests().is_empty());
    // The SDK asks a source up to three times in a call.
    assert!(sent.load(Ordering::Relaxed) < WHOLE, "{}", sent.load(Ordering::Relaxed));
}
