//! Addresses such as `s3://bucket/tickets.csv`, which are no files.

use std::path::Path;

use super::filled;
use crate::paths::uncompressed;
use crate::shell_word::{shell_path, shell_word};

/// Schemes of addresses, with the command that writes an object to standard output and the one that copies it to a
/// file. [`FILE`](super::FILE) is the address, [`CSV`](super::CSV) the copy.
const SCHEMES: [(&str, &str, &str); 8] = [
    ("s3", "aws s3 cp \u{1} -", "aws s3 cp \u{1} \u{2}"),
    ("gs", "gcloud storage cat \u{1}", "gcloud storage cp \u{1} \u{2}"),
    ("https", "curl -fsSL \u{1}", "curl -fsSL -o \u{2} \u{1}"),
    ("http", "curl -fsSL \u{1}", "curl -fsSL -o \u{2} \u{1}"),
    ("ftp", "curl -fsSL \u{1}", "curl -fsSL -o \u{2} \u{1}"),
    ("sftp", "curl -fsSL \u{1}", "curl -fsSL -o \u{2} \u{1}"),
    ("hdfs", "hdfs dfs -cat \u{1}", "hdfs dfs -get \u{1} \u{2}"),
    ("file", "", ""),
];

/// Whether `path` is an address, and no file has that name.
pub fn is_remote(path: &Path) -> bool {
    scheme(path).is_some() && !path.exists()
}

fn scheme(path: &Path) -> Option<(&str, &'static str, &'static str)> {
    let (scheme, rest) = path.to_str()?.split_once("://")?;
    let (_, read, copy) = SCHEMES.into_iter().find(|(known, ..)| scheme.eq_ignore_ascii_case(known))?;
    Some((rest, read, copy))
}

/// The remedy for an address that is given in a file's place; none for a path.
pub(in crate::source) fn remote(path: &Path) -> Option<String> {
    let (rest, read, copy) = scheme(path).filter(|_| is_remote(path))?;
    if copy.is_empty() {
        let own = format!("/{}", rest.trim_start_matches("localhost").trim_start_matches('/'));
        return Some(format!("name the file by its path: {}", shell_path(Path::new(&own))));
    }
    let from = shell_word(path);
    let own = rest.split(['?', '#']).next().unwrap_or_default();
    let name = own.rsplit('/').next().unwrap_or_default();
    if copy.starts_with("aws") && (name.is_empty() || name.contains(['*', '?'])) {
        let folder = path.to_str().unwrap_or_default().rsplit_once('/').map_or("", |(folder, _)| folder);
        let pattern = if name.is_empty() { "*.csv" } else { name };
        return Some(format!(
            "copy the files, and name them:\n  aws s3 cp --recursive {} . --exclude '*' --include {}",
            shell_word(format!("{folder}/")),
            shell_word(pattern)
        ));
    }
    let to = if name.is_empty() { "tickets.csv" } else { name };
    let ledger = uncompressed(Path::new(to)).with_extension("ledger.db");
    Some(format!(
        "copy it to a file, or pipe it in, with --job FILE instead of --ledger if you have a job file:\n\
            \x20 {}\n  {} | connect-import run - --ledger {}",
        filled(copy, &from, &shell_path(Path::new(to))),
        filled(read, &from, ""),
        shell_path(&ledger)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_copied_or_piped_in() {
        let remedy = |address: &str| remote(Path::new(address)).unwrap();
        assert_eq!(
            remedy("s3://bucket/a b/tickets.csv.gz"),
            "copy it to a file, or pipe it in, with --job FILE instead of --ledger if you have a job file:\n\
            \x20 aws s3 cp 's3://bucket/a b/tickets.csv.gz' tickets.csv.gz\n  aws s3 cp \
             's3://bucket/a b/tickets.csv.gz' - | connect-import run - --ledger tickets.ledger.db"
        );
        assert_eq!(
            remedy("HTTPS://example.org/t.csv?key=1&x=2"),
            "copy it to a file, or pipe it in, with --job FILE instead of --ledger if you have a job file:\n\
            \x20 curl -fsSL -o t.csv 'HTTPS://example.org/t.csv?key=1&x=2'\n  curl -fsSL \
             'HTTPS://example.org/t.csv?key=1&x=2' | connect-import run - --ledger t.ledger.db"
        );
        assert_eq!(
            remedy("s3://bucket/2024/t-*.csv"),
            "copy the files, and name them:\n  aws s3 cp --recursive s3://bucket/2024/ . --exclude '*' --include 't-*.csv'"
        );
        assert!(remedy("s3://bucket/2024/").ends_with("--include '*.csv'"));
        assert_eq!(remedy("file:///tmp/a b.csv"), "name the file by its path: '/tmp/a b.csv'");
    }

    #[test]
    fn other_paths_are_files() {
        for path in ["t.csv", "C://t.csv", "s3:/t.csv", "x/s3://t", "://", ""] {
            assert_eq!(remote(Path::new(path)), None, "{path}");
        }
    }
}
