//! Job file with every member of an operation and its limits, for `init --skeleton`.

use std::fmt::Write as _;

use crate::request::{Member, Operation, Shape};

/// The job file of `operation`, as TOML.
pub fn skeleton(operation: Operation) -> String {
    let mut text = format!(
        "# Every member of {operation} with its limits. Fill in what you need and delete the rest: what is left\n\
         # empty is left out. Every string is a template: row['Exact Header'] is a column, and so is the header as a\n\
         # lower-case word, such as {{{{ ticket_id }}}}.\n\n\
         [connect]\ninstance_id = \"\"\noperation = \"{operation}\"\n\n[source]\nfiles = []\nkey = []\n\n[request]\n"
    );
    if let Shape::Structure(members) = operation.members() {
        table(&mut text, "request", members);
    }
    text
}

/// Writes one table: simple members first, since TOML puts them before nested tables.
fn table(text: &mut String, path: &str, members: &[Member]) {
    for member in members {
        let limit = match member.shape {
            Shape::Text(limit) => limit.to_string(),
            Shape::Integer => "a whole number".to_owned(),
            Shape::Time => "a moment".to_owned(),
            Shape::Map(..) | Shape::Structure(_) | Shape::List(_) => continue,
        };
        let note = if member.note.is_empty() { limit } else { format!("{limit}; {}", member.note) };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} = \"{}\"  # {note}", member.name, member.default);
    }
    for member in members {
        let path = format!("{path}.{}", member.name);
        match member.shape {
            Shape::Text(_) | Shape::Integer | Shape::Time => {}
            Shape::Structure(inner) => {
                let _ = writeln!(text, "\n[{path}]");
                table(text, &path, inner);
            }
            Shape::Map(key, inner) => {
                let note = if member.note.is_empty() { String::new() } else { format!("; {}", member.note) };
                let _ = writeln!(text, "\n# {}: keys of {key}{note}", member.name);
                entry(text, &path, inner);
            }
            Shape::List(inner) => {
                let _ = writeln!(text, "\n# {}: {}", member.name, member.note);
                if let Shape::Structure(inner) = inner {
                    let _ = writeln!(text, "[[{path}]]");
                    table(text, &path, inner);
                }
            }
        }
    }
}

/// Writes an entry of a map.
fn entry(text: &mut String, path: &str, shape: &Shape) {
    match shape {
        Shape::Text(limit) => {
            let _ = writeln!(text, "[{path}]\nsome_key = \"\"  # {limit}");
        }
        Shape::Structure(inner) => {
            let _ = writeln!(text, "[{path}.some_key]");
            // Values are recursive, so nested ones are only mentioned.
            let flat =
                |member: &&Member| matches!(member.shape, Shape::Text(_) | Shape::Integer | Shape::Time);
            let own: Vec<Member> = inner.iter().filter(flat).copied().collect();
            table(text, path, &own);
            for nested in inner.iter().filter(|member| !flat(member)) {
                let note = if nested.note.is_empty() { "named values" } else { nested.note };
                let _ = writeln!(text, "# {}: {note}, each of the same form", nested.name);
            }
        }
        Shape::Integer | Shape::Time | Shape::Map(..) | Shape::List(_) => {}
    }
}
