//! The published schema is that of the types.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{Message, SCHEMA_VERSION, SchemaVersion};
use crate::export::{ExportedRow, JoinedRow};

impl JsonSchema for SchemaVersion {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SchemaVersion".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The version of this schema. Another one means that some member means something else.",
            "const": SCHEMA_VERSION,
        })
    }
}

fn schema() -> String {
    // As they are written: a member without a value is null, and never left out.
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    // The rows of export have no message_type: what they are is known from the command.
    generator.subschema_for::<ExportedRow>();
    generator.subschema_for::<JoinedRow>();
    let schema = generator.into_root_schema_for::<Message>();
    format!("{}\n", serde_json::to_string_pretty(&schema).unwrap())
}

#[test]
fn the_published_schema_is_that_of_the_messages() {
    let published = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/messages.schema.json");
    let schema = schema();
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(published, &schema).unwrap();
    }
    assert!(
        schema == std::fs::read_to_string(published).unwrap_or_default(),
        "the messages are not as samples/messages.schema.json says: if members were only added, run this test with \
         UPDATE_EXPECTED=1; otherwise raise SCHEMA_VERSION as well"
    );
}
