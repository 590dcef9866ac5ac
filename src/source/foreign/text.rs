//! Text formats, by their beginning.

use super::json::json;
use super::{FILE, ForeignFormat, spreadsheet};

/// Tables of a job file.
const JOB_TABLES: [&str; 10] =
    ["connect", "source", "request", "lookup", "mapping", "pacing", "run", "check", "verify", "sandbox"];

/// Beginnings of HTML, in lower case.
const HTML: [&[u8]; 8] =
    [b"<!doctype html", b"<html", b"<head", b"<body", b"<table", b"<meta", b"<style", b"<div"];

/// The namespace of Excel's XML of 2003.
const SPREADSHEET_ML: &[u8] = b"urn:schemas-microsoft-com:office:spreadsheet";

/// Beginnings of dumps by mysqldump, mariadb-dump, pg_dump, SQLite and phpMyAdmin.
const SQL: [&[u8]; 7] = [
    b"-- MySQL dump",
    b"-- MariaDB dump",
    b"/*M!",
    b"--\n-- PostgreSQL database dump",
    b"BEGIN TRANSACTION;",
    b"PRAGMA foreign_keys",
    b"-- phpMyAdmin SQL Dump",
];

/// A table that is no data.
const DRAWN_TABLE: &str = "a table drawn for people, as mysql and psql print it";

/// How to export a table of a database.
const EXPORT_TABLE: &str = "export the table with psql --csv, with sqlite3 -csv -header, or with mysql --batch and \
                            format = \"text\" under [source]";

/// The format of a text that begins with `head`; none if it may be a CSV. `is_whole` tells whether it is the whole text.
pub(in crate::source) fn of_text(head: &[u8], is_whole: bool) -> Option<ForeignFormat> {
    let text = head.trim_ascii_start();
    let found = match text.first()? {
        b'<' => markup(text, is_whole),
        b'{' => json(text, is_whole),
        b'[' | b'#' | b'r' => json(text, is_whole).or_else(|| job_file(text)),
        b'+' => drawn_table(text),
        b'M' if text.starts_with(b"MIME-Version:") => Some(ForeignFormat::advice(
            "a web archive",
            "open it in a spreadsheet and save the sheet as CSV UTF-8",
        )),
        b'-' | b'/' | b'B' | b'P' if SQL.iter().any(|start| text.starts_with(start)) => {
            Some(ForeignFormat::advice("a dump of a database", EXPORT_TABLE))
        }
        _ => None,
    };
    found.or_else(|| aligned_table(text))
}

fn markup(text: &[u8], is_whole: bool) -> Option<ForeignFormat> {
    const BEGINNING: usize = 4096;
    let beginning = text[..text.len().min(BEGINNING)].to_ascii_lowercase();
    let has = |part: &[u8]| memchr::memmem::find(&beginning, part).is_some();
    let is_xml = beginning.starts_with(b"<?xml");
    if HTML.iter().any(|start| beginning.starts_with(start))
        || is_xml && (has(b"<html") || has(b"<!doctype html"))
    {
        let has_table = !is_whole || memchr::memmem::find(&text.to_ascii_lowercase(), b"<table").is_some();
        if !has_table {
            let advice = "download the CSV again";
            return Some(ForeignFormat::advice("an HTML page without a table, such as a login page", advice));
        }
        // LibreOffice takes HTML for a text document unless it is told the filter.
        return Some(spreadsheet("an HTML page", "--infilter='HTML (StarCalc)' "));
    }
    if is_xml && memchr::memmem::find(text, SPREADSHEET_ML).is_some() {
        return Some(spreadsheet("an Excel 2003 XML workbook", ""));
    }
    is_xml.then(|| ForeignFormat::advice("XML", "export the table as CSV"))
}

/// A job file, by its first line that is no comment.
fn job_file(text: &[u8]) -> Option<ForeignFormat> {
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let line = lines.find(|line| !line.is_empty() && !line.starts_with(b"#"))?;
    let line = std::str::from_utf8(line).ok()?;
    let table = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
    let name = table.and_then(|table| table.split('.').next()).map(str::trim);
    let is_table = name.is_some_and(|name| JOB_TABLES.contains(&name));
    let is_request = line.strip_prefix("request").is_some_and(|rest| rest.trim_start().starts_with("= \""));
    let command = format!("connect-import check --job {FILE}");
    (is_table || is_request)
        .then(|| ForeignFormat::command("a job file", "name it with --job, and the CSV without", command))
}

/// A table of padded cells with a line below its header, as psql prints it. A cell of several lines has them in rows of
/// their own, which would become contacts.
fn aligned_table(text: &[u8]) -> Option<ForeignFormat> {
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let (header, rule) = (lines.next()?, lines.next()?);
    let is_aligned = header.contains(&b'|')
        && rule.contains(&b'+')
        && rule.starts_with(b"-")
        && rule.iter().all(|byte| b"+-".contains(byte));
    is_aligned.then(|| ForeignFormat::advice(DRAWN_TABLE, EXPORT_TABLE))
}

/// A table with lines between its cells, as mysql and psql draw it.
fn drawn_table(text: &[u8]) -> Option<ForeignFormat> {
    const SHORTEST: usize = 4;
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii();
    let is_drawn =
        line.len() >= SHORTEST && line.ends_with(b"+") && line.iter().all(|byte| b"+-=".contains(byte));
    is_drawn.then(|| ForeignFormat::advice(DRAWN_TABLE, EXPORT_TABLE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_known_by_their_beginning() {
        let sheet =
            "<?xml version=\"1.0\"?>\n<Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\">";
        for (name, texts) in [
            ("an HTML page", &["\r\n<!DOCTYPE html>\n<Table>", "<html><table>", "<TABLE border=1>"][..]),
            ("an HTML page without a table, such as a login page", &["<html><form>"]),
            ("an Excel 2003 XML workbook", &[sheet]),
            ("XML", &["<?xml version='1.0'?><rows/>"]),
            ("JSON", &["  [{}]", "{\"a\": [1]}"]),
            (
                "a job file",
                &["# Job file\n\n[connect]\n", "[request.Attributes]\nx = \"y\"", "request = \"s.json\"\n"],
            ),
            (
                "a table drawn for people, as mysql and psql print it",
                &[
                    "+----+---+\n| id | x |\n",
                    "+====+\r\n",
                    " id | x \n----+---\n  1 | a\n",
                    " row | x\n-----+---\n",
                ],
            ),
            (
                "a dump of a database",
                &[
                    "-- MySQL dump 10.13\n--\n",
                    "/*M!999999\\- enable the sandbox mode */\n",
                    "--\n-- PostgreSQL database dump\n--\n",
                    "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n",
                ],
            ),
            ("a web archive", &["MIME-Version: 1.0\nX-Document-Type: Workbook\n"]),
        ] {
            for text in texts {
                assert_eq!(of_text(text.as_bytes(), true).unwrap().name, name, "{text}");
            }
        }
    }

    #[test]
    fn a_csv_may_begin_with_the_same_characters() {
        for text in [
            "<id>,x\n",
            "<a@b>,x\n",
            "[connect],x\n",
            "[x]\ny\n",
            "# id,x\n1,2\n",
            "request,source\n",
            "+1,x\n",
            "+\n",
            "MIME,x\n",
            "row,request\n",
            "#\n1\n",
            "-- MySQL,x\n1,2\n",
            "INSERT INTO t VALUES (1),x\n",
            "id|x\n--|---\n1|a\n",
            "id,x\n--+--\n",
            "id|x\n",
            "{a},b\n",
            "",
        ] {
            assert_eq!(of_text(text.as_bytes(), true), None, "{text}");
        }
    }
}
