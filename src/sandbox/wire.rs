//! restJson1, as the service reads it: JSON to a typed `CreateContact`. Pure.
//!
//! As the protocol asks, members nobody knows are ignored and a null is a member left out. A
//! member of the wrong type is refused by its path; its value is never repeated.

use serde_json::{Map, Value};

use super::refusal::{Code, Refusal};

/// A string map or a map of structures, in the order of the body.
pub(super) type Entries<'a, T> = Vec<(&'a str, T)>;

/// The members of `CreateContact` (service model, connect, 2017-08-08). Types are right; nothing
/// else is checked yet, not even that required members are there.
#[derive(Debug, Default)]
pub(super) struct CreateContact<'a> {
    pub(super) instance_id: Option<&'a str>,
    pub(super) client_token: Option<&'a str>,
    pub(super) channel: Option<&'a str>,
    pub(super) initiation_method: Option<&'a str>,
    pub(super) initiate_as: Option<&'a str>,
    pub(super) name: Option<&'a str>,
    pub(super) description: Option<&'a str>,
    pub(super) related_contact_id: Option<&'a str>,
    pub(super) previous_contact_id: Option<&'a str>,
    pub(super) user_id: Option<&'a str>,
    pub(super) attributes: Entries<'a, &'a str>,
    pub(super) references: Entries<'a, Reference<'a>>,
    pub(super) segment_attributes: Entries<'a, SegmentValue<'a>>,
}

/// A value of `References`.
#[derive(Debug, Default)]
pub(super) struct Reference<'a> {
    pub(super) kind: Option<&'a str>,
    pub(super) value: Option<&'a str>,
    pub(super) arn: Option<&'a str>,
    pub(super) status_reason: Option<&'a str>,
}

/// A value of `SegmentAttributes`: a structure of which one member is to be set.
#[derive(Debug, Default)]
pub(super) struct SegmentValue<'a> {
    pub(super) string: Option<&'a str>,
    pub(super) integer: Option<i32>,
    pub(super) map: Option<Entries<'a, SegmentValue<'a>>>,
    pub(super) list: Option<Vec<SegmentValue<'a>>>,
    pub(super) arn: Option<&'a str>,
}

/// A body as a JSON object, with every null left out.
///
/// # Errors
///
/// `SerializationException` if it is none, or nested deeper than 127 levels.
pub(super) fn decode(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(mut members)) => {
            without_nulls(&mut members);
            Ok(members)
        }
        Ok(_) => Err(undecodable("the body is not a JSON object")),
        Err(error) => Err(undecodable(format!(
            "the body is not valid JSON at line {} column {}",
            error.line(),
            error.column()
        ))),
    }
}

impl<'a> CreateContact<'a> {
    /// Reads the members out of a decoded body.
    ///
    /// # Errors
    ///
    /// `SerializationException` for the first member of the wrong type.
    pub(super) fn read(members: &'a Map<String, Value>) -> Result<CreateContact<'a>, Refusal> {
        let top = Structure { members, path: String::new() };
        // Checked for its type alone: no range is documented.
        top.integer("ExpiryDurationInMinutes")?;
        Ok(CreateContact {
            instance_id: top.text("InstanceId")?,
            client_token: top.text("ClientToken")?,
            channel: top.text("Channel")?,
            initiation_method: top.text("InitiationMethod")?,
            initiate_as: top.text("InitiateAs")?,
            name: top.text("Name")?,
            description: top.text("Description")?,
            related_contact_id: top.text("RelatedContactId")?,
            previous_contact_id: top.text("PreviousContactId")?,
            user_id: match top.structure("UserInfo")? {
                Some(info) => info.text("UserId")?,
                None => None,
            },
            attributes: match top.structure("Attributes")? {
                Some(attributes) => attributes.entries(Structure::text)?,
                None => Vec::new(),
            },
            references: match top.structure("References")? {
                Some(references) => references.entries(Reference::read)?,
                None => Vec::new(),
            },
            segment_attributes: match top.structure("SegmentAttributes")? {
                Some(segment) => segment.entries(SegmentValue::entry)?,
                None => Vec::new(),
            },
        })
    }
}

impl<'a> Reference<'a> {
    fn read(parent: &Structure<'a>, key: &str) -> Result<Option<Reference<'a>>, Refusal> {
        let Some(this) = parent.structure(key)? else {
            return Ok(None);
        };
        this.text("Status")?;
        Ok(Some(Reference {
            kind: this.text("Type")?,
            value: this.text("Value")?,
            arn: this.text("Arn")?,
            status_reason: this.text("StatusReason")?,
        }))
    }
}

impl<'a> SegmentValue<'a> {
    fn entry(parent: &Structure<'a>, key: &str) -> Result<Option<SegmentValue<'a>>, Refusal> {
        parent.structure(key)?.map(|this| SegmentValue::read(&this)).transpose()
    }

    /// Calls itself for maps and lists, as deep as `decode` let the body be.
    fn read(this: &Structure<'a>) -> Result<SegmentValue<'a>, Refusal> {
        let map = this.structure("ValueMap")?;
        let list = this.list("ValueList")?;
        Ok(SegmentValue {
            string: this.text("ValueString")?,
            integer: this.integer("ValueInteger")?,
            map: map.map(|map| map.entries(SegmentValue::entry)).transpose()?,
            list: list.map(|items| items.iter().map(SegmentValue::read).collect()).transpose()?,
            arn: this.text("ValueArn")?,
        })
    }
}

/// A JSON object and where it stands in the body.
struct Structure<'a> {
    members: &'a Map<String, Value>,
    path: String,
}

impl<'a> Structure<'a> {
    fn text(&self, member: &str) -> Result<Option<&'a str>, Refusal> {
        match self.members.get(member) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.mistyped(member, "a string")),
        }
    }

    fn integer(&self, member: &str) -> Result<Option<i32>, Refusal> {
        match self.members.get(member) {
            None => Ok(None),
            Some(value) => match value.as_i64().map(i32::try_from) {
                Some(Ok(integer)) => Ok(Some(integer)),
                Some(Err(_)) | None => Err(self.mistyped(member, "a 32-bit integer")),
            },
        }
    }

    fn structure(&self, member: &str) -> Result<Option<Structure<'a>>, Refusal> {
        match self.members.get(member) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(Structure { members, path: self.path_of(member) })),
            Some(_) => Err(self.mistyped(member, "an object")),
        }
    }

    fn list(&self, member: &str) -> Result<Option<Vec<Structure<'a>>>, Refusal> {
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

    /// Reads this object as a map.
    fn entries<T>(
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
pub(super) fn path(parent: &str, member: &str) -> String {
    let plain = member.len() <= 128 && member.bytes().all(|byte| byte.is_ascii_graphic());
    let member = if plain { member } else { "*" };
    if parent.is_empty() { member.to_owned() } else { format!("{parent}.{member}") }
}

fn undecodable(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::Serialization, message)
}

fn without_nulls(members: &mut Map<String, Value>) {
    members.retain(|_, value| !value.is_null());
    for value in members.values_mut() {
        clean(value);
    }
}

fn clean(value: &mut Value) {
    match value {
        Value::Object(members) => without_nulls(members),
        Value::Array(items) => items.iter_mut().for_each(clean),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal_of(body: &Value) -> Refusal {
        let members = decode(body.to_string().as_bytes()).unwrap();
        CreateContact::read(&members).unwrap_err()
    }

    #[test]
    fn a_body_that_is_no_json_object_is_undecodable() {
        for body in ["", "{", "[]", "\"x\"", "{\"a\":1,}", "\u{feff}{}"] {
            let refusal = decode(body.as_bytes()).unwrap_err();
            assert_eq!(refusal.code, Code::Serialization, "{body}");
        }
    }

    #[test]
    fn a_body_nested_without_end_is_undecodable() {
        let deep = format!("{}{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
        assert_eq!(decode(deep.as_bytes()).unwrap_err().code, Code::Serialization);
    }

    #[test]
    fn a_member_of_the_wrong_type_is_named_and_its_value_is_not() {
        let cases = [
            (json!({"Name": 4711}), "Name must be a string"),
            (json!({"Attributes": "4711"}), "Attributes must be an object"),
            (json!({"Attributes": {"a": 4711}}), "Attributes.a must be a string"),
            (json!({"Attributes": {"a b": 4711}}), "Attributes.* must be a string"),
            (
                json!({"References": {"r": {"Type": "URL", "Value": 4711}}}),
                "References.r.Value must be a string",
            ),
            (json!({"ExpiryDurationInMinutes": "4711"}), "ExpiryDurationInMinutes must be a 32-bit integer"),
            (json!({"ExpiryDurationInMinutes": 4711.5}), "ExpiryDurationInMinutes must be a 32-bit integer"),
            (
                json!({"SegmentAttributes": {"s": {"ValueMap": {"t": {"ValueInteger": "4711"}}}}}),
                "SegmentAttributes.s.ValueMap.t.ValueInteger must be a 32-bit integer",
            ),
            (
                json!({"SegmentAttributes": {"s": {"ValueList": [4711]}}}),
                "SegmentAttributes.s.ValueList must be a list of objects",
            ),
        ];
        for (body, message) in cases {
            let refusal = refusal_of(&body);
            assert_eq!(refusal.code, Code::Serialization);
            assert_eq!(refusal.message, message);
        }
    }

    #[test]
    fn unknown_members_are_ignored_and_a_null_is_no_member() {
        let body = br#"{"Name": null, "Weather": [1], "Channel": "TASK", "UserInfo": null}"#;
        let members = decode(body).unwrap();
        let request = CreateContact::read(&members).unwrap();
        assert_eq!(request.name, None);
        assert_eq!(request.user_id, None);
        assert_eq!(request.channel, Some("TASK"));
    }
}
