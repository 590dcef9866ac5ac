//! A known quota: how much of it is used, and how much of what is sent is throttled.

use crate::analysis::{share, throttled};
use crate::method::Method;
use crate::options::Options;
use crate::server::{self, QUOTAS};
use crate::table::{self, percent};
use crate::trial::{self, Plan, Trial};

pub(crate) fn run(options: &Options) {
    let plans =
        QUOTAS.map(|quota| Plan { method: Method::Told, quota, seconds: options.phase(), other: None });
    let trials = trial::all(&plans, |folder, plan| server::sandbox(folder, plan.quota));
    for (plan, trial) in plans.iter().zip(trials) {
        let case = format!("{} {}", plan.method.name(), plan.quota.name());
        match trial {
            Ok(trial) => report(&case, &trial),
            Err(error) => table::rows("quota", &case, [("failed".into(), error, String::new())]),
        }
    }
}

fn report(case: &str, trial: &Trial) {
    let Trial { plan, samples, .. } = trial;
    let (rate, seconds) = (plan.quota.rate, plan.seconds);
    let last = samples[seconds];
    // A full bucket comes on top of what the rate gives.
    let most = 1.0 + f64::from(plan.quota.burst) / (rate * seconds as f64);
    let steady = share(samples, seconds / 2, seconds, rate);
    table::rows(
        "quota",
        case,
        [
            (
                format!("contacts in {seconds} s, of R x {seconds} s"),
                percent(share(samples, 0, seconds, rate)),
                format!("{} with the burst", percent(most)),
            ),
            (format!("of R, in the last {} s", seconds - seconds / 2), percent(steady), "100%".into()),
            (
                "throttled, of all attempts".into(),
                percent(throttled(samples, 0, seconds)),
                format!("0%; {} of {}", last.throttled, last.requests),
            ),
            trial.lost(),
        ],
    );
}
