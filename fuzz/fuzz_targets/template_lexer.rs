//! Compiles any template against a header and renders it with a row.

#![no_main]

use connect_import::mapping::{Mapping, MappingSource, MemberSource, OnTooLong, RequestTemplates};
use connect_import::request::Operation;
use connect_import::source::Header;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

/// The fields of the row. The fuzzer does not guess them, so an error that contains one has it from the row.
const FIELDS: [&str; 3] = ["Zq9vWx7k Hj2mNb5t", "Pf8wLd3r", "Gy4cXs6v"];

fuzz_target!(|template: &str| {
    let tree = Map::from_iter([
        ("Name".to_owned(), Value::from(template)),
        ("Attributes".to_owned(), Value::Object(Map::from_iter([("key".to_owned(), Value::from(template))]))),
    ]);
    let source = MappingSource {
        operation: Operation::CreateContact,
        on_too_long: OnTooLong::Truncate,
        members: MemberSource::Templates(RequestTemplates { tree, ..RequestTemplates::default() }),
    };
    let header = Header::new(["a", "b", "Ticket ID"].map(str::to_owned).into());
    let Ok(mapping) = Mapping::compile(&source, &header) else { return };
    let row = csv::StringRecord::from(FIELDS.to_vec());
    if let Err(error) = mapping.map(&row, 1_700_000_000) {
        let message = format!("{error:?}");
        let field = FIELDS.iter().flat_map(|field| field.split(' ')).find(|word| message.contains(word));
        assert_eq!(field, None, "{message}");
    }
});
