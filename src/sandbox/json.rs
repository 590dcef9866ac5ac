//! A request body as a JSON object whose members are read by their types. Pure.
//!
//! As restJson1 asks, unknown members are ignored and a null is a member left out. A member of the wrong type
//! is refused by its path; its value is never repeated.

use serde_json::{Map, Value};

use super::api_error::{ApiError, ErrorCode};

/// A string map or a map of structures, in the order of the body.
pub(super) type Entries<'a, T> = Vec<(&'a str, T)>;

/// Decodes a body as a JSON object and removes every null.
///
/// # Errors
///
/// `SerializationException` if the body is not a JSON object, or is nested deeper than 127 levels.
pub(super) fn decode(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let mut body = serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        undecodable(format!("the body is not valid JSON at line {line} column {column}"))
    })?;
    remove_nulls(&mut body);
    match body {
        Value::Object(members) => Ok(members),
        _ => Err(undecodable("the body is not a JSON object")),
    }
}

/// A JSON object and its path in the body.
pub(super) struct JsonObject<'a> {
    members: &'a Map<String, Value>,
    path: String,
}

impl<'a> JsonObject<'a> {
    /// The body itself.
    pub(super) fn body(members: &'a Map<String, Value>) -> JsonObject<'a> {
        JsonObject { members, path: String::new() }
    }

    pub(super) fn text(&self, member: &str) -> Result<Option<&'a str>, ApiError> {
        self.typed(member, "a string", Value::as_str)
    }

    pub(super) fn integer(&self, member: &str) -> Result<Option<i32>, ApiError> {
        self.typed(member, "a 32-bit integer", |value| i32::try_from(value.as_i64()?).ok())
    }

    pub(super) fn number(&self, member: &str) -> Result<Option<f64>, ApiError> {
        self.typed(member, "a number", Value::as_f64)
    }

    pub(super) fn object(&self, member: &str) -> Result<Option<JsonObject<'a>>, ApiError> {
        let path = path(&self.path, member);
        self.typed(member, "an object", |value| Some(JsonObject { members: value.as_object()?, path }))
    }

    /// Reads a list of objects; each has the path of the list.
    pub(super) fn objects<T>(
        &self,
        member: &str,
        read: impl Fn(&JsonObject<'a>) -> Result<T, ApiError>,
    ) -> Result<Option<Vec<T>>, ApiError> {
        let items = self.typed(member, "a list of objects", |value| {
            value.as_array()?.iter().map(Value::as_object).collect::<Option<Vec<_>>>()
        })?;
        let path = path(&self.path, member);
        let read = |members: &'a Map<String, Value>| read(&JsonObject { members, path: path.clone() });
        items.map(|items| items.into_iter().map(read).collect()).transpose()
    }

    /// Reads a member that is a map; one that is left out has no entries.
    pub(super) fn map<T>(
        &self,
        member: &str,
        read: impl Fn(&JsonObject<'a>, &str) -> Result<Option<T>, ApiError>,
    ) -> Result<Entries<'a, T>, ApiError> {
        self.object(member)?.map_or(Ok(Vec::new()), |map| map.entries(read))
    }

    /// Reads this object as a map.
    pub(super) fn entries<T>(
        &self,
        read: impl Fn(&JsonObject<'a>, &str) -> Result<Option<T>, ApiError>,
    ) -> Result<Entries<'a, T>, ApiError> {
        let entries = self.members.keys().map(|key| Ok(read(self, key)?.map(|value| (key.as_str(), value))));
        entries.filter_map(Result::transpose).collect()
    }

    fn typed<T>(
        &self,
        member: &str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        let mistyped = || undecodable(format!("{} must be {expected}", path(&self.path, member)));
        self.members.get(member).map(|value| read(value).ok_or_else(mistyped)).transpose()
    }
}

/// The path of a member or of a map's key. A long or unprintable key is shown as `*`: it is data of the
/// client, which messages do not repeat.
pub(super) fn path(parent: &str, member: &str) -> String {
    let is_plain = member.len() <= 128 && member.bytes().all(|byte| byte.is_ascii_graphic());
    let member = if is_plain { member } else { "*" };
    if parent.is_empty() { member.to_owned() } else { format!("{parent}.{member}") }
}

fn undecodable(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::Serialization, message)
}

/// Removes the members that are null, at any depth.
fn remove_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, value| !value.is_null());
            members.values_mut().for_each(remove_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_not_a_json_object_is_undecodable() {
        for body in ["", "{", "[]", "\"x\"", "{\"a\":1,}", "\u{feff}{}"] {
            let error = decode(body.as_bytes()).unwrap_err();
            assert_eq!(error.code, ErrorCode::Serialization, "{body}");
        }
    }

    #[test]
    fn a_body_nested_without_limit_is_undecodable() {
        let deep = format!("{}{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
        assert_eq!(decode(deep.as_bytes()).unwrap_err().code, ErrorCode::Serialization);
    }

    #[test]
    fn a_number_may_have_a_fraction_and_an_integer_may_not() {
        let members = decode(br#"{"a": 1700000000, "b": 1700000000.25, "c": 4294967296}"#).unwrap();
        let body = JsonObject::body(&members);
        assert_eq!(body.number("a").unwrap(), Some(1_700_000_000.0));
        assert_eq!(body.number("b").unwrap(), Some(1_700_000_000.25));
        assert_eq!(body.integer("a").unwrap(), Some(1_700_000_000));
        for member in ["b", "c"] {
            let error = body.integer(member).unwrap_err();
            assert_eq!(error.message, format!("{member} must be a 32-bit integer"));
        }
    }
}
