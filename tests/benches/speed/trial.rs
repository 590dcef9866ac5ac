//! A trial: one client against one endpoint, whose counters are sampled every second.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::endpoints::Quota;
use crate::http;
use crate::method::Method;
use crate::process::{self, ChildGuard};
use crate::table::Measurement;

/// Maximum time until a client sends its first request, and from the end of its time until it ends.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(45);

/// Seconds that a client sends after the last sample, so that no sample includes its end.
const MARGIN: usize = 5;

/// The counters of an endpoint at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct EndpointCounts {
    pub(crate) requests: u64,
    pub(crate) created: u64,
    pub(crate) throttled: u64,
}

impl EndpointCounts {
    fn read(port: u16) -> Result<EndpointCounts, String> {
        let stats: Value = http::get(port, "/_sandbox/stats").map_err(|error| error.to_string())?;
        let number = |name: &str| stats[name].as_u64().unwrap_or_default();
        Ok(EndpointCounts {
            requests: number("requests"),
            created: number("created"),
            throttled: number("throttled"),
        })
    }
}

/// The conditions of a trial.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TrialPlan {
    pub(crate) method: Method,
    pub(crate) quota: Quota,
    pub(crate) seconds: usize,
    pub(crate) other: Option<OtherClient>,
}

/// Another client of the same quota, for a part of the trial.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OtherClient {
    pub(crate) rate: f64,
    pub(crate) from: usize,
    pub(crate) seconds: usize,
}

/// The result of a trial.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) plan: TrialPlan,
    /// The counters at each second since the first request; the first sample is zero.
    samples: Vec<EndpointCounts>,
    /// Calls or rows that failed for good, and all of them; or the error with which the client ended.
    lost: Result<(u64, u64), String>,
    /// Share of the other client's calls that were throttled.
    pub(crate) other_throttled: Option<f64>,
}

impl Trial {
    /// The counters at the end.
    pub(crate) fn last(&self) -> EndpointCounts {
        self.samples[self.plan.seconds]
    }

    /// The share of the rate that became contacts between two seconds.
    pub(crate) fn share(&self, from: usize, to: usize, rate: f64) -> f64 {
        (self.samples[to].created - self.samples[from].created) as f64 / (rate * (to - from) as f64)
    }

    /// The share of the attempts between two seconds that were throttled.
    pub(crate) fn throttled(&self, from: usize, to: usize) -> f64 {
        let attempts = self.samples[to].requests - self.samples[from].requests;
        (self.samples[to].throttled - self.samples[from].throttled) as f64 / attempts.max(1) as f64
    }

    /// The first second, counted from `from`, after which every window has at least 95% of the rate, for the
    /// table. A window is 10 s long, or the time of 20 requests at the rate.
    pub(crate) fn convergence(&self, from: usize, to: usize, rate: f64) -> String {
        let window = 10.max((20.0 / rate).ceil() as usize);
        let is_converged = |start: &usize| self.share(*start, start + window, rate) >= 0.95;
        let last = to.checked_sub(window).filter(|last| *last >= from);
        let first = last.and_then(|last| (from..=last).rev().take_while(is_converged).last());
        first.map_or_else(|| format!("not in {} s", to - from), |first| format!("{} s", first - from))
    }

    /// The calls or rows that failed for good in the client's whole time, which is longer than that of the
    /// samples.
    pub(crate) fn lost(&self) -> Measurement {
        let name = "calls or rows lost".to_owned();
        match &self.lost {
            Ok((lost, all)) => (name, lost.to_string(), format!("0; of {all}")),
            Err(error) => (name, "unknown".to_owned(), error.clone()),
        }
    }
}

/// Runs all trials at once, each against an endpoint that `start` starts for it.
pub(crate) fn run_all(
    plans: &[TrialPlan],
    start: impl Fn(&Path, &TrialPlan) -> (ChildGuard, u16) + Sync,
) -> Vec<Result<Trial, String>> {
    std::thread::scope(|scope| {
        let trials: Vec<_> = plans.iter().map(|plan| scope.spawn(|| run(*plan, &start))).collect();
        let panicked = |_| Err("the trial panicked; the message is above".to_owned());
        trials.into_iter().map(|trial| trial.join().unwrap_or_else(panicked)).collect()
    })
}

fn run(plan: TrialPlan, start: impl Fn(&Path, &TrialPlan) -> (ChildGuard, u16)) -> Result<Trial, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (_server, port) = start(folder.path(), &plan);
    let mut client = plan.method.start(folder.path(), port, plan.quota, plan.seconds + MARGIN);
    let started = Instant::now();
    while EndpointCounts::read(port)?.requests == 0 {
        if let Ok(Some(status)) = client.0.try_wait() {
            return Err(format!("ended before its first request: {status}"));
        }
        if started.elapsed() > CLIENT_TIMEOUT {
            return Err("sent no request".to_owned());
        }
        std::thread::sleep(Duration::from_millis(5));
    }

    let began = Instant::now();
    let mut samples = vec![EndpointCounts::default()];
    let mut other = None;
    for second in 1..=plan.seconds {
        let due = began + Duration::from_secs(second as u64);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        samples.push(EndpointCounts::read(port)?);
        if let Some(client) = plan.other.filter(|other| other.from == second) {
            other = Some(start_other(port, client));
        }
    }
    let (status, output) = process::wait_for_end(client, CLIENT_TIMEOUT)?;
    let lost = plan.method.lost(status, &output);
    let other = other.map(|other| process::wait_for_end(other, CLIENT_TIMEOUT)).transpose()?;
    let other_throttled = other.and_then(|(_, output)| {
        Some(output["throttled"].as_f64()? / output["calls"].as_f64().filter(|calls| *calls > 0.0)?)
    });
    Ok(Trial { plan, samples, lost, other_throttled })
}

fn start_other(port: u16, other: OtherClient) -> ChildGuard {
    let arguments = [port.to_string(), other.rate.to_string(), other.seconds.to_string()];
    let mut command = process::role("other", &arguments.each_ref().map(String::as_str));
    ChildGuard(command.stdout(Stdio::piped()).spawn().expect("the other client starts"))
}
