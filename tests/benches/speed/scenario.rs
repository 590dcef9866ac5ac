//! A quota that changes under a client that found it: it halves and doubles back, or another client joins and
//! leaves. Three phases of equal length; in the first the client finds the quota.

use crate::analysis::{converged, share, throttled};
use crate::method::Method;
use crate::options::Options;
use crate::server::{self, QUOTAS, Quota};
use crate::table::{self, percent};
use crate::trial::{self, Other, Plan, Trial};

/// What the other client takes of the quota.
const TAKEN: f64 = 0.4;

pub(crate) fn run(options: &Options) {
    for method in [Method::Auto, Method::SdkAdaptive, Method::Boto3Adaptive] {
        if method.is_installed() {
            both(method, options.phase());
        } else {
            table::rows("change", method.name(), [(String::new(), "not installed".into(), String::new())]);
        }
    }
}

/// Both changes at every quota, all at once.
fn both(method: Method, phase: usize) {
    let plan = |quota: Quota, other| Plan { method, quota, seconds: 3 * phase, other };
    let other = |quota: Quota| Other { rate: quota.rate * TAKEN, from: phase, seconds: phase };
    let halved = QUOTAS.map(|quota| plan(quota, None));
    let joined = QUOTAS.map(|quota| plan(quota, Some(other(quota))));
    let plans = [halved, joined].concat();
    let trials = trial::all(&plans, |_, plan| server::changing(plan.quota, plan.other.is_none(), phase));
    for (plan, trial) in plans.iter().zip(trials) {
        let case = format!("{} {}", method.name(), plan.quota.name());
        match trial {
            Ok(trial) => report(&case, &trial, phase),
            Err(error) => table::rows("change", &case, [("failed".into(), error, String::new())]),
        }
    }
}

fn report(case: &str, trial: &Trial, phase: usize) {
    let Trial { plan, samples, .. } = trial;
    let rate = plan.quota.rate;
    let row = |what: &str, from: usize, rate: f64| {
        let to = from + phase;
        let cost = percent(throttled(samples, from, to));
        let settled = converged(samples, from, to, rate);
        let used = percent(share(samples, from, to, rate));
        (what.to_owned(), used, format!("100%; throttled {cost}; settled: {settled}"))
    };
    let mut rows = match plan.other {
        None => vec![
            row("while the quota is halved: of R/2", phase, rate / 2.0),
            row("when it is doubled back: of R", 2 * phase, rate),
        ],
        Some(_) => vec![
            row("with another taking 0.4 R: of 0.6 R", phase, rate * (1.0 - TAKEN)),
            row("when the other has left: of R", 2 * phase, rate),
        ],
    };
    if let Some(share) = trial.other_throttled {
        rows.push(("throttled, of the other's calls".into(), percent(share), "0%".into()));
    }
    rows.push(trial.lost());
    table::rows("change", case, rows);
}
