//! The state file: JSON Lines, one contact a line, appended before its answer leaves.
//!
//! A line is `{"digest":"…","contact":{…}}`: the request's digest in hex and the contact as
//! `GET /_sandbox/contacts` shows it, client token and contact id among its members. The contact of
//! any operation but `CreateContact` has `"operation":"…"` before it: outside, where no member that
//! a client sent can be taken for it, and left out for the one operation that older files know. A
//! line is handed to the operating system whole, so it outlives the process, if not a power cut.

use std::fmt::Write as _;
use std::fs::{File, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::SandboxError;
use super::model::{Contact, Digest};
use super::operation::Creation;
use crate::permissions::private;

/// How every line begins.
const START: &[u8] = br#"{"digest":""#;

/// Longer than any line a body of 1 MiB can become, in bytes: what exceeds it is another file.
const LONGEST_LINE: u64 = 8 * 1024 * 1024;

#[derive(Deserialize)]
struct Line {
    digest: String,
    operation: Option<String>,
    contact: Map<String, Value>,
}

/// An open state file, which no other sandbox can open meanwhile.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    path: PathBuf,
    /// Up to here the file is whole lines.
    length: u64,
}

impl Journal {
    /// Opens the file, made readable by its owner only if it is new, and hands every contact in it
    /// to `each`. A torn last line, the trace of a process that died while writing, is cut off:
    /// its request was never answered.
    pub(super) fn open(path: &Path, each: impl FnMut(Contact)) -> Result<Journal, SandboxError> {
        let unopened = |source| SandboxError::StateOpen { path: path.to_owned(), source };
        let file = private().read(true).append(true).create(true).open(path).map_err(unopened)?;
        if !file.metadata().map_err(unopened)?.is_file() {
            return Err(unopened(io::Error::other("it is not a regular file")));
        }
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => SandboxError::StateInUse { path: path.to_owned() },
            TryLockError::Error(source) => unopened(source),
        })?;
        let length = match load(&file, each).map_err(unopened)? {
            Loaded::Whole(length) => length,
            Loaded::Torn(length) => {
                file.set_len(length).map_err(unopened)?;
                length
            }
            Loaded::Foreign(line) => {
                return Err(SandboxError::NotAState { path: path.to_owned(), line });
            }
        };
        Ok(Journal { file, path: path.to_owned(), length })
    }

    /// Writes a contact down.
    ///
    /// # Errors
    ///
    /// [`SandboxError::StateWrite`]; the file then holds nothing of the contact, unless cutting
    /// it off failed too, in which case the next start does that.
    pub(super) fn append(&mut self, contact: &Contact) -> Result<(), SandboxError> {
        let line = line_of(contact);
        match self.file.write_all(line.as_bytes()) {
            Ok(()) => {
                self.length += line.len() as u64;
                Ok(())
            }
            Err(source) => {
                let _ = self.file.set_len(self.length);
                Err(SandboxError::StateWrite { path: self.path.clone(), source })
            }
        }
    }
}

#[cfg(test)]
impl Journal {
    /// From here on every write fails.
    pub(super) fn spoil(&mut self) {
        self.file = File::open(&self.path).unwrap();
    }
}

/// What a file turned out to hold.
enum Loaded {
    /// This many bytes of whole lines.
    Whole(u64),
    /// This many bytes of whole lines, then the beginning of another.
    Torn(u64),
    /// Something else in this line, counted from 1.
    Foreign(u64),
}

fn load(file: &File, mut each: impl FnMut(Contact)) -> io::Result<Loaded> {
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
            // Only what can be the beginning of a line of ours may be cut off.
            let ours = line.starts_with(START) || START.starts_with(&line);
            return Ok(if ours && read < LONGEST_LINE {
                Loaded::Torn(length)
            } else {
                Loaded::Foreign(number)
            });
        }
        match contact_of(&line) {
            Some(contact) => each(contact),
            None => return Ok(Loaded::Foreign(number)),
        }
        length += read;
    }
    Ok(Loaded::Whole(length))
}

fn line_of(contact: &Contact) -> String {
    let mut line = String::with_capacity(contact.document().len() + 100);
    line.push_str(r#"{"digest":""#);
    for byte in contact.digest() {
        // Writing to a string does not fail.
        let _ = write!(line, "{byte:02x}");
    }
    line.push('"');
    if contact.creation() != Creation::CreateContact {
        let _ = write!(line, r#","operation":"{}""#, contact.creation().name());
    }
    line.push_str(r#","contact":"#);
    line.push_str(contact.document());
    line.push_str("}\n");
    line
}

fn contact_of(line: &[u8]) -> Option<Contact> {
    let line: Line = serde_json::from_slice(line).ok()?;
    let creation = match line.operation {
        Some(name) => Creation::named(&name)?,
        None => Creation::CreateContact,
    };
    Contact::restore(creation, line.contact, unhex(&line.digest)?)
}

fn unhex(text: &str) -> Option<Digest> {
    let mut digest = Digest::default();
    if text.len() != 2 * digest.len() {
        return None;
    }
    for (index, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn contact(id: &str) -> Contact {
        made_by(Creation::CreateContact, id)
    }

    fn made_by(creation: Creation, id: &str) -> Contact {
        let document = json!({
            "ContactId": id, "ContactArn": format!("arn/{id}"), "InstanceId": "i",
            "InitiationTimestamp": 1_700_000_000.25, "ClientToken": format!("token {id}"), "Name": "zwei\nZeilen — ü",
        });
        let Value::Object(document) = document else { unreachable!() };
        Contact::restore(creation, document, [0xab; 32]).unwrap()
    }

    fn opened(path: &Path) -> (Journal, Vec<Contact>) {
        let mut contacts = Vec::new();
        let journal = Journal::open(path, |contact| contacts.push(contact)).unwrap();
        (journal, contacts)
    }

    fn written(path: &Path, ids: &[&str]) {
        let (mut journal, _) = opened(path);
        for id in ids {
            journal.append(&contact(id)).unwrap();
        }
    }

    fn ids(contacts: &[Contact]) -> Vec<String> {
        let ids = contacts.iter().map(|contact| contact.created().id);
        ids.collect()
    }

    #[test]
    fn what_was_written_is_read_again_to_the_letter() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        written(&path, &["a", "b"]);
        written(&path, &["c"]);
        let (_, contacts) = opened(&path);
        assert_eq!(ids(&contacts), ["a", "b", "c"]);
        assert_eq!(contacts[0].document(), contact("a").document());
        assert_eq!(contacts[0].digest(), contact("a").digest());
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3);
    }

    #[test]
    fn a_line_says_which_operation_made_its_contact() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let (mut journal, _) = opened(&path);
        for creation in Creation::ALL {
            journal.append(&made_by(creation, "a")).unwrap();
        }
        drop(journal);
        let (_, contacts) = opened(&path);
        let creations: Vec<Creation> = contacts.iter().map(Contact::creation).collect();
        assert_eq!(creations, Creation::ALL);
    }

    #[test]
    fn a_line_from_before_there_were_two_operations_is_create_contacts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let digest = "ab".repeat(32);
        let line = format!(
            "{{\"digest\":\"{digest}\",\"contact\":{{\"ContactId\":\"a\",\"ContactArn\":\"arn\",\
             \"InitiationTimestamp\":1700000000.25,\"InstanceId\":\"i\",\"Operation\":\"StartTaskContact\"}}}}\n"
        );
        fs::write(&path, &line).unwrap();
        let (_, contacts) = opened(&path);
        assert_eq!(contacts[0].creation(), Creation::CreateContact);
        // And it is still written so.
        assert_eq!(line_of(&contacts[0]), line);
    }

    #[test]
    fn a_line_torn_at_any_byte_is_cut_off_and_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        written(&path, &["a"]);
        let whole = fs::read(&path).unwrap();
        let next = line_of(&made_by(Creation::StartTaskContact, "b"));
        for length in 1..next.len() {
            let torn = [&whole, &next.as_bytes()[..length]].concat();
            fs::write(&path, torn).unwrap();
            let (mut journal, contacts) = opened(&path);
            assert_eq!(ids(&contacts), ["a"], "torn after {length} bytes");
            assert_eq!(fs::read(&path).unwrap(), whole);
            journal.append(&contact("c")).unwrap();
            drop(journal);
            assert_eq!(ids(&opened(&path).1), ["a", "c"]);
        }
    }

    #[test]
    fn a_file_that_holds_something_else_is_left_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes");
        let mut mixed = line_of(&contact("a"));
        mixed.push_str("{\"digest\":\"00\",\"contact\":{}}\n");
        let unknown = line_of(&made_by(Creation::StartTaskContact, "a")).replace("StartTask", "Stop");
        for (text, line) in [
            ("my notes", 1),
            ("my notes\n", 1),
            ("{\"a\": 1}", 1),
            ("\n", 1),
            (mixed.as_str(), 2),
            (unknown.as_str(), 1),
        ] {
            fs::write(&path, text).unwrap();
            let error = Journal::open(&path, drop).unwrap_err();
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
        let (journal, _) = opened(&path);
        let error = Journal::open(&path, drop).unwrap_err();
        assert!(matches!(error, SandboxError::StateInUse { .. }), "{error}");
        drop(journal);
        opened(&path);
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("none/state")] {
            let error = Journal::open(&path, drop).unwrap_err();
            assert!(matches!(error, SandboxError::StateOpen { .. }), "{error}");
            assert!(error.to_string().contains(path.to_str().unwrap()));
        }
    }

    #[test]
    fn a_failed_write_is_an_error_with_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let (mut journal, _) = opened(&path);
        journal.spoil();
        let error = journal.append(&contact("a")).unwrap_err();
        assert!(matches!(error, SandboxError::StateWrite { .. }), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()));
    }

    #[cfg(unix)]
    #[test]
    fn a_new_state_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        opened(&path);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
