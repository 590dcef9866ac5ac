//! An endpoint with a quota that changes while it runs, which the sandbox's does not.
//!
//! A token bucket, a latency with jitter of which half passes before the bucket is asked, and counters.
//! Clients whose path begins with `/other` share the bucket and are counted apart.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::{self, Connection};

/// A quota that holds from some time on.
#[derive(Clone, Copy, Debug)]
struct Change {
    /// Seconds since the first request.
    at: f64,
    rate: f64,
    burst: f64,
}

#[derive(Debug)]
struct State {
    /// In the order of their times; the first holds from the start.
    changes: Vec<Change>,
    /// When the first request came; the changes count from then.
    began: Option<Instant>,
    /// The level of the bucket, at this many seconds since the first request.
    level: f64,
    filled: f64,
    own: Counts,
    other: Counts,
    random: fastrand::Rng,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    requests: u64,
    created: u64,
}

/// `LATENCY_MS JITTER LIFETIME_S AT:RATE:BURST...`; the first change is at 0.
pub(crate) fn role(arguments: &[&str]) {
    let [latency, jitter, lifetime, changes @ ..] = arguments else {
        unreachable!("quota MS JITTER S CHANGE...")
    };
    let [latency, jitter, lifetime] = [latency, jitter, lifetime].map(|text| text.parse().expect("a number"));
    let changes: Vec<Change> = changes.iter().map(|text| change(text)).collect();
    let level = changes.first().expect("a quota to begin with").burst;
    let (own, other) = Default::default();
    let random = fastrand::Rng::with_seed(1);
    let state = State { changes, began: None, level, filled: 0.0, own, other, random };
    let state = Arc::new(Mutex::new(state));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("its address").port());
        let serve = async {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(attend(Connection::new(stream), state.clone(), latency, jitter));
            }
        };
        // It ends by itself, should nobody end it.
        let _ = tokio::time::timeout(Duration::from_secs_f64(lifetime), serve).await;
    });
}

fn change(text: &str) -> Change {
    let numbers: Vec<f64> = text.split(':').map(|number| number.parse().expect("a number")).collect();
    let [at, rate, burst] = numbers[..] else { unreachable!("AT:RATE:BURST") };
    Change { at, rate, burst }
}

async fn attend(
    mut connection: Connection,
    state: Arc<Mutex<State>>,
    latency: f64,
    jitter: f64,
) -> Option<()> {
    let (created, throttled) = (http::created(), throttled());
    let lock = || state.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let line = connection.request().await?;
        if line.starts_with("GET ") {
            let counts = lock().told().to_string();
            connection.answer(&http::json("200 OK", "", &counts)).await?;
            // Whoever asks reads to the end of the connection.
            return None;
        }
        let whole = latency * (1.0 + jitter * (2.0 * lock().random.f64() - 1.0));
        let half = Duration::from_secs_f64(whole / 2000.0);
        tokio::time::sleep(half).await;
        let taken = lock().take(Instant::now(), line.contains("/other/"));
        tokio::time::sleep(half).await;
        connection.answer(if taken { &created } else { &throttled }).await?;
    }
}

fn throttled() -> Vec<u8> {
    http::json(
        "429 Too Many Requests",
        "x-amzn-errortype: ThrottlingException:\r\n",
        r#"{"Message":"Rate exceeded"}"#,
    )
}

impl State {
    /// Counts a request and takes a token for it, if there is one.
    fn take(&mut self, now: Instant, other: bool) -> bool {
        let began = *self.began.get_or_insert(now);
        self.fill(now.saturating_duration_since(began).as_secs_f64());
        // What falls short of a token by this is rounding.
        let there = self.level >= 1.0 - 1e-9;
        if there {
            self.level -= 1.0;
        }
        let counts = if other { &mut self.other } else { &mut self.own };
        counts.requests += 1;
        counts.created += u64::from(there);
        there
    }

    /// Fills the bucket up to this time, with each quota for as long as it held.
    fn fill(&mut self, now: f64) {
        for (index, change) in self.changes.iter().enumerate() {
            let until = self.changes.get(index + 1).map_or(now, |next| next.at.min(now));
            let time = until - self.filled.max(change.at);
            if time > 0.0 {
                self.level = (self.level.min(change.burst) + time * change.rate).min(change.burst);
                self.filled = until;
            }
        }
    }

    fn told(&self) -> Value {
        let counts = |counts: Counts| {
            let Counts { requests, created } = counts;
            json!({"requests": requests, "created": created, "throttled": requests - created})
        };
        let mut told = counts(self.own);
        told["other"] = counts(self.other);
        told
    }
}
