//! The role `quota`: an endpoint with a quota that changes while it runs, which the sandbox's does not.
//!
//! It has a token bucket, a latency with jitter of which half passes before a token is taken, and
//! counters. Clients whose path begins with `/other` share the bucket and are counted separately.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::{self, Connection};

/// A quota from a given time on.
#[derive(Clone, Copy, Debug)]
struct QuotaChange {
    /// Seconds since the first request.
    at: f64,
    rate: f64,
    burst: f64,
}

#[derive(Debug)]
struct QuotaState {
    /// In the order of their times; the first is at 0.
    schedule: Vec<QuotaChange>,
    /// The time of the first request.
    began: Option<Instant>,
    /// The tokens in the bucket at `filled`, in seconds since the first request.
    level: f64,
    filled: f64,
    main: ClientCounts,
    other: ClientCounts,
    random: fastrand::Rng,
}

#[derive(Clone, Copy, Debug, Default)]
struct ClientCounts {
    requests: u64,
    created: u64,
}

/// Arguments: `LATENCY_MS JITTER LIFETIME_S AT:RATE:BURST...`; the first quota is at 0.
pub(crate) fn serve_quota_role(arguments: &[&str]) {
    let [latency, jitter, lifetime, schedule @ ..] = arguments else {
        unreachable!("quota LATENCY_MS JITTER LIFETIME_S AT:RATE:BURST...")
    };
    let [latency, jitter, lifetime] = [latency, jitter, lifetime].map(|text| text.parse().expect("a number"));
    let schedule: Vec<QuotaChange> = schedule.iter().map(|text| parse_change(text)).collect();
    let level = schedule.first().expect("a first quota").burst;
    let (main, other) = Default::default();
    let random = fastrand::Rng::with_seed(1);
    let state = QuotaState { schedule, began: None, level, filled: 0.0, main, other, random };
    let state = Arc::new(Mutex::new(state));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("its address").port());
        let serve = async {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve_connection(Connection::new(stream), state.clone(), latency, jitter));
            }
        };
        // It ends by itself in case nothing kills it.
        let _ = tokio::time::timeout(Duration::from_secs_f64(lifetime), serve).await;
    });
}

fn parse_change(text: &str) -> QuotaChange {
    let numbers: Vec<f64> = text.split(':').map(|number| number.parse().expect("a number")).collect();
    let [at, rate, burst] = numbers[..] else { unreachable!("AT:RATE:BURST") };
    QuotaChange { at, rate, burst }
}

/// Serves requests until the client closes the connection.
async fn serve_connection(
    mut connection: Connection,
    state: Arc<Mutex<QuotaState>>,
    latency_ms: f64,
    jitter: f64,
) -> Option<()> {
    let throttled = throttled();
    let lock = || state.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let line = connection.request().await?;
        if line.starts_with("GET ") {
            let counts = lock().counts().to_string();
            connection.respond(&http::json("200 OK", "", &counts)).await?;
            // Clients of this page read to the end of the connection.
            return None;
        }
        let whole_ms = latency_ms * (1.0 + jitter * (2.0 * lock().random.f64() - 1.0));
        let half = Duration::from_secs_f64(whole_ms / 2000.0);
        tokio::time::sleep(half).await;
        let is_admitted = lock().take(Instant::now(), line.contains("/other/"));
        tokio::time::sleep(half).await;
        let response = if is_admitted { &http::created() } else { &throttled };
        connection.respond(response).await?;
    }
}

fn throttled() -> Vec<u8> {
    http::json(
        "429 Too Many Requests",
        "x-amzn-errortype: ThrottlingException:\r\n",
        r#"{"Message":"Rate exceeded"}"#,
    )
}

impl QuotaState {
    /// Counts a request and takes a token for it; `false` if the bucket is empty.
    fn take(&mut self, now: Instant, is_other: bool) -> bool {
        let began = *self.began.get_or_insert(now);
        self.fill(now.saturating_duration_since(began).as_secs_f64());
        // A level that falls short of a whole token by less than this is a rounding error.
        let has_token = self.level >= 1.0 - 1e-9;
        if has_token {
            self.level -= 1.0;
        }
        let counts = if is_other { &mut self.other } else { &mut self.main };
        counts.requests += 1;
        counts.created += u64::from(has_token);
        has_token
    }

    /// Fills the bucket up to a time, with each quota for the time that it applied.
    fn fill(&mut self, now: f64) {
        for (index, change) in self.schedule.iter().enumerate() {
            let until = self.schedule.get(index + 1).map_or(now, |next| next.at.min(now));
            let time = until - self.filled.max(change.at);
            if time > 0.0 {
                self.level = (self.level.min(change.burst) + time * change.rate).min(change.burst);
                self.filled = until;
            }
        }
    }

    fn counts(&self) -> Value {
        let counts = |counts: ClientCounts| {
            let ClientCounts { requests, created } = counts;
            json!({"requests": requests, "created": created, "throttled": requests - created})
        };
        let mut all = counts(self.main);
        all["other"] = counts(self.other);
        all
    }
}
