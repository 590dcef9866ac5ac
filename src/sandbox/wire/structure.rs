//! How members are read out of a JSON object by their type.

use serde_json::{Map, Value};

use super::Entries;
use crate::sandbox::refusal::{Code, Refusal};

/// A JSON object and where it stands in the body.
pub(super) struct Structure<'a> {
    members: &'a Map<String, Value>,
    path: String,
}

impl<'a> Structure<'a> {
    /// The body itself.
    pub(super) fn top(members: &'a Map<String, Value>) -> Structure<'a> {
        Structure { members, path: String::new() }
    }

    pub(super) fn text(&self, member: &str) -> Result<Option<&'a str>, Refusal> {
        match self.members.get(member) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.mistyped(member, "a string")),
        }
    }

    pub(super) fn integer(&self, member: &str) -> Result<Option<i32>, Refusal> {
        match self.members.get(member) {
            None => Ok(None),
            Some(value) => match value.as_i64().map(i32::try_from) {
                Some(Ok(integer)) => Ok(Some(integer)),
                Some(Err(_)) | None => Err(self.mistyped(member, "a 32-bit integer")),
            },
        }
    }

    pub(super) fn number(&self, member: &str) -> Result<Option<f64>, Refusal> {
        match self.members.get(member) {
            None => Ok(None),
            Some(value) => match value.as_f64() {
                Some(number) => Ok(Some(number)),
                None => Err(self.mistyped(member, "a number")),
            },
        }
    }

    pub(super) fn structure(&self, member: &str) -> Result<Option<Structure<'a>>, Refusal> {
        match self.members.get(member) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(Structure { members, path: self.path_of(member) })),
            Some(_) => Err(self.mistyped(member, "an object")),
        }
    }

    pub(super) fn list(&self, member: &str) -> Result<Option<Vec<Structure<'a>>>, Refusal> {
        let items = match self.members.get(member) {
            None => return Ok(None),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(self.mistyped(member, "a list")),
        };
        let path = self.path_of(member);
        let structures = items.iter().map(|item| match item.as_object() {
            Some(members) => Ok(Structure { members, path: path.clone() }),
            None => Err(self.mistyped(member, "a list of objects")),
        });
        structures.collect::<Result<_, _>>().map(Some)
    }

    pub(super) fn texts(&self, member: &str) -> Result<Option<Vec<&'a str>>, Refusal> {
        let items = match self.members.get(member) {
            None => return Ok(None),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(self.mistyped(member, "a list of strings")),
        };
        match items.iter().map(Value::as_str).collect() {
            Some(texts) => Ok(Some(texts)),
            None => Err(self.mistyped(member, "a list of strings")),
        }
    }

    /// The path of the first member that is none of these.
    pub(super) fn beside(&self, known: &[&str]) -> Option<String> {
        let member = self.members.keys().find(|member| !known.contains(&member.as_str()))?;
        Some(self.path_of(member))
    }

    /// Reads a member that is a map; one that is left out has no entries.
    pub(super) fn map<T>(
        &self,
        member: &str,
        read: impl Fn(&Structure<'a>, &str) -> Result<Option<T>, Refusal>,
    ) -> Result<Entries<'a, T>, Refusal> {
        match self.structure(member)? {
            Some(map) => map.entries(read),
            None => Ok(Vec::new()),
        }
    }

    /// Reads this object as a map.
    pub(super) fn entries<T>(
        &self,
        read: impl Fn(&Structure<'a>, &str) -> Result<Option<T>, Refusal>,
    ) -> Result<Entries<'a, T>, Refusal> {
        let mut entries = Vec::with_capacity(self.members.len());
        for key in self.members.keys() {
            if let Some(value) = read(self, key)? {
                entries.push((key.as_str(), value));
            }
        }
        Ok(entries)
    }

    fn path_of(&self, member: &str) -> String {
        path(&self.path, member)
    }

    fn mistyped(&self, member: &str, expected: &str) -> Refusal {
        undecodable(format!("{} must be {expected}", self.path_of(member)))
    }
}

/// The path of a member or of a map's key. A key that is long or unprintable is shown as `*`: it
/// is the sender's data, and a message is no place for it.
pub(in crate::sandbox) fn path(parent: &str, member: &str) -> String {
    let plain = member.len() <= 128 && member.bytes().all(|byte| byte.is_ascii_graphic());
    let member = if plain { member } else { "*" };
    if parent.is_empty() { member.to_owned() } else { format!("{parent}.{member}") }
}

pub(super) fn undecodable(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::Serialization, message)
}
