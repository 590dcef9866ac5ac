//! The cases of csv-spectrum, with cells of our own: what any CSV reader must get right.

use super::testing::read_text;

fn reads_as(text: &str, columns: &[&str], rows: &[&[&str]]) {
    let (header, read) = read_text(text);
    assert_eq!(header, columns, "{text:?}");
    let cells: Vec<Vec<String>> = read.into_iter().map(|(_, cells)| cells).collect();
    assert_eq!(cells, rows, "{text:?}");
}

#[test]
fn a_comma_in_quotes() {
    reads_as(
        "first,city,zip\nAda,\"Byron, London\",08123\n",
        &["first", "city", "zip"],
        &[&["Ada", "Byron, London", "08123"]],
    );
}

#[test]
fn empty_cells() {
    reads_as("a,b,c\n1,\"\",\"\"\n2,,4\n", &["a", "b", "c"], &[&["1", "", ""], &["2", "", "4"]]);
}

#[test]
fn empty_cells_with_crlf() {
    reads_as("a,b,c\r\n1,\"\",\"\"\r\n2,,4\r\n", &["a", "b", "c"], &[&["1", "", ""], &["2", "", "4"]]);
}

#[test]
fn escaped_quotes() {
    reads_as(
        "a,b\n1,\"he \"\"said\"\" so\"\n\"\"\"\",x\n",
        &["a", "b"],
        &[&["1", "he \"said\" so"], &["\"", "x"]],
    );
}

#[test]
fn json_in_a_cell() {
    reads_as(
        "key,val\n1,\"{\"\"kind\"\": \"\"point\"\", \"\"at\"\": [8.5, 47.25]}\"\n",
        &["key", "val"],
        &[&["1", "{\"kind\": \"point\", \"at\": [8.5, 47.25]}"]],
    );
}

#[test]
fn line_breaks_in_quotes() {
    reads_as(
        "a,b\n1,\"once\nupon\na time\"\n\"x\n\",y\n",
        &["a", "b"],
        &[&["1", "once\nupon\na time"], &["x\n", "y"]],
    );
}

#[test]
fn line_breaks_in_quotes_with_crlf() {
    reads_as(
        "a,b\r\n1,\"once\r\nupon\r\na time\"\r\nx,y\r\n",
        &["a", "b"],
        &[&["1", "once\r\nupon\r\na time"], &["x", "y"]],
    );
}

#[test]
fn location_lines_with_quotes_and_spaces() {
    reads_as(
        "\"Name\",\"At\"\n\"  Main St 5 \",\"a b  c\"\n x , y\n",
        &["Name", "At"],
        &[&["  Main St 5 ", "a b  c"], &[" x ", " y"]],
    );
}

#[test]
fn quotes_and_line_breaks() {
    reads_as(
        "a,b\n1,\"he\n\"\"said\"\"\n\"\n2,\"\"\"\n\"\"\"\n",
        &["a", "b"],
        &[&["1", "he\n\"said\"\n"], &["2", "\"\n\""]],
    );
}

#[test]
fn a_simple_file() {
    reads_as("a,b,c\n1,2,3", &["a", "b", "c"], &[&["1", "2", "3"]]);
}

#[test]
fn a_simple_file_with_crlf() {
    reads_as("a,b,c\r\n1,2,3\r\n", &["a", "b", "c"], &[&["1", "2", "3"]]);
}

#[test]
fn text_in_utf8() {
    reads_as(
        "a,größe,名\n1,ʤ,🦀\n4,ß,\"e\u{301}\"\n",
        &["a", "größe", "名"],
        &[&["1", "ʤ", "🦀"], &["4", "ß", "e\u{301}"]],
    );
}
