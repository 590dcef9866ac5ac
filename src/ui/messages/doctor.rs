//! The messages of `doctor`.

use serde::Serialize;

use super::SchemaVersion;

/// What doctor says of one thing.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Diagnosis<'a> {
    pub(crate) schema_version: SchemaVersion,
    /// What was looked at, in a word.
    pub(crate) check: &'a str,
    #[cfg_attr(test, schemars(extend("enum" = ["pass", "warn", "fail"])))]
    pub(crate) verdict: &'static str,
    /// What was found; for people.
    pub(crate) found: &'a str,
    /// What to do; empty if nothing need be done.
    pub(crate) remedy: &'a str,
}

/// Whether a run could start.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Doctor {
    pub(crate) schema_version: SchemaVersion,
    /// 0, or that with which a run would end.
    pub(crate) exit_code: u8,
}
