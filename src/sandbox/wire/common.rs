//! The members that every operation has that makes a contact, and the shapes of their values.

use super::Entries;
use super::structure::Structure;
use crate::sandbox::refusal::Refusal;

/// The members that every operation has that makes a contact (service model, connect, 2017-08-08).
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Common<'a> {
    pub(in crate::sandbox) instance_id: Option<&'a str>,
    pub(in crate::sandbox) client_token: Option<&'a str>,
    pub(in crate::sandbox) name: Option<&'a str>,
    pub(in crate::sandbox) description: Option<&'a str>,
    pub(in crate::sandbox) related_contact_id: Option<&'a str>,
    pub(in crate::sandbox) previous_contact_id: Option<&'a str>,
    pub(in crate::sandbox) attributes: Entries<'a, &'a str>,
    pub(in crate::sandbox) references: Entries<'a, Reference<'a>>,
    pub(in crate::sandbox) segment_attributes: Entries<'a, SegmentValue<'a>>,
}

/// A value of `References`.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Reference<'a> {
    pub(in crate::sandbox) kind: Option<&'a str>,
    pub(in crate::sandbox) value: Option<&'a str>,
    pub(in crate::sandbox) arn: Option<&'a str>,
    pub(in crate::sandbox) status_reason: Option<&'a str>,
}

/// A value of `SegmentAttributes`: a structure of which one member is to be set.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct SegmentValue<'a> {
    pub(in crate::sandbox) string: Option<&'a str>,
    pub(in crate::sandbox) integer: Option<i32>,
    pub(in crate::sandbox) map: Option<Entries<'a, SegmentValue<'a>>>,
    pub(in crate::sandbox) list: Option<Vec<SegmentValue<'a>>>,
    pub(in crate::sandbox) arn: Option<&'a str>,
}

impl<'a> Common<'a> {
    pub(super) fn read(top: &Structure<'a>) -> Result<Common<'a>, Refusal> {
        Ok(Common {
            instance_id: top.text("InstanceId")?,
            client_token: top.text("ClientToken")?,
            name: top.text("Name")?,
            description: top.text("Description")?,
            related_contact_id: top.text("RelatedContactId")?,
            previous_contact_id: top.text("PreviousContactId")?,
            attributes: top.map("Attributes", Structure::text)?,
            references: top.map("References", Reference::entry)?,
            segment_attributes: top.map("SegmentAttributes", SegmentValue::entry)?,
        })
    }
}

impl<'a> Reference<'a> {
    fn entry(parent: &Structure<'a>, key: &str) -> Result<Option<Reference<'a>>, Refusal> {
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
