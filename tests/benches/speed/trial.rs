//! One client against one server, whose counters are taken every second.

use std::time::{Duration, Instant};

use crate::analysis::Counts;
use crate::child::{self, Guarded};
use crate::http;
use crate::method::Method;
use crate::server::Quota;

/// How long a client may take until its first request, and how long to end after its time.
const PATIENCE: Duration = Duration::from_secs(45);

/// How much longer than the samples a client sends, so that the last of them is not of its end.
const MARGIN: usize = 5;

/// What is tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) method: Method,
    pub(crate) quota: Quota,
    pub(crate) seconds: usize,
    pub(crate) other: Option<Other>,
}

/// Another client of the same quota, for a while.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Other {
    pub(crate) rate: f64,
    pub(crate) from: usize,
    pub(crate) seconds: usize,
}

/// What was seen.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) plan: Plan,
    /// At each second since the first request; the first are zeros.
    pub(crate) samples: Vec<Counts>,
    /// Calls or rows that came to nothing, and of how many; or how the client ended instead.
    lost: Result<(u64, u64), String>,
    /// Of the other client's calls, those that were throttled.
    pub(crate) other_throttled: Option<f64>,
}

impl Trial {
    /// The line of the table that tells of calls or rows that came to nothing in the client's whole time,
    /// which is longer than that of the samples.
    pub(crate) fn lost(&self) -> (String, String, String) {
        let what = "calls or rows lost".to_owned();
        match &self.lost {
            Ok((lost, all)) => (what, lost.to_string(), format!("0; of {all}")),
            Err(error) => (what, "unknown".to_owned(), error.clone()),
        }
    }
}

/// Runs all of them at once, each against a server that `serve` makes for it.
pub(crate) fn all(
    plans: &[Plan],
    serve: impl Fn(&std::path::Path, &Plan) -> (Guarded, u16) + Sync,
) -> Vec<Result<Trial, String>> {
    std::thread::scope(|scope| {
        let trials: Vec<_> = plans.iter().map(|plan| scope.spawn(|| one(*plan, &serve))).collect();
        trials.into_iter().map(|trial| trial.join().unwrap_or_else(|_| Err("see above".into()))).collect()
    })
}

fn one(plan: Plan, serve: impl Fn(&std::path::Path, &Plan) -> (Guarded, u16)) -> Result<Trial, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (_server, port) = serve(folder.path(), &plan);
    let counts = || http::get(port, "/_sandbox/stats").map_err(|error| error.to_string());

    let mut client = plan.method.start(folder.path(), port, plan.quota, plan.seconds + MARGIN);
    let started = Instant::now();
    while Counts::of(&counts()?).requests == 0 {
        if let Ok(Some(status)) = client.0.try_wait() {
            return Err(format!("ended before its first request: {status}"));
        }
        if started.elapsed() > PATIENCE {
            return Err("sent no request".to_owned());
        }
        std::thread::sleep(Duration::from_millis(5));
    }

    let began = Instant::now();
    let mut samples = vec![Counts::default()];
    let mut other = None;
    for second in 1..=plan.seconds {
        std::thread::sleep(
            (began + Duration::from_secs(second as u64)).saturating_duration_since(Instant::now()),
        );
        samples.push(Counts::of(&counts()?));
        if let Some(wanted) = plan.other.filter(|other| other.from == second) {
            other = Some(join(port, wanted));
        }
    }
    let (status, said) = child::ended(client, PATIENCE)?;
    let lost = plan.method.lost(status, &said);
    let other_throttled = other.map(|other| child::ended(other, PATIENCE)).transpose()?;
    let other_throttled = other_throttled.and_then(|(_, said)| {
        Some(said["throttled"].as_f64()? / said["calls"].as_f64().filter(|calls| *calls > 0.0)?)
    });
    Ok(Trial { plan, samples, lost, other_throttled })
}

fn join(port: u16, other: Other) -> Guarded {
    let arguments = [port.to_string(), other.rate.to_string(), other.seconds.to_string()];
    let mut command = child::role("other", &arguments.each_ref().map(String::as_str));
    Guarded(command.stdout(std::process::Stdio::piped()).spawn().expect("the other client starts"))
}
