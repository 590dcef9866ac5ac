//! The compiled `[request]`: the operation's JSON with compiled strings at its leaves.

use std::borrow::Cow;
use std::str::FromStr;

use serde_json::Value;

use super::columns::Row;
use super::passthrough::ALL;
use super::template::{Compiler, RenderFault, Template};
use super::{Fault, MapFault, MappingError, Rejection, RequestTemplates};
use crate::request::{Limit, Rendered, Shape};

/// What stands under a node, each with its key.
pub(super) type Children = Vec<(Template, Node)>;

/// A node of the compiled tree.
#[derive(Debug)]
pub(super) enum Node {
    /// Named members or a map; each child with its key.
    Object(Children),
    /// A list.
    List(Vec<Node>),
    /// A string.
    Text(Leaf),
    /// A whole number, 32 bits.
    Integer(Leaf),
    /// Seconds since 1970.
    Time(Leaf),
}

/// A string of the mapping and where it came from.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) template: Template,
    /// The member's dotted path.
    pub(super) path: String,
    /// The place in the job file or CSV, for a fault that shows only when a row takes the branch.
    pub(super) place: String,
    /// What the text is made from, for people.
    pub(super) origin: String,
}

impl Leaf {
    /// The node of a member of this shape; none if the shape has more below it.
    pub(super) fn into_node(self, shape: &Shape) -> Option<Node> {
        match shape {
            Shape::Text(_) => Some(Node::Text(self)),
            Shape::Integer => Some(Node::Integer(self)),
            Shape::Time => Some(Node::Time(self)),
            Shape::Map(..) | Shape::Structure(_) | Shape::List(_) => None,
        }
    }
}

/// Compiles what a user wrote against the operation's shape.
pub(super) struct Planter<'a> {
    pub(super) source: &'a RequestTemplates,
    pub(super) compiler: &'a mut Compiler,
    /// Whether `Attributes` is to take every column that is not used elsewhere.
    pub(super) passthrough: bool,
}

impl Planter<'_> {
    pub(super) fn node(&mut self, value: &Value, shape: &Shape, path: &str) -> Result<Node, MappingError> {
        let source = self.source;
        let expected = |what: &str| source.error(path, format!("must be {what}"));
        match shape {
            Shape::Structure(known) => {
                let object = value.as_object().ok_or_else(|| expected("a table"))?;
                let mut children = Vec::with_capacity(object.len());
                for (name, child) in object {
                    let child_path = join(path, name);
                    if path.is_empty() && ["InstanceId", "ClientToken"].contains(&&**name) {
                        continue;
                    }
                    let Some(member) = known.iter().find(|member| member.name == name) else {
                        let known = known.iter().map(|member| member.name);
                        return Err(source.unknown_member(&child_path, name, known));
                    };
                    let node = self.node(child, &member.shape, &child_path)?;
                    children.push((Template::Literal(name.clone()), node));
                }
                Ok(Node::Object(children))
            }
            Shape::Map(_, Shape::Text(_)) if value == ALL => {
                self.passthrough = true;
                Ok(Node::Object(Vec::new()))
            }
            Shape::Map(limit, inner) => {
                let object = value.as_object().ok_or_else(|| expected("a table"))?;
                let mut children = Vec::with_capacity(object.len());
                for (key, child) in object {
                    if let (Shape::Text(_), ALL) = (inner, key.as_str())
                        && child == ALL
                    {
                        self.passthrough = true;
                        continue;
                    }
                    let child_path = join(path, key);
                    let template =
                        self.compiler.compile(key).map_err(|problem| source.error(&child_path, problem))?;
                    self.check_literal(&template, &child_path, *limit, "the key ")?;
                    children.push((template, self.node(child, inner, &child_path)?));
                }
                Ok(Node::Object(children))
            }
            Shape::List(inner) => {
                let items = value.as_array().ok_or_else(|| expected("a list"))?;
                let mut nodes = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    nodes.push(self.node(item, inner, &join(path, &index.to_string()))?);
                }
                Ok(Node::List(nodes))
            }
            Shape::Text(limit) => Ok(Node::Text(self.text(value, path, *limit)?)),
            Shape::Integer => Ok(Node::Integer(self.number::<i32>(value, path)?)),
            Shape::Time => Ok(Node::Time(self.number::<i64>(value, path)?)),
        }
    }

    fn text(&mut self, value: &Value, path: &str, limit: Limit) -> Result<Leaf, MappingError> {
        let leaf = self.leaf(value, path)?;
        self.check_literal(&leaf.template, path, limit, "")?;
        Ok(leaf)
    }

    fn number<N: FromStr>(&mut self, value: &Value, path: &str) -> Result<Leaf, MappingError> {
        let leaf = self.leaf(value, path)?;
        match &leaf.template {
            Template::Literal(text) if !text.is_empty() && text.trim().parse::<N>().is_err() => {
                Err(self.source.error(path, "must be a whole number".to_owned()))
            }
            Template::Literal(_) | Template::Pieces(_) | Template::Engine(_) => Ok(leaf),
        }
    }

    fn leaf(&mut self, value: &Value, path: &str) -> Result<Leaf, MappingError> {
        let source = self.source;
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            Value::Null => String::new(),
            Value::Array(_) | Value::Object(_) => {
                return Err(source.error(path, "must be a string".to_owned()));
            }
        };
        let template = self.compiler.compile(&text).map_err(|problem| source.error(path, problem))?;
        let place = source.error(path, String::new()).place;
        let origin = match &template {
            Template::Literal(_) => "from the job file".to_owned(),
            Template::Pieces(_) | Template::Engine(_) => format!("from {}", shortened(&text)),
        };
        Ok(Leaf { template, path: path.to_owned(), place, origin })
    }

    /// What is written out in the job would be refused for every row.
    fn check_literal(
        &self,
        template: &Template,
        path: &str,
        limit: Limit,
        what: &str,
    ) -> Result<(), MappingError> {
        let Template::Literal(text) = template else { return Ok(()) };
        let breach = if text.trim().is_empty() { None } else { limit.breach("", text) };
        match breach {
            Some(breach) => {
                Err(self.source.error(path, format!("{what}{}", breach.to_string().trim_start())))
            }
            None => Ok(()),
        }
    }
}

/// At most a line of a template.
fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None if line.len() < text.len() => format!("{line}…"),
        None => line.to_owned(),
    }
}

pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

impl Node {
    /// Whether some key below is made by a template.
    pub(super) fn has_made_keys(&self) -> bool {
        match self {
            Node::Object(children) => children
                .iter()
                .any(|(key, child)| !matches!(key, Template::Literal(_)) || child.has_made_keys()),
            Node::List(items) => items.iter().any(Node::has_made_keys),
            Node::Text(_) | Node::Integer(_) | Node::Time(_) => false,
        }
    }

    /// Calls `each` for every leaf below.
    pub(super) fn leaves<'a>(&'a self, each: &mut impl FnMut(&'a Leaf)) {
        match self {
            Node::Object(children) => children.iter().for_each(|(_, child)| child.leaves(each)),
            Node::List(items) => items.iter().for_each(|item| item.leaves(each)),
            Node::Text(leaf) | Node::Integer(leaf) | Node::Time(leaf) => each(leaf),
        }
    }
}

/// The rendered members below `children`; those that render to nothing are left out.
pub(super) fn members<'a>(
    children: &'a [(Template, Node)],
    row: &Row<'a>,
    compiler: &Compiler,
) -> Result<Vec<(Cow<'a, str>, Rendered<'a>)>, MapFault> {
    let mut members = Vec::with_capacity(children.len());
    for (key, child) in children {
        // Most members are no more than a column under a literal name, and go straight in.
        if let (Node::Text(leaf), Template::Literal(name)) = (child, key)
            && let Some(text) = leaf.template.plain(row)
        {
            if !is_blank(text) {
                members.push((Cow::Borrowed(name.as_str()), Rendered::Text(Cow::Borrowed(text))));
            }
        } else if let Some(value) = rendered(child, row, compiler)? {
            let key = compiler.render(key, row).map_err(key_failed)?;
            if key.is_empty() {
                let rule = "has a value under an empty key; it would be lost".to_owned();
                let fault = Fault { member: "A map of [request]".to_owned(), rule, ..Fault::default() };
                return Err(Rejection { code: "Mapping", faults: vec![fault] }.into());
            }
            members.push((key, value));
        }
    }
    Ok(members)
}

fn key_failed(fault: RenderFault) -> MapFault {
    failed(fault, "the key of a map", "[request]")
}

/// Whether there is no more in it than white space.
#[inline]
fn is_blank(text: &str) -> bool {
    match text.as_bytes() {
        [] => true,
        [first, ..] if first.is_ascii_graphic() => false,
        _ => text.trim_start().is_empty(),
    }
}

/// The node rendered; nothing where nothing is to be said.
fn rendered<'a>(
    node: &'a Node,
    row: &Row<'a>,
    compiler: &Compiler,
) -> Result<Option<Rendered<'a>>, MapFault> {
    match node {
        Node::Object(children) => {
            let members = members(children, row, compiler)?;
            Ok((!members.is_empty()).then_some(Rendered::Object(members)))
        }
        Node::List(items) => {
            let mut values = Vec::with_capacity(items.len());
            for item in items {
                values.extend(rendered(item, row, compiler)?);
            }
            Ok((!values.is_empty()).then_some(Rendered::List(values)))
        }
        Node::Text(leaf) => Ok(text(leaf, row, compiler)?.map(Rendered::Text)),
        Node::Integer(leaf) => {
            let number = number(leaf, row, compiler, "must be a whole number")?;
            if number.is_some_and(|number| i32::try_from(number).is_err()) {
                return Err(leaf.refused("must be a whole number of 32 bits").into());
            }
            Ok(number.map(Rendered::Integer))
        }
        Node::Time(leaf) => {
            let number = number(leaf, row, compiler, "must be epoch seconds; use the filter epoch")?;
            Ok(number.map(Rendered::Integer))
        }
    }
}

fn number(
    leaf: &Leaf,
    row: &Row<'_>,
    compiler: &Compiler,
    rule: &'static str,
) -> Result<Option<i64>, MapFault> {
    let text = text(leaf, row, compiler)?;
    let number = text.map(|text| text.trim().parse().map_err(|_| leaf.refused(rule)));
    Ok(number.transpose()?)
}

/// The leaf's text; nothing if there is no more in it than white space.
fn text<'a>(leaf: &'a Leaf, row: &Row<'a>, compiler: &Compiler) -> Result<Option<Cow<'a, str>>, MapFault> {
    let rendered = compiler.render(&leaf.template, row);
    let text = rendered.map_err(|fault| match fault {
        RenderFault::Row(problem) => leaf.refused(&problem).into(),
        fault @ RenderFault::Job(_) => failed(fault, &leaf.path, &leaf.place),
    })?;
    Ok((!is_blank(&text)).then_some(text))
}

impl Leaf {
    fn refused(&self, rule: &str) -> Rejection {
        let fault = Fault { member: self.path.clone(), rule: rule.to_owned(), ..Fault::default() };
        Rejection { code: "Mapping", faults: vec![Fault { origin: self.origin.clone(), ..fault }] }
    }
}

fn failed(fault: RenderFault, path: &str, place: &str) -> MapFault {
    match fault {
        RenderFault::Row(rule) => {
            let fault = Fault { member: path.to_owned(), rule, ..Fault::default() };
            Rejection { code: "Mapping", faults: vec![fault] }.into()
        }
        RenderFault::Job(problem) => MappingError { place: place.to_owned(), problem }.into(),
    }
}
