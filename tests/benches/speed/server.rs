//! The endpoints with a quota.

use std::path::Path;
use std::process::Stdio;

use crate::child::{self, Guarded};
use crate::tool;

/// A quota, as Connect's are described.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    /// Requests a second.
    pub(crate) rate: f64,
    pub(crate) burst: u32,
}

/// What everything is tried at: Connect's default, what its other operations have, and what support may
/// grant.
pub(crate) const QUOTAS: [Quota; 4] = [
    Quota { rate: 2.0, burst: 5 },
    Quota { rate: 10.0, burst: 15 },
    Quota { rate: 50.0, burst: 50 },
    Quota { rate: 200.0, burst: 200 },
];

impl Quota {
    /// How the table calls it.
    pub(crate) fn name(self) -> String {
        format!("{}/s, burst {}", self.rate, self.burst)
    }

    fn halved(self) -> Quota {
        Quota { rate: self.rate / 2.0, burst: self.burst.div_ceil(2) }
    }
}

/// The tool's sandbox, fresh. The folder is for its port.
pub(crate) fn sandbox(folder: &Path, quota: Quota) -> (Guarded, u16) {
    let (rate, burst) = (quota.rate.to_string(), quota.burst.to_string());
    let arguments = ["sandbox", "--rate", &rate, "--burst", &burst, "--latency", "40ms", "--jitter", "0.3"];
    let mut command = tool::command(folder, &arguments);
    command.args(["--port-file", "port"]).stderr(Stdio::null());
    let process = Guarded(command.spawn().expect("the sandbox starts"));
    let port = child::port_in(&folder.join("port"));
    (process, port)
}

/// A server whose quota halves after `phase` seconds and is whole again after another `phase`, if it
/// `halves`.
pub(crate) fn changing(quota: Quota, halves: bool, phase: usize) -> (Guarded, u16) {
    let half = quota.halved();
    let change = |at: usize, quota: Quota| format!("{at}:{}:{}", quota.rate, quota.burst);
    let mut changes = vec![change(0, quota)];
    if halves {
        changes.extend([change(phase, half), change(2 * phase, quota)]);
    }
    // It is killed long before.
    let lifetime = (3 * phase + 300).to_string();
    let mut arguments = vec!["40", "0.3", &lifetime];
    arguments.extend(changes.iter().map(String::as_str));
    child::serving(child::role("quota", &arguments))
}
