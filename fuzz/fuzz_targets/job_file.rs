//! Parses any text as a job file.

#![no_main]

use std::path::Path;

use connect_import::job::{JobFile, JobFileError};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    // Parsing reads the skeleton that `request` names, which could be any file of this machine.
    let table = text.trim_start_matches('\u{feff}').parse::<toml::Table>();
    if table.is_ok_and(|table| table.get("request").is_some_and(toml::Value::is_str)) {
        return;
    }
    match JobFile::from_text(Path::new("job.toml"), text) {
        Err(JobFileError::Syntax { line, .. }) => {
            assert!((1..=text.lines().count() + 1).contains(&line), "{line}");
        }
        Ok(_) | Err(_) => {}
    }
});
