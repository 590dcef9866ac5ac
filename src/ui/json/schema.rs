//! The published schema is the one generated from the types.

use schemars::generate::SchemaSettings;

use super::message::Message;
use crate::export::{ExportedRow, JoinedRow};

fn schema() -> String {
    // For serialization: a member without a value is null, so every member is required.
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    // Rows of an export have no message_type, so they are no variant of Message.
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
        "samples/messages.schema.json differs from the messages: if members were only added, run this test with \
         UPDATE_EXPECTED=1; otherwise raise SCHEMA_VERSION as well"
    );
}
