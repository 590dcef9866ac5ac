//! A quota that nobody tells: how soon it is found, and at what cost, beside what the SDKs do.

use crate::analysis::{converged, share, throttled};
use crate::method::Method;
use crate::options::Options;
use crate::server::{self, QUOTAS};
use crate::table::{self, percent};
use crate::trial::{self, Plan, Trial};

pub(crate) fn run(options: &Options) {
    // One after the other: they would take the machine from each other.
    for method in [Method::Auto, Method::SdkAdaptive, Method::Boto3Adaptive, Method::Boto3Standard] {
        if !method.is_installed() {
            table::rows("auto", method.name(), [(String::new(), "not installed".into(), String::new())]);
            continue;
        }
        let plans = QUOTAS.map(|quota| Plan { method, quota, seconds: options.seconds, other: None });
        let trials = trial::all(&plans, |folder, plan| server::sandbox(folder, plan.quota));
        for (plan, trial) in plans.iter().zip(trials) {
            let case = format!("{} {}", method.name(), plan.quota.name());
            match trial {
                Ok(trial) => report(&case, &trial),
                Err(error) => table::rows("auto", &case, [("failed".into(), error, String::new())]),
            }
        }
    }
}

fn report(case: &str, trial: &Trial) {
    let Trial { plan, samples, .. } = trial;
    let (rate, seconds) = (plan.quota.rate, plan.seconds);
    let warm = seconds / 4;
    let last = samples[seconds];
    table::rows(
        "auto",
        case,
        [
            ("until every window has 95% of R".into(), converged(samples, 0, seconds, rate), String::new()),
            (format!("of R, after {warm} s"), percent(share(samples, warm, seconds, rate)), "100%".into()),
            (
                "throttled, of all attempts".into(),
                percent(throttled(samples, 0, seconds)),
                format!("{} of {}", last.throttled, last.requests),
            ),
            trial.lost(),
        ],
    );
}
