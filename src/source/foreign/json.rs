//! JSON and JSON Lines, and the jq filters that make CSVs of them.

use serde::de::IgnoredAny;
use serde_json::error::Category;

use super::{FILE, ForeignFormat};
use crate::shell_word::shell_word;

/// Rows of an array of objects: a column for each member of any of them, with inner objects and arrays as JSON.
const OBJECTS: &str =
    "(map(keys) | add | unique) as $k | $k, (.[] | [.[$k[]] | (iterables | tojson) // .]) | @csv";

/// The format of a text in JSON or JSON Lines; none for others. `is_whole` tells whether it is the whole text.
pub(super) fn json(text: &[u8], is_whole: bool) -> Option<ForeignFormat> {
    if !matches!(text.first(), Some(b'{' | b'[')) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    let is_cut = |error: &serde_json::Error| error.classify() == Category::Eof && !is_whole;
    if let Err(error) = values.next()? {
        return is_cut(&error).then(|| document(text));
    }
    let rest = &text[values.byte_offset()..];
    if rest.trim_ascii().is_empty() {
        return Some(document(text));
    }
    // Another value of the same kind on a line of its own; a header's first cell is followed by a delimiter.
    let has_line_end = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).any(|byte| *byte == b'\n');
    let is_next = has_line_end
        && rest.trim_ascii_start().first() == text.first()
        && values.next().is_some_and(|value| value.map_or_else(|error| is_cut(&error), |_| true));
    is_next.then(|| lines(text))
}

fn lines(text: &[u8]) -> ForeignFormat {
    let command = if text.starts_with(b"[") {
        format!("jq -r @csv {FILE}")
    } else {
        format!("jq -rs {} {FILE}", shell_word(OBJECTS))
    };
    ForeignFormat::pipe("JSON Lines", command)
}

fn document(text: &[u8]) -> ForeignFormat {
    let outline = JsonOutline::of(text);
    if outline.members.iter().any(|name| name == "InstanceId" || name == "ContactFlowId") {
        let command = format!("connect-import check --job {FILE}");
        return ForeignFormat::command(
            "a request in JSON",
            "name it with --job, and the CSV without",
            command,
        );
    }
    let filter = match outline.rows {
        Rows::Objects(path) if path.is_empty() => OBJECTS.to_owned(),
        Rows::Objects(path) => {
            let names: Vec<String> =
                path.iter().map(|name| format!("[{}]", serde_json::Value::from(&**name))).collect();
            format!(".{} | {OBJECTS}", names.concat())
        }
        Rows::Arrays => ".[] | @csv".to_owned(),
        Rows::Unknown if text.starts_with(b"{") => format!("[.] | {OBJECTS}"),
        Rows::Unknown => OBJECTS.to_owned(),
    };
    ForeignFormat::pipe("JSON", format!("jq -r {} {FILE}", shell_word(filter)))
}

/// Where the rows of a document are.
#[derive(PartialEq, Eq, Debug)]
enum Rows {
    /// An array of objects: the names of the members that lead to it.
    Objects(Vec<String>),
    /// The document is an array of arrays.
    Arrays,
    Unknown,
}

/// The parts of a document that tell what it is.
struct JsonOutline {
    /// Names of the document's own members.
    members: Vec<String>,
    rows: Rows,
}

impl JsonOutline {
    /// Looks through a document that may end anywhere, up to the first array of objects or arrays.
    fn of(text: &[u8]) -> Self {
        let mut outline = JsonOutline { members: Vec::new(), rows: Rows::Unknown };
        // The member of each open object; none for an open array.
        let mut open: Vec<Option<String>> = Vec::new();
        let (mut last, mut at) = (String::new(), 0);
        while let Some(byte) = text.get(at) {
            match byte {
                b'"' => {
                    let end = string_end(text, at);
                    last = serde_json::from_slice(&text[at..end]).unwrap_or_default();
                    at = end;
                    continue;
                }
                b':' => {
                    if open.len() == 1 {
                        outline.members.push(last.clone());
                    }
                    if let Some(Some(member)) = open.last_mut() {
                        *member = std::mem::take(&mut last);
                    }
                }
                b'{' => open.push(Some(String::new())),
                b'[' => {
                    let inner = text[at + 1..].iter().find(|byte| !byte.is_ascii_whitespace());
                    let path: Option<Vec<String>> = open.iter().cloned().collect();
                    match (inner, path) {
                        (Some(b'{'), Some(path)) if outline.rows == Rows::Unknown => {
                            outline.rows = Rows::Objects(path)
                        }
                        (Some(b'['), Some(path)) if path.is_empty() => outline.rows = Rows::Arrays,
                        _ => {}
                    }
                    open.push(None);
                }
                b'}' | b']' => {
                    open.pop();
                }
                _ => {}
            }
            at += 1;
        }
        outline
    }
}

/// The position after the string that starts at `start`.
fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(text: &str) -> String {
        let format = json(text.as_bytes(), true).unwrap_or_else(|| panic!("{text}"));
        let remedy = format.remedy(None);
        format!("{}: {}", format.name, remedy.lines().nth(1).unwrap().trim().replace(OBJECTS, "…"))
    }

    #[test]
    fn the_rows_of_a_document_are_found() {
        for (text, expected) in [
            (r#"[{"a": 1}, {"a": "["}]"#, "JSON: jq -r '…' FILE >FILE.csv"),
            (
                "{\"count\": 1,\n\"x y\": {\"r\\\"\": [ {\"a\": [{}]}]}}",
                r#"JSON: jq -r '.["x y"]["r\""] | …' FILE >FILE.csv"#,
            ),
            ("[[1, 2], [3, 4]]", "JSON: jq -r '.[] | @csv' FILE >FILE.csv"),
            (r#"{"a": 1, "b": [1]}"#, "JSON: jq -r '[.] | …' FILE >FILE.csv"),
            ("{\"a\": 1}\n{\"a\": 2}\n", "JSON Lines: jq -rs '…' FILE >FILE.csv"),
            ("[1, \"x\"]\r\n[2, \"y\"]", "JSON Lines: jq -r @csv FILE >FILE.csv"),
            (r#"{"InstanceId": "", "Name": ""}"#, "a request in JSON: connect-import check --job FILE"),
        ] {
            assert_eq!(command(text), expected);
        }
    }

    #[test]
    fn a_document_that_is_cut_by_the_sample_is_json() {
        let text = br#"{"result": [{"a": "b"}, {"a": "#;
        assert!(json(text, false).unwrap().remedy(None).contains(r#".["result"]"#));
        assert_eq!(json(text, true), None);
        assert_eq!(json(b"{\"a\": 1}\n{\"a\":", false).unwrap().name, "JSON Lines");
    }

    #[test]
    fn a_csv_whose_header_begins_with_a_bracket_is_no_json() {
        for text in [
            "[id],x\n1,2\n",
            "{id}\n1\n",
            "[1],[2]\n3,4\n",
            "[1]\n2\n",
            "{}\nx\n",
            "[\n",
            "{\"a\": 1},x\n",
            "id\n",
        ] {
            assert_eq!(json(text.as_bytes(), true), None, "{text}");
        }
    }
}
