//! Version of the published schema.

use serde::{Serialize, Serializer};

/// Raised when the meaning of any member changes.
const SCHEMA_VERSION: u32 = 1;

/// Member `schema_version` of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SchemaVersion;

impl Serialize for SchemaVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(SCHEMA_VERSION)
    }
}

#[cfg(test)]
impl schemars::JsonSchema for SchemaVersion {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SchemaVersion".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Version of this schema. With another version, the meaning of some member differs.",
            "const": SCHEMA_VERSION,
        })
    }
}
