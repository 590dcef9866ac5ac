//! A server that loses, garbles and forges answers at random, and keeps the truth: which client token has which contact.
//!
//! It forges no id of a contact that does not exist, and rejects no row in the name of Amazon Connect: no client can tell.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

#[test]
fn no_lie_of_a_server_is_taken_for_a_contact_or_loses_a_row() {
    with_seeds("lies", 1..31, attack);
}

const ROWS: usize = 30;

/// An answer as a lying server gives it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Answer {
    Honest,
    /// Split into single bytes.
    Dripped,
    /// After informational responses.
    Continued,
    /// Two responses to one request.
    Twice,
    /// With a status of success and a body that names no contact.
    Nameless,
    /// With the contact of another row.
    OfAnother,
    /// Shorter than its length says.
    Truncated,
    /// Longer than its length says.
    TooLong,
    /// A status of failure with a code of Amazon Connect.
    Failure,
    /// The page of a gateway.
    Gateway,
    Redirect,
    Closed,
}

const LIES: [Answer; 11] = [
    Answer::Dripped,
    Answer::Continued,
    Answer::Twice,
    Answer::Nameless,
    Answer::OfAnother,
    Answer::Truncated,
    Answer::TooLong,
    Answer::Failure,
    Answer::Gateway,
    Answer::Redirect,
    Answer::Closed,
];

/// What the server knows.
#[derive(Default)]
struct Truth {
    /// The contact of each token, in the order of their creation.
    contacts: Vec<(String, String)>,
    /// The tokens of each row's requests.
    tokens: BTreeMap<String, BTreeSet<String>>,
    /// Requests of each token.
    requests: BTreeMap<String, u64>,
    /// Tokens that went without an answer.
    unanswered: BTreeSet<String>,
    /// Tokens that were sent after that.
    repeated: BTreeSet<String>,
    lies: usize,
}

impl Truth {
    fn contact(&self, token: &str) -> Option<&str> {
        self.contacts.iter().find(|(known, _)| known == token).map(|(_, id)| id.as_str())
    }

    /// The contact of a token, created unless it exists.
    fn create(&mut self, token: &str) -> String {
        if let Some(id) = self.contact(token) {
            return id.to_owned();
        }
        let id = format!("00000000-0000-4000-8000-{:012x}", self.contacts.len());
        self.contacts.push((token.to_owned(), id.clone()));
        id
    }

    fn answer(&mut self, seed: u64, is_honest: bool, body: &serde_json::Value) -> Reply {
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let token = text(&body["ClientToken"]);
        self.tokens.entry(text(&body["Name"])).or_default().insert(token.clone());
        let nth = self.requests.entry(token.clone()).or_default();
        *nth += 1;
        if self.unanswered.contains(&token) {
            self.repeated.insert(token.clone());
        }
        // The lie depends on the row and not on the order in which its request comes.
        let mut hasher = DefaultHasher::new();
        (seed, &token, *nth).hash(&mut hasher);
        let mut random = fastrand::Rng::with_seed(hasher.finish());
        let answer = match is_honest || random.u32(0..100) >= 20 {
            true => Answer::Honest,
            false => LIES[random.usize(0..LIES.len())],
        };
        self.lies += usize::from(answer != Answer::Honest);
        let is_created = random.bool();
        let honest = |truth: &mut Self| success(&created(&truth.create(&token)));
        // Created, though the answer does not say so.
        if is_created && !matches!(answer, Answer::OfAnother) {
            self.create(&token);
        }
        let reply = match answer {
            Answer::Honest => vec![honest(self)],
            Answer::Dripped => honest(self).bytes().map(|byte| char::from(byte).to_string()).collect(),
            Answer::Continued => vec!["HTTP/1.1 100 Continue\r\n\r\n".repeat(3) + &honest(self)],
            Answer::Twice => vec![honest(self).repeat(2)],
            Answer::Nameless => {
                let bodies =
                    ["", "{}", "<html>ok</html>", "{\"ContactId\":null}", "{\"ContactId\":7}", "\0\u{fffd}["];
                vec![success(bodies[random.usize(0..bodies.len())])]
            }
            Answer::OfAnother if self.contacts.is_empty() => return Reply::Close,
            Answer::OfAnother => {
                let other = self.contacts[random.usize(0..self.contacts.len())].1.clone();
                vec![success(&created(&other))]
            }
            Answer::Truncated => {
                let whole = honest(self);
                let head = whole.find("\r\n\r\n").unwrap();
                vec![whole[..random.usize(head / 2..whole.len())].to_owned()]
            }
            Answer::TooLong => vec![honest(self) + "and more, which is no response"],
            Answer::Failure => {
                let failures = [
                    (500, "InternalServiceException"),
                    (503, "ServiceUnavailable"),
                    (429, "ThrottlingException"),
                    (409, "ConflictException"),
                ];
                let (status, code) = failures[random.usize(0..failures.len())];
                return self.unanswered(&token, status >= 500, Reply::Error(status, code));
            }
            Answer::Gateway => {
                let status = [400, 404, 413, 500, 502, 504, 511][random.usize(0..7)];
                vec![response(status, "content-type: text/html\r\n", "<html>gateway</html>")]
            }
            Answer::Redirect => {
                let status = [301, 302, 303, 307, 308][random.usize(0..5)];
                vec![response(status, "location: /elsewhere\r\n", "")]
            }
            Answer::Closed => return self.unanswered(&token, true, Reply::Close),
        };
        let is_unanswered = matches!(answer, Answer::Nameless | Answer::Truncated);
        // Closed where the rest of a connection would be out of step.
        let is_closed = matches!(answer, Answer::Truncated) || random.u32(0..4) == 0;
        self.unanswered(&token, is_unanswered, Reply::Pieces(reply, is_closed))
    }

    fn unanswered(&mut self, token: &str, is_unanswered: bool, reply: Reply) -> Reply {
        if is_unanswered {
            self.unanswered.insert(token.to_owned());
        }
        reply
    }
}

fn created(id: &str) -> String {
    serde_json::json!({"ContactId": id}).to_string()
}

fn success(body: &str) -> String {
    response(200, "content-type: application/json\r\n", body)
}

fn response(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

fn attack(seed: u64) -> usize {
    let mut random = fastrand::Rng::with_seed(seed);
    let holds = random.u32(0..3) == 0;
    let (truth, is_honest) = (Arc::new(Mutex::new(Truth::default())), Arc::new(AtomicBool::new(false)));
    let (known, honest) = (truth.clone(), is_honest.clone());
    let endpoint = Endpoint::serve(move |request| match request.target.as_str() {
        "/contact/create-contact" => {
            known.lock().unwrap().answer(seed, honest.load(Ordering::SeqCst), &request.json())
        }
        _ => Reply::Error(404, "ResourceNotFoundException"),
    });
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(ROWS));
    let url = endpoint.url();
    let mut history = format!("seed {seed}, holds: {holds}");
    // What the runs with code 1 told: that some contact is of several rows is told once.
    let mut told = String::new();
    let mut run = |more: &[&str]| {
        let own = ["--max-attempts", "1", "--concurrency", "4", "--progress", "none"];
        let hold = ["--on-unknown", "hold"];
        let options = [&own[..], if holds { &hold[..] } else { &[] }, more].concat();
        let ended =
            Ended::from(folder.command(&run_signed(&url, &options)).envs(USER_KEYS).output().unwrap());
        history.push_str(&format!("; ended in {:?}", ended.code));
        assert!(!ended.stderr.contains("panicked"), "{history}: {}", ended.stderr);
        if ended.code == Some(1) {
            told.push_str(&ended.stdout);
        }
        expect_truth(&folder, &truth.lock().unwrap(), &history);
        ended
    };
    for _ in 0..random.u32(1..5) {
        // A pause for an outage ends with the time of the run.
        let ended = run(&["--max-duration", "1s"]);
        // A page of HTML ends a run in 7: a gateway answers in the place of the service.
        let is_published = matches!(ended.code, Some(0 | 1 | 7 | 10 | 75));
        assert!(is_published, "{:?}: {}{}", ended.code, ended.stderr, ended.stdout);
    }
    is_honest.store(true, Ordering::SeqCst);
    let mut last = run(&[]);
    while last.code == Some(75) {
        last = run(&[]);
    }
    let truth = truth.lock().unwrap();
    let rows = rows(&folder);
    assert_eq!(rows.len(), ROWS);
    let status = folder.run(&["status", "--ledger", "t.ledger.db"]).stdout;
    for row in &rows {
        let is_complete = row.state == "created" || holds && row.state == "unknown";
        assert!(is_complete, "{history}: {row:?}");
        let is_own = row.state != "created" || truth.contact(&row.token) == Some(&*row.contact);
        // Where the row that the contact is of is held, the ledger has its id once.
        let is_shared = rows.iter().filter(|other| other.contact == row.contact).count() > 1;
        assert!(is_own || is_shared || holds, "{history}: {row:?}");
        for text in [&told, &status] {
            assert!(is_own || !is_shared || text.contains(&row.contact), "{history}: {row:?}\n{text}");
        }
        assert!(row.state == "created" || last.code == Some(1), "{history}: {row:?}\n{}", last.stdout);
    }
    assert!(!holds || truth.repeated.is_empty(), "{history}: sent again: {:?}", truth.repeated);
    truth.lies
}

/// A created row has its own contact, or that of another row, which is told as soon as that row has it. A row has one
/// client token in all runs.
fn expect_truth(folder: &Folder, truth: &Truth, history: &str) {
    for row in rows(folder).iter().filter(|row| row.state == "created") {
        let is_contact = truth.contacts.iter().any(|(_, id)| *id == row.contact);
        assert!(is_contact, "{history}: {row:?}");
    }
    for (name, tokens) in &truth.tokens {
        assert_eq!(tokens.len(), 1, "{history}: {name}");
    }
}
