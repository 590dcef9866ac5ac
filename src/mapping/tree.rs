//! The compiled request of a mapping: a tree of the operation's members with compiled strings at its leaves.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::columns::RowView;
use super::compiler::Compiler;
use super::error::{MapError, MappingError, Rejection, RenderError};
use super::filters::take_cut;
use super::template::Template;
use crate::request::{Member, Operation, Rendered, Shape};

/// The members or map entries below a node, each with its key.
pub(super) type Children = Vec<(Template, Node)>;

/// A node of the compiled tree.
#[derive(Debug)]
pub(super) enum Node {
    /// A structure or a map.
    Object(Children),
    /// A list.
    List(Vec<Node>),
    /// A string.
    Text(Leaf),
    /// A whole number of 32 bits.
    Integer(Leaf),
    /// A time in seconds since 1970.
    Time(Leaf),
}

/// A compiled string and its origin.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) template: Template,
    /// The member's dotted path.
    pub(super) path: String,
    /// The place in the job file or CSV, for errors that only some rows reveal.
    pub(super) place: String,
    /// The template or column, for messages about a row.
    pub(super) origin: String,
}

impl Leaf {
    /// The node of a member of this shape; none unless the shape is a leaf.
    pub(super) fn into_node(self, shape: &Shape) -> Option<Node> {
        match shape {
            Shape::Text(_) => Some(Node::Text(self)),
            Shape::Integer => Some(Node::Integer(self)),
            Shape::Time => Some(Node::Time(self)),
            Shape::Map(..) | Shape::Structure(_) | Shape::List(_) => None,
        }
    }
}

/// The dotted path of a member below `path`.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The members that a request has by default: those of a completed task or, for another channel, only the
/// channel.
pub(super) fn default_members(
    operation: Operation,
    is_task: bool,
) -> impl Iterator<Item = (&'static str, &'static str)> {
    let members: &[Member] = match operation.members() {
        Shape::Structure(members) => members,
        _ => &[],
    };
    let applicable = members.iter().filter(move |member| is_task || member.name == "Channel");
    applicable.map(|member| (member.name, member.default)).filter(|(_, default)| !default.is_empty())
}

impl Node {
    /// Calls `visit` for each leaf at or below this node.
    pub(super) fn for_each_leaf<'a>(&'a self, visit: &mut impl FnMut(&'a Leaf)) {
        match self {
            Node::Object(children) => children.iter().for_each(|(_, child)| child.for_each_leaf(visit)),
            Node::List(items) => items.iter().for_each(|item| item.for_each_leaf(visit)),
            Node::Text(leaf) | Node::Integer(leaf) | Node::Time(leaf) => visit(leaf),
        }
    }

    fn collect_templated_maps(&self, path: &str, maps: &mut BTreeMap<String, Vec<String>>) {
        match self {
            Node::Object(children) => collect_templated_maps(children, path, maps),
            Node::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    item.collect_templated_maps(&join(path, &index.to_string()), maps);
                }
            }
            Node::Text(_) | Node::Integer(_) | Node::Time(_) => {}
        }
    }
}

/// The paths of the maps with templates as keys, each with the paths of its entries with literal keys.
pub(super) fn templated_maps(root: &Children) -> BTreeMap<String, Vec<String>> {
    let mut maps = BTreeMap::new();
    collect_templated_maps(root, "", &mut maps);
    maps
}

fn collect_templated_maps(children: &Children, path: &str, maps: &mut BTreeMap<String, Vec<String>>) {
    let mut literal_entries = Vec::new();
    for (key, child) in children {
        // Paths below a templated key are redacted as entries of this map.
        let Template::Literal(name) = key else { continue };
        let child_path = join(path, name);
        child.collect_templated_maps(&child_path, maps);
        literal_entries.push(child_path);
    }
    if literal_entries.len() < children.len() {
        maps.insert(path.to_owned(), literal_entries);
    }
}

/// Renders the members below a node for a row. A member without text is left out, and so is an empty object
/// or list.
///
/// # Errors
/// A template refuses the row, a number does not parse, or a value has an empty key.
pub(super) fn members<'a>(
    children: &'a Children,
    row: &RowView<'a>,
    compiler: &Compiler,
) -> Result<Vec<(Cow<'a, str>, Rendered<'a>)>, MapError> {
    let mut members = Vec::with_capacity(children.len());
    for (key, child) in children {
        // Most members are a column under a literal key: no copy, no MiniJinja.
        if let (Node::Text(leaf), Template::Literal(name)) = (child, key)
            && let Some(text) = leaf.template.borrowed(row)
        {
            leaf.note_cut(row);
            if !is_blank(text) {
                members.push((Cow::Borrowed(name.as_str()), Rendered::Text(Cow::Borrowed(text))));
            }
        } else if let Some(value) = rendered(child, row, compiler)? {
            let key = compiler.render(key, row).map_err(key_error)?;
            if key.is_empty() {
                let rule = "has a value under an empty key, which would be lost";
                return Err(Rejection::of_member("A map of [request]", rule, "").into());
            }
            members.push((key, value));
        }
    }
    Ok(members)
}

fn key_error(error: RenderError) -> MapError {
    match error {
        RenderError::Row(_) | RenderError::TooExpensive => {
            let code = error.code();
            Rejection { code, ..Rejection::of_member("the key of a map", error.to_string(), "") }.into()
        }
        RenderError::Job(problem) => MappingError { place: "[request]".to_owned(), problem }.into(),
    }
}

/// Whether a text is empty or white space.
#[inline]
fn is_blank(text: &str) -> bool {
    match text.as_bytes() {
        [] => true,
        [first, ..] if first.is_ascii_graphic() => false,
        _ => text.trim_start().is_empty(),
    }
}

/// The rendered node; none if it is empty.
fn rendered<'a>(
    node: &'a Node,
    row: &RowView<'a>,
    compiler: &Compiler,
) -> Result<Option<Rendered<'a>>, MapError> {
    match node {
        Node::Object(children) => {
            let members = members(children, row, compiler)?;
            Ok((!members.is_empty()).then_some(Rendered::Object(members)))
        }
        Node::List(items) => {
            let values = items.iter().filter_map(|item| rendered(item, row, compiler).transpose());
            let values = values.collect::<Result<Vec<_>, _>>()?;
            Ok((!values.is_empty()).then_some(Rendered::List(values)))
        }
        Node::Text(leaf) => Ok(leaf.text(row, compiler)?.map(Rendered::Text)),
        Node::Integer(leaf) => {
            let number = leaf.number(row, compiler, "must be a whole number")?;
            if number.is_some_and(|number| i32::try_from(number).is_err()) {
                return Err(leaf.rejection("must be a whole number of 32 bits").into());
            }
            Ok(number.map(Rendered::Integer))
        }
        Node::Time(leaf) => {
            let number = leaf.number(row, compiler, "must be epoch seconds; use the filter epoch")?;
            Ok(number.map(Rendered::Integer))
        }
    }
}

impl Leaf {
    /// Notes in the row that `truncate` cut this text, if it did.
    #[inline]
    fn note_cut(&self, row: &RowView<'_>) {
        if take_cut() {
            row.note_cut(&self.path);
        }
    }

    /// The rendered text; none if it is blank.
    fn text<'a>(&'a self, row: &RowView<'a>, compiler: &Compiler) -> Result<Option<Cow<'a, str>>, MapError> {
        let text = compiler.render(&self.template, row).map_err(|error| match error {
            RenderError::Row(_) | RenderError::TooExpensive => {
                MapError::from(Rejection { code: error.code(), ..self.rejection(&error.to_string()) })
            }
            RenderError::Job(problem) => MappingError { place: self.place.clone(), problem }.into(),
        })?;
        self.note_cut(row);
        Ok((!is_blank(&text)).then_some(text))
    }

    fn number(&self, row: &RowView<'_>, compiler: &Compiler, rule: &str) -> Result<Option<i64>, MapError> {
        let text = self.text(row, compiler)?;
        let number = text.map(|text| text.trim().parse().map_err(|_| self.rejection(rule)));
        Ok(number.transpose()?)
    }

    fn rejection(&self, rule: &str) -> Rejection {
        Rejection::of_member(&self.path, rule, &self.origin)
    }
}
