//! Requests that `check --show` prints. Nowhere else does a command print the values of a row.

use serde::Serialize;

use super::findings::RowClass;
use crate::mapping::Rejection;
use crate::request::ContactRequest;
use crate::source::RowKey;
use crate::token::{ClientToken, TokenScheme};

/// Rows whose requests are shown.
#[derive(Clone, Debug, Default)]
pub struct ShownRows {
    /// Number of rows from the beginning of the input.
    pub first: u64,
    /// Labels of further rows' keys: the cells of the key columns, joined by ` / `.
    pub keys: Vec<String>,
    /// Instance that the requests are for; none if it is not named.
    pub instance: Option<ShownInstance>,
}

/// The instance of shown requests.
#[derive(Clone, Debug)]
pub struct ShownInstance {
    /// Id of the instance.
    pub id: String,
    /// Client tokens of its rows.
    pub tokens: TokenScheme,
}

/// A row that is shown.
#[derive(Debug)]
pub struct ShownRow<'a> {
    /// Name of the input.
    pub file: &'a str,
    /// Line on which the row starts.
    pub line: u64,
    /// Label of the row's key.
    pub key: &'a str,
    /// What a run would do with the row.
    pub class: RowClass,
    /// The row is in doubt and has changed since: a run would send it with its earlier cells, not with this body.
    pub is_sent_unchanged: bool,
    /// The body of its request, or the faults that reject it.
    pub body: Result<RequestBody<'a>, &'a Rejection>,
}

/// The JSON body of a request, as it is sent.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RequestBody<'a> {
    /// Id of the instance; left out if it is not named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<&'a str>,
    /// Client token of the row; left out if the instance is not named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_token: Option<String>,
    /// The other members.
    #[serde(flatten)]
    pub request: &'a ContactRequest<'a>,
}

impl ShownRows {
    /// Whether the row is shown. `number` counts the rows of this shard from 1.
    pub(super) fn includes(&self, number: u64, key: &RowKey) -> bool {
        number <= self.first || (!self.keys.is_empty() && self.named(&key.label()).is_some())
    }

    /// The one of [`Self::keys`] that names this label. White space at its ends counts only if the label has it too.
    pub(super) fn named(&self, label: &str) -> Option<&String> {
        self.keys.iter().find(|key| *key == label || key.trim() == label)
    }

    pub(super) fn body<'a>(
        &'a self,
        request: &'a ContactRequest<'a>,
        key: &RowKey,
        token_number: u32,
    ) -> RequestBody<'a> {
        let token = |instance: &ShownInstance| ClientToken::text(&instance.tokens.token(key, token_number));
        RequestBody {
            instance_id: self.instance.as_ref().map(|instance| &*instance.id),
            client_token: self.instance.as_ref().map(token),
            request,
        }
    }
}
