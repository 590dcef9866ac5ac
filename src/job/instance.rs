//! The Connect instance, by id or by ARN.

use crate::request::limits::INSTANCE_ID_CHARS;

/// Instance id reserved for rehearsals against a sandbox.
pub(crate) const SANDBOX: &str = "sandbox";

const NOT_AN_INSTANCE: &str = "must be an instance's id, such as 11111111-2222-3333-4444-555555555555, or its ARN, \
     such as arn:aws:connect:eu-west-2:123456789012:instance/11111111-2222-3333-4444-555555555555";

/// A Connect instance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Instance {
    /// Instance id without the ARN.
    pub(super) id: String,
    /// Region from the ARN, if an ARN was given.
    pub(super) region: Option<String>,
    /// Account from the ARN, if an ARN was given.
    pub(super) account: Option<String>,
}

impl Instance {
    pub(super) fn sandbox() -> Self {
        Instance { id: SANDBOX.into(), region: None, account: None }
    }

    pub(super) fn is_sandbox(&self) -> bool {
        self.id == SANDBOX
    }

    /// Parses `ID` or `arn:aws:connect:REGION:ACCOUNT:instance/ID`.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        let (id, region, account) = if text.starts_with("arn:") {
            let parts: Vec<&str> = text.splitn(6, ':').collect();
            let ["arn", _, "connect", region, account, resource] = parts[..] else {
                return Err(NOT_AN_INSTANCE);
            };
            let id = resource.strip_prefix("instance/").ok_or(NOT_AN_INSTANCE)?;
            (id, Some(region.to_owned()), Some(account.to_owned()).filter(|account| !account.is_empty()))
        } else {
            (text, None, None)
        };
        let sound = !id.is_empty()
            && id.chars().count() <= INSTANCE_ID_CHARS
            && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if sound { Ok(Instance { id: id.to_owned(), region, account }) } else { Err(NOT_AN_INSTANCE) }
    }
}

#[cfg(test)]
mod tests {
    use super::Instance;

    #[test]
    fn text_that_names_no_instance_is_refused() {
        for text in ["", "a b", "arn:aws:s3:::bucket", "arn:aws:connect:eu-west-2:1:queue/x", "x/y"] {
            assert!(Instance::parse(text).is_err(), "{text:?}");
        }
    }
}
