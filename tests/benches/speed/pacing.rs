//! The sections about pacing: `quota`, `auto` and `change`.

use crate::endpoints::{self, QUOTAS, Quota};
use crate::method::Method;
use crate::options::Options;
use crate::process::ChildGuard;
use crate::table::{Measurement, percent, print_rows};
use crate::trial::{self, OtherClient, Trial, TrialPlan};

/// Share of the quota that the other client takes.
const OTHER_SHARE: f64 = 0.4;

/// A known quota: the share of it that is used, and the share of the attempts that is throttled.
pub(crate) fn quota(options: &Options) {
    let plans = QUOTAS.map(|quota| plan(Method::FixedRate, quota, options.phase()));
    run_all("quota", &plans, start_sandbox, |trial| {
        let Trial { plan, .. } = trial;
        let (rate, seconds) = (plan.quota.rate, plan.seconds);
        let last = trial.last();
        // A full bucket admits its burst in addition to the rate.
        let most = 1.0 + f64::from(plan.quota.burst) / (rate * seconds as f64);
        let steady = trial.share(seconds / 2, seconds, rate);
        vec![
            (
                format!("contacts in {seconds} s, of R x {seconds} s"),
                percent(trial.share(0, seconds, rate)),
                format!("{} with the burst", percent(most)),
            ),
            (format!("of R, in the last {} s", seconds - seconds / 2), percent(steady), "100%".into()),
            (
                "throttled, of all attempts".into(),
                percent(trial.throttled(0, seconds)),
                format!("0%; {} of {}", last.throttled, last.requests),
            ),
            trial.lost(),
        ]
    });
}

/// An unknown quota: the time until it is found and the attempts throttled for it, beside the SDKs.
pub(crate) fn auto(options: &Options) {
    // One method after the other: at once they would compete for the machine.
    for method in [Method::AutoRate, Method::SdkAdaptive, Method::Boto3Adaptive, Method::Boto3Standard] {
        if !method.is_installed() {
            print_not_installed("auto", method);
            continue;
        }
        let plans = QUOTAS.map(|quota| plan(method, quota, options.seconds));
        run_all("auto", &plans, start_sandbox, |trial| {
            let (rate, seconds) = (trial.plan.quota.rate, trial.plan.seconds);
            let warm = seconds / 4;
            let last = trial.last();
            let settled = trial.convergence(0, seconds, rate);
            vec![
                ("until every window has 95% of R".into(), settled, String::new()),
                (format!("of R, after {warm} s"), percent(trial.share(warm, seconds, rate)), "100%".into()),
                (
                    "throttled, of all attempts".into(),
                    percent(trial.throttled(0, seconds)),
                    format!("{} of {}", last.throttled, last.requests),
                ),
                trial.lost(),
            ]
        });
    }
}

/// A quota that changes after the client has found it: it is halved and restored, or another client joins and
/// leaves. There are three phases of equal length; in the first the client finds the quota.
pub(crate) fn change(options: &Options) {
    let phase = options.phase();
    for method in [Method::AutoRate, Method::SdkAdaptive, Method::Boto3Adaptive] {
        if !method.is_installed() {
            print_not_installed("change", method);
            continue;
        }
        let halved = QUOTAS.map(|quota| plan(method, quota, 3 * phase));
        let joined = halved.map(|plan| {
            let rate = plan.quota.rate * OTHER_SHARE;
            TrialPlan { other: Some(OtherClient { rate, from: phase, seconds: phase }), ..plan }
        });
        let start = |_: &std::path::Path, plan: &TrialPlan| {
            endpoints::start_quota_server(plan.quota, plan.other.is_none(), phase)
        };
        run_all("change", &[halved, joined].concat(), start, |trial| change_measurements(trial, phase));
    }
}

fn change_measurements(trial: &Trial, phase: usize) -> Vec<Measurement> {
    let rate = trial.plan.quota.rate;
    let measurement = |name: &str, from: usize, rate: f64| {
        let to = from + phase;
        let throttled = percent(trial.throttled(from, to));
        let settled = trial.convergence(from, to, rate);
        let used = percent(trial.share(from, to, rate));
        (name.to_owned(), used, format!("100%; throttled {throttled}; settled: {settled}"))
    };
    let mut measurements = match trial.plan.other {
        None => vec![
            measurement("while the quota is halved: of R/2", phase, rate / 2.0),
            measurement("after it is restored: of R", 2 * phase, rate),
        ],
        Some(_) => vec![
            measurement("with another taking 0.4 R: of 0.6 R", phase, rate * (1.0 - OTHER_SHARE)),
            measurement("after the other has left: of R", 2 * phase, rate),
        ],
    };
    if let Some(share) = trial.other_throttled {
        measurements.push(("throttled, of the other's calls".into(), percent(share), "0%".into()));
    }
    measurements.push(trial.lost());
    measurements
}

fn plan(method: Method, quota: Quota, seconds: usize) -> TrialPlan {
    TrialPlan { method, quota, seconds, other: None }
}

fn start_sandbox(folder: &std::path::Path, plan: &TrialPlan) -> (ChildGuard, u16) {
    endpoints::start_sandbox(folder, plan.quota)
}

/// Runs all plans at once and prints their measurements.
fn run_all(
    section: &str,
    plans: &[TrialPlan],
    start: impl Fn(&std::path::Path, &TrialPlan) -> (ChildGuard, u16) + Sync,
    measurements: impl Fn(&Trial) -> Vec<Measurement>,
) {
    for (plan, trial) in plans.iter().zip(trial::run_all(plans, start)) {
        let case = format!("{} {}", plan.method.name(), plan.quota.name());
        match trial {
            Ok(trial) => print_rows(section, &case, measurements(&trial)),
            Err(error) => print_rows(section, &case, [("failed".into(), error, String::new())]),
        }
    }
}

fn print_not_installed(section: &str, method: Method) {
    print_rows(section, method.name(), [(String::new(), "not installed".into(), String::new())]);
}
