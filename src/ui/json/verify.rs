//! Messages of `verify`.

use serde::Serialize;

use crate::ledger::VerificationCounts;

/// Rows are being looked up; written every --report-every.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Verifying<'a> {
    #[cfg_attr(test, schemars(extend("const" = "verifying")))]
    pub(crate) phase: &'static str,
    /// Kind of rows; for people.
    pub(crate) what: &'a str,
    /// Rows looked up so far.
    pub(crate) done: u64,
    /// Rows to look up.
    pub(crate) total: u64,
}

/// Difference between Connect and the ledger for one row.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Finding"))]
pub(crate) struct FindingMessage<'a> {
    /// Path of the input, or -.
    pub(crate) file: &'a str,
    /// Line of the file where the row starts.
    pub(crate) line: u64,
    /// Key of the row.
    pub(crate) key: &'a str,
    /// Contact concerned, if there is one.
    pub(crate) contact_id: Option<&'a str>,
    #[cfg_attr(test, schemars(extend("enum" =
        ["missing", "different", "found", "ambiguous", "shared", "not_found", "refused"])))]
    pub(crate) finding: &'static str,
    /// Members of the contact that differ; with different.
    pub(crate) members: Option<&'a [&'static str]>,
    /// Contacts that match; with ambiguous.
    pub(crate) contact_ids: Option<&'a [String]>,
    /// Error code; with refused.
    pub(crate) code: Option<&'a str>,
    /// Error message; for people.
    pub(crate) message: Option<&'a str>,
}

/// Result of a verification, in rows.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Verification"))]
pub(crate) struct VerificationSummary<'a> {
    pub(crate) exit_code: u8,
    pub(crate) instance_id: &'a str,
    /// Path of the ledger.
    pub(crate) ledger: &'a str,
    #[serde(flatten)]
    pub(crate) counts: VerificationCounts,
    /// Unknown rows at the end of the verification.
    pub(crate) still_unknown: u64,
    /// Reason why the verification ended early, and the remedy; for people.
    pub(crate) why: Option<&'a str>,
}
