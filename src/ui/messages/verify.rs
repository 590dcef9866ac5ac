//! The messages of `verify`.

use serde::Serialize;

use super::SchemaVersion;

/// Rows are being asked for; so often as --report-every says.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Verifying<'a> {
    pub(crate) schema_version: SchemaVersion,
    #[cfg_attr(test, schemars(extend("const" = "verifying")))]
    pub(crate) phase: &'static str,
    /// Which rows; for people.
    pub(crate) what: &'a str,
    /// Rows asked for.
    pub(crate) done: u64,
    /// Rows to ask for.
    pub(crate) total: u64,
}

/// What was found about a row.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Finding<'a> {
    pub(crate) schema_version: SchemaVersion,
    /// The input's path, or -.
    pub(crate) file: &'a str,
    /// The line of the file on which the row begins.
    pub(crate) line: u64,
    /// The row's key.
    pub(crate) key: &'a str,
    /// The contact that it is about, if there is one.
    pub(crate) contact_id: Option<&'a str>,
    #[cfg_attr(test, schemars(extend("enum" =
        ["missing", "different", "found", "ambiguous", "shared", "not_found", "refused"])))]
    pub(crate) finding: &'static str,
    /// The members in which the contact differs; with different.
    pub(crate) members: Option<&'a [&'static str]>,
    /// The contacts that fit; with ambiguous.
    pub(crate) contact_ids: Option<&'a [String]>,
    /// Why nothing could be said, in a word; with refused.
    pub(crate) code: Option<&'a str>,
    /// The same for people.
    pub(crate) message: Option<&'a str>,
}

/// What a verification found, in rows.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Verification<'a> {
    pub(crate) schema_version: SchemaVersion,
    pub(crate) exit_code: u8,
    pub(crate) instance_id: &'a str,
    /// The ledger's path.
    pub(crate) ledger: &'a str,
    /// Created rows of the ledger.
    pub(crate) created: u64,
    /// Of those, the ones that were asked for.
    pub(crate) asked: u64,
    /// There, with the name and the attributes that were sent.
    pub(crate) same: u64,
    /// There; an older version sent them, so nothing else can be compared.
    pub(crate) there: u64,
    /// There, and not as they were sent.
    pub(crate) different: u64,
    /// Connect does not know them.
    pub(crate) missing: u64,
    /// Connect refused to say.
    pub(crate) refused: u64,
    /// Unknown rows at the start.
    pub(crate) unknown: u64,
    /// Of those, found, and created from now on.
    pub(crate) found: u64,
    /// Of those, rows for which contacts fit, and it cannot be told whose they are.
    pub(crate) ambiguous: u64,
    /// Created rows that have the contact of another row.
    pub(crate) shared: u64,
    /// Rows in doubt, which the next run sends again.
    pub(crate) in_doubt: u64,
    /// Unknown rows that were not found, which proves nothing.
    pub(crate) not_found: u64,
    /// Unknown rows that could not be searched for.
    pub(crate) unsearchable: u64,
    /// Rows that are unknown at the end.
    pub(crate) still_unknown: u64,
    /// Why the verification ended early, and the remedy; for people.
    pub(crate) why: Option<&'a str>,
}
