//! The members that only `StartTaskContact` has.

use super::structure::Structure;
use crate::sandbox::refusal::Refusal;

/// The members of `StartTaskContact` beside the common ones (service model, connect, 2017-08-08).
#[derive(Debug, Default)]
pub(in crate::sandbox) struct StartTaskContact<'a> {
    pub(in crate::sandbox) contact_flow_id: Option<&'a str>,
    pub(in crate::sandbox) quick_connect_id: Option<&'a str>,
    pub(in crate::sandbox) task_template_id: Option<&'a str>,
    /// Epoch seconds.
    pub(in crate::sandbox) scheduled_time: Option<f64>,
    pub(in crate::sandbox) attachments: Option<Vec<Attachment<'a>>>,
}

/// An item of `Attachments`.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Attachment<'a> {
    pub(in crate::sandbox) file_name: Option<&'a str>,
    pub(in crate::sandbox) s3_url: Option<&'a str>,
}

impl<'a> StartTaskContact<'a> {
    pub(super) fn read(top: &Structure<'a>) -> Result<StartTaskContact<'a>, Refusal> {
        let attachments = top.list("Attachments")?;
        Ok(StartTaskContact {
            contact_flow_id: top.text("ContactFlowId")?,
            quick_connect_id: top.text("QuickConnectId")?,
            task_template_id: top.text("TaskTemplateId")?,
            scheduled_time: top.number("ScheduledTime")?,
            attachments: attachments.map(|items| items.iter().map(Attachment::read).collect()).transpose()?,
        })
    }
}

impl<'a> Attachment<'a> {
    fn read(this: &Structure<'a>) -> Result<Attachment<'a>, Refusal> {
        Ok(Attachment { file_name: this.text("FileName")?, s3_url: this.text("S3Url")? })
    }
}
