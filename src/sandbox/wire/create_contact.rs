//! The members that only `CreateContact` has.

use super::structure::Structure;
use crate::sandbox::refusal::Refusal;

/// The members of `CreateContact` beside the common ones (service model, connect, 2017-08-08).
#[derive(Debug, Default)]
pub(in crate::sandbox) struct CreateContact<'a> {
    pub(in crate::sandbox) channel: Option<&'a str>,
    pub(in crate::sandbox) initiation_method: Option<&'a str>,
    pub(in crate::sandbox) initiate_as: Option<&'a str>,
    pub(in crate::sandbox) user_id: Option<&'a str>,
}

impl<'a> CreateContact<'a> {
    pub(super) fn read(top: &Structure<'a>) -> Result<CreateContact<'a>, Refusal> {
        // Checked for its type alone: no range is documented.
        top.integer("ExpiryDurationInMinutes")?;
        Ok(CreateContact {
            channel: top.text("Channel")?,
            initiation_method: top.text("InitiationMethod")?,
            initiate_as: top.text("InitiateAs")?,
            user_id: match top.structure("UserInfo")? {
                Some(info) => info.text("UserId")?,
                None => None,
            },
        })
    }
}
