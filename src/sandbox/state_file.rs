//! The state file: JSON Lines, one contact a line, appended before its response is sent.
//!
//! A line is `{"digest":"…","operation":"…","contact":{…}}`: the digest of the request in hexadecimal, the
//! operation that created the contact, and the contact as `GET /_sandbox/contacts` shows it. The operation is
//! outside of the contact, where no member of a client's request can replace it. Each line is one write, so
//! it survives the process, but not a power failure.

use std::fs::{File, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::contact::{Hash128, StoredContact};
use super::error::SandboxError;
use super::operation::CreateOperation;
use crate::permissions::private;

/// The beginning of every line of a state file.
pub const STATE_LINE_START: &[u8] = br#"{"digest":""#;

/// Maximum length of a line in bytes, more than a body of 1 MiB can become. A longer line is not one of a
/// state file.
const LONGEST_LINE: u64 = 8 * 1024 * 1024;

#[derive(Deserialize)]
struct StateLine {
    digest: String,
    operation: String,
    contact: Map<String, Value>,
}

/// An open and locked state file.
#[derive(Debug)]
pub(super) struct StateFile {
    file: File,
    path: PathBuf,
    /// The number of bytes in complete lines.
    length: u64,
}

impl StateFile {
    /// Opens the file and passes every contact in it to `each`. A new file is readable by its owner only. An
    /// incomplete last line, left by a process that died while writing, is removed: its request got no
    /// response.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::StateOpen`]: the file cannot be opened or read, or is not a regular file.
    /// - [`SandboxError::StateInUse`]: another sandbox has it open.
    /// - [`SandboxError::NotAState`]: a line is not one of a state file. The file is left unchanged.
    pub(super) fn open(path: &Path, each: impl FnMut(StoredContact)) -> Result<StateFile, SandboxError> {
        let open_error = |source| SandboxError::StateOpen { path: path.to_owned(), source };
        let file = private().read(true).append(true).create(true).open(path).map_err(open_error)?;
        if !file.metadata().map_err(open_error)?.is_file() {
            return Err(open_error(io::Error::other("it is not a regular file")));
        }
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => SandboxError::StateInUse { path: path.to_owned() },
            TryLockError::Error(source) => open_error(source),
        })?;
        let not_a_state = |ForeignLine(line)| SandboxError::NotAState { path: path.to_owned(), line };
        let length = load(&file, each).map_err(open_error)?.map_err(not_a_state)?;
        file.set_len(length).map_err(open_error)?;
        Ok(StateFile { file, path: path.to_owned(), length })
    }

    /// Appends a contact.
    ///
    /// # Errors
    ///
    /// [`SandboxError::StateWrite`]. The line is then removed; if that fails too, the next start removes it.
    pub(super) fn append(&mut self, contact: &StoredContact) -> Result<(), SandboxError> {
        let line = format_line(contact);
        if let Err(source) = self.file.write_all(line.as_bytes()) {
            let _ = self.file.set_len(self.length);
            return Err(SandboxError::StateWrite { path: self.path.clone(), source });
        }
        self.length += line.len() as u64;
        Ok(())
    }

    /// Makes every further write fail.
    #[cfg(test)]
    pub(super) fn break_writes(&mut self) {
        self.file = File::open(&self.path).unwrap();
    }
}

/// The number of the first line that is not one of a state file, counted from 1.
struct ForeignLine(u64);

/// Passes every contact in the file to `each`, and returns the number of bytes in complete lines.
fn load(file: &File, mut each: impl FnMut(StoredContact)) -> io::Result<Result<u64, ForeignLine>> {
    let mut reader = BufReader::new(file);
    let mut length = 0;
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? as u64;
        if read == 0 {
            break;
        }
        if line.last() != Some(&b'\n') {
            // Only the beginning of a line of a state file may be removed.
            let is_beginning = line.starts_with(STATE_LINE_START) || STATE_LINE_START.starts_with(&line);
            let is_torn = is_beginning && read < LONGEST_LINE;
            return Ok(if is_torn { Ok(length) } else { Err(ForeignLine(number)) });
        }
        match parse_line(&line) {
            Some(contact) => each(contact),
            None => return Ok(Err(ForeignLine(number))),
        }
        length += read;
    }
    Ok(Ok(length))
}

fn format_line(contact: &StoredContact) -> String {
    let (digest, operation, document) = (contact.digest, contact.operation.name(), &contact.document);
    format!("{{\"digest\":\"{digest:032x}\",\"operation\":\"{operation}\",\"contact\":{document}}}\n")
}

fn parse_line(line: &[u8]) -> Option<StoredContact> {
    let line: StateLine = serde_json::from_slice(line).ok()?;
    let operation = CreateOperation::from_name(&line.operation)?;
    let digest = Hash128::from_str_radix(&line.digest, 16).ok().filter(|_| line.digest.len() == 32)?;
    StoredContact::restore(operation, line.contact, digest)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn contact(id: &str) -> StoredContact {
        contact_of(CreateOperation::CreateContact, id)
    }

    fn contact_of(operation: CreateOperation, id: &str) -> StoredContact {
        let document = json!({
            "ContactId": id, "ContactArn": format!("arn/{id}"), "InstanceId": "i",
            "InitiationTimestamp": 1_700_000_000.25, "ClientToken": format!("token {id}"), "Name": "zwei\nZeilen — ü",
        });
        let Value::Object(document) = document else { unreachable!() };
        StoredContact::restore(operation, document, 0xab).unwrap()
    }

    fn open(path: &Path) -> (StateFile, Vec<StoredContact>) {
        let mut contacts = Vec::new();
        let file = StateFile::open(path, |contact| contacts.push(contact)).unwrap();
        (file, contacts)
    }

    fn write(path: &Path, ids: &[&str]) {
        let (mut file, _) = open(path);
        for id in ids {
            file.append(&contact(id)).unwrap();
        }
    }

    fn ids(contacts: &[StoredContact]) -> Vec<String> {
        let ids = contacts.iter().map(|contact| contact.id.to_string());
        ids.collect()
    }

    #[test]
    fn contacts_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        write(&path, &["a", "b"]);
        write(&path, &["c"]);
        let (_, contacts) = open(&path);
        assert_eq!(ids(&contacts), ["a", "b", "c"]);
        assert_eq!(contacts[0].document, contact("a").document);
        assert_eq!(contacts[0].digest, contact("a").digest);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3);
    }

    #[test]
    fn a_line_has_the_operation_of_its_contact() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let (mut file, _) = open(&path);
        for operation in CreateOperation::ALL {
            file.append(&contact_of(operation, "a")).unwrap();
        }
        drop(file);
        let (_, contacts) = open(&path);
        let operations: Vec<CreateOperation> = contacts.iter().map(|contact| contact.operation).collect();
        assert_eq!(operations, CreateOperation::ALL);
    }

    #[test]
    fn a_line_torn_at_any_byte_is_removed_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        write(&path, &["a"]);
        let whole = fs::read(&path).unwrap();
        let next = format_line(&contact_of(CreateOperation::StartTaskContact, "b"));
        for length in 1..next.len() {
            let torn = [&whole, &next.as_bytes()[..length]].concat();
            fs::write(&path, torn).unwrap();
            let (mut file, contacts) = open(&path);
            assert_eq!(ids(&contacts), ["a"], "torn after {length} bytes");
            assert_eq!(fs::read(&path).unwrap(), whole);
            file.append(&contact("c")).unwrap();
            drop(file);
            assert_eq!(ids(&open(&path).1), ["a", "c"]);
        }
    }

    #[test]
    fn a_file_that_is_not_a_state_file_is_left_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes");
        let mut mixed = format_line(&contact("a"));
        mixed.push_str("{\"digest\":\"00\",\"contact\":{}}\n");
        let unknown =
            format_line(&contact_of(CreateOperation::StartTaskContact, "a")).replace("StartTask", "Stop");
        for (text, line) in [
            ("my notes", 1),
            ("my notes\n", 1),
            ("{\"a\": 1}", 1),
            ("\n", 1),
            (mixed.as_str(), 2),
            (unknown.as_str(), 1),
        ] {
            fs::write(&path, text).unwrap();
            let error = StateFile::open(&path, drop).unwrap_err();
            assert!(
                matches!(&error, SandboxError::NotAState { line: found, .. } if *found == line),
                "{text:?}: {error}"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn a_state_file_is_opened_by_one_sandbox_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let (file, _) = open(&path);
        let error = StateFile::open(&path, drop).unwrap_err();
        assert!(matches!(error, SandboxError::StateInUse { .. }), "{error}");
        drop(file);
        open(&path);
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("none/state")] {
            let error = StateFile::open(&path, drop).unwrap_err();
            assert!(matches!(error, SandboxError::StateOpen { .. }), "{error}");
            assert!(error.to_string().contains(path.to_str().unwrap()));
        }
    }

    #[test]
    fn a_failed_write_is_an_error_with_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let (mut file, _) = open(&path);
        file.break_writes();
        let error = file.append(&contact("a")).unwrap_err();
        assert!(matches!(error, SandboxError::StateWrite { .. }), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()));
    }

    #[cfg(unix)]
    #[test]
    fn a_new_state_file_is_readable_by_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        open(&path);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
