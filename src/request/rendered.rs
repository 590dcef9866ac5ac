//! What the templates make of one row, before it is known as a request.

use super::Text;

/// A rendered node. Texts are borrowed from the row and the mapping wherever they pass unchanged.
#[derive(Clone, Debug, PartialEq)]
pub enum Rendered<'a> {
    /// A text.
    Text(Text<'a>),
    /// A whole number.
    Integer(i64),
    /// Members, or the entries of a map.
    Object(Vec<(Text<'a>, Rendered<'a>)>),
    /// A list.
    List(Vec<Rendered<'a>>),
}

impl<'a> Rendered<'a> {
    /// The text; none if it is something else.
    pub(super) fn text(self) -> Option<Text<'a>> {
        match self {
            Rendered::Text(text) => Some(text),
            Rendered::Integer(_) | Rendered::Object(_) | Rendered::List(_) => None,
        }
    }

    /// The number; none if it is something else.
    pub(super) fn integer(self) -> Option<i64> {
        match self {
            Rendered::Integer(number) => Some(number),
            Rendered::Text(_) | Rendered::Object(_) | Rendered::List(_) => None,
        }
    }

    /// The members or entries; none if it is something else.
    pub(super) fn object(self) -> Vec<(Text<'a>, Rendered<'a>)> {
        match self {
            Rendered::Object(entries) => entries,
            Rendered::Text(_) | Rendered::Integer(_) | Rendered::List(_) => Vec::new(),
        }
    }

    /// The items; none if it is something else.
    pub(super) fn list(self) -> Vec<Rendered<'a>> {
        match self {
            Rendered::List(items) => items,
            Rendered::Text(_) | Rendered::Integer(_) | Rendered::Object(_) => Vec::new(),
        }
    }
}
