//! Binary formats, by their first bytes.

use super::{CSV, FILE, ForeignFormat, Remedy, spreadsheet};
use crate::shell_word::shell_word;

/// Application id in the header of a ledger's SQLite file: "conI". It stands here because the ledger comes after the
/// source in the data flow.
pub const LEDGER_APPLICATION_ID: i32 = 0x636f_6e49;

/// Start of an archive's entry: PKWARE's APPNOTE, 4.3.7.
const ZIP_ENTRY: &[u8] = b"PK\x03\x04";

/// Name of a tar archive.
pub(super) const TAR: &str = "a tar archive";

/// Formats that a program unpacks to standard output.
const PACKED: [(&[u8], &str, &str); 5] = [
    (b"BZh", "compressed with bzip2", "bzip2 -dc"),
    (b"\xFD7zXZ", "compressed with xz", "xz -dc"),
    (b"\x04\x22\x4D\x18", "compressed with lz4", "lz4 -dc"),
    (b"\x1F\x9D", "compressed with compress", "gzip -dc"),
    (b"7z\xBC\xAF", "a 7z archive", "7z x -so"),
];

/// The format of a file that begins with `head`; none if it may be a CSV.
pub(in crate::source) fn of_bytes(head: &[u8]) -> Option<ForeignFormat> {
    if let Some((_, name, command)) = PACKED.into_iter().find(|(signature, ..)| head.starts_with(signature)) {
        return Some(ForeignFormat::pipe(name, format!("{command} {FILE}")));
    }
    Some(match head {
        _ if head.starts_with(ZIP_ENTRY) => zip(head),
        _ if head.starts_with(b"PK\x05\x06") => {
            ForeignFormat::advice("an empty ZIP archive", "download it again")
        }
        _ if head.starts_with(b"\xD0\xCF\x11\xE0") => old_office(head),
        _ if head.starts_with(b"PAR1") => {
            let name = "a Parquet file".to_owned();
            ForeignFormat { name, remedy: Remedy::DuckDb(format!("COPY (FROM {FILE}) TO {CSV} (HEADER)")) }
        }
        _ if head.starts_with(b"Obj\x01") => {
            python("an Avro file", "fastavro", AVRO, &format!("{FILE} >{CSV}"))
        }
        _ if head.starts_with(b"ORC") && has_control(head) => pandas("an ORC file", "read_orc"),
        _ if head.starts_with(b"ARROW1\0") => pandas("an Arrow file", "read_feather"),
        _ if head.starts_with(b"SQLite format 3\0") => sqlite(head),
        _ if head.get(257..262) == Some(b"ustar") => ForeignFormat::pipe(TAR, format!("tar -xOf {FILE}")),
        _ if head.starts_with(b"\x89PNG") => ForeignFormat::advice("a PNG image", EXPORT),
        _ if head.starts_with(b"%PDF-") => ForeignFormat::advice("a PDF", EXPORT),
        _ if head.starts_with(b"\xFF\xFE\0\0") || head.starts_with(b"\0\0\xFE\xFF") => {
            ForeignFormat::pipe("text in UTF-32", format!("iconv -f UTF-32 -t UTF-8 {FILE}"))
        }
        _ => return None,
    })
}

const EXPORT: &str = "export the table as CSV";

/// Writes the records of an Avro file with the names of the first one.
const AVRO: &str = "import csv, fastavro, sys; rows = list(fastavro.reader(open(sys.argv[1], \"rb\"))); \
                    out = csv.DictWriter(sys.stdout, rows[0]); out.writeheader(); out.writerows(rows)";

/// A command of Python. `package` is one that it needs.
fn python(name: &str, package: &str, script: &str, arguments: &str) -> ForeignFormat {
    let command = format!("python3 -c {} {arguments}", shell_word(script));
    ForeignFormat::command(name, format!("make a CSV of it, with the Python package {package}"), command)
}

fn pandas(name: &str, reader: &str) -> ForeignFormat {
    let script = format!("import pandas, sys; pandas.{reader}(sys.argv[1]).to_csv(sys.argv[2], index=False)");
    python(name, "pandas and pyarrow", &script, &format!("{FILE} {CSV}"))
}

/// Whether a byte after the signature is none of a text.
fn has_control(head: &[u8]) -> bool {
    head.iter().take(64).any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace())
}

/// An archive, or one of the workbooks that are archives, by the names of the first entries.
fn zip(head: &[u8]) -> ForeignFormat {
    let names: Vec<&[u8]> = entry_names(head).collect();
    let has = |prefix: &[u8]| names.iter().any(|name| name.starts_with(prefix));
    let kind = memchr::memmem::find(&head[..head.len().min(256)], b"application/vnd.oasis.opendocument.");
    if names.first() == Some(&&b"mimetype"[..]) && kind.is_some() {
        return spreadsheet("an OpenDocument file", "");
    }
    if has(b"xl/") {
        return spreadsheet("an Excel workbook", "");
    }
    if has(b"word/") || has(b"ppt/") {
        return ForeignFormat::advice("an Office document without a table of rows", EXPORT);
    }
    let files = names.iter().filter(|name| !name.ends_with(b"/") && !name.starts_with(b"__MACOSX"));
    let csv = files.clone().find(|name| name.to_ascii_lowercase().ends_with(b".csv"));
    let entry = csv.or(files.clone().next()).and_then(|name| std::str::from_utf8(name).ok());
    // An entry's name is a pattern to unzip; without it, all entries are one text.
    let is_plain = |name: &&str| !name.contains(['*', '?', '[', '\\']) && !name.starts_with('-');
    let entry = entry.filter(is_plain).map(|name| format!(" {}", shell_word(name))).unwrap_or_default();
    ForeignFormat::pipe("a ZIP archive", format!("unzip -p {FILE}{entry}"))
}

/// The names of an archive's entries that begin in `head`: APPNOTE, 4.3.7.
fn entry_names(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    memchr::memmem::find_iter(head, ZIP_ENTRY).filter_map(|start| {
        let length = head.get(start + 26..start + 28)?;
        let length = usize::from(u16::from_le_bytes([length[0], length[1]]));
        head.get(start + 30..start + 30 + length).filter(|name| !name.is_empty())
    })
}

/// A file of Office before 2007, or an encrypted one of today.
fn old_office(head: &[u8]) -> ForeignFormat {
    let has = |stream: &str| {
        let name: Vec<u8> = stream.encode_utf16().flat_map(u16::to_le_bytes).collect();
        memchr::memmem::find(head, &name).is_some()
    };
    if has("EncryptedPackage") {
        let advice = "open it with its password, and save its sheet as CSV UTF-8";
        return ForeignFormat::advice("an Excel workbook with a password", advice);
    }
    spreadsheet("an Excel 97-2003 workbook", "")
}

fn sqlite(head: &[u8]) -> ForeignFormat {
    // The file's header, 1.3: <https://www.sqlite.org/fileformat.html>.
    let id = head.get(68..72).and_then(|id| id.try_into().ok()).map(i32::from_be_bytes);
    if id == Some(LEDGER_APPLICATION_ID) {
        let command = format!("connect-import status --ledger {FILE}");
        return ForeignFormat::command("a ledger of connect-import", "name it with --ledger", command);
    }
    ForeignFormat::command(
        "an SQLite database",
        "list its tables, and make a CSV of one",
        format!("sqlite3 {FILE} .tables\n  sqlite3 -csv -header {FILE} 'SELECT * FROM \"TABLE\"' >{CSV}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn name(head: &[u8]) -> String {
        of_bytes(head).unwrap().name
    }

    /// The beginning of an archive with these entries.
    fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let entry = |(name, content): &(&str, &[u8])| {
            let length = u16::try_from(name.len()).unwrap().to_le_bytes();
            [ZIP_ENTRY, &[0; 22], &length, &[0; 2], name.as_bytes(), content].concat()
        };
        entries.iter().map(entry).collect::<Vec<_>>().concat()
    }

    #[test]
    fn workbooks_are_told_from_other_archives() {
        let workbook = [("_rels/.rels", &b"x"[..]), ("docProps/app.xml", b""), ("xl/workbook.xml", b"x")];
        assert_eq!(name(&archive(&workbook)), "an Excel workbook");
        let kind = b"application/vnd.oasis.opendocument.spreadsheetPK";
        assert_eq!(name(&archive(&[("mimetype", kind), ("content.xml", b"")])), "an OpenDocument file");
        let command = |entries: &[(&str, &[u8])]| of_bytes(&archive(entries)).unwrap().remedy(None);
        let packed = command(&[("readme.txt", b"a,b"), ("My tickets.CSV", b"1,2"), ("x/", b"")]);
        assert!(packed.contains("unzip -p FILE 'My tickets.CSV' >FILE.csv"), "{packed}");
        assert!(command(&[("t.csv", b""), ("xlsx", b"")]).contains("FILE t.csv >"));
        assert!(command(&[("t[1].csv", b"")]).contains("unzip -p FILE >FILE.csv"));
    }

    #[test]
    fn a_ledger_is_told_from_other_databases() {
        let mut file = b"SQLite format 3\0".to_vec();
        file.resize(100, 0);
        assert_eq!(name(&file), "an SQLite database");
        file[68..72].copy_from_slice(&LEDGER_APPLICATION_ID.to_be_bytes());
        assert_eq!(name(&file), "a ledger of connect-import");
        assert_eq!(name(&file[..16]), "an SQLite database");
    }

    #[test]
    fn texts_are_no_binary_formats() {
        for text in ["", "PK", "id,x\n", "ORCA,ORC\n", "Obj,x\n", "BZ,h\n", "PAR,1\n", "%PDF\n", "ARROW1,x\n"]
        {
            assert_eq!(of_bytes(text.as_bytes()), None, "{text}");
        }
    }
}
