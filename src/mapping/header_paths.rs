//! The mapping without a job file: a column is named by its member's JSON path.

use super::template::{Compiler, Template};
use super::tree::{Children, Leaf, Node};
use super::{MappingError, defaults};
use crate::request::{Operation, Shape};
use crate::suggest::did_you_mean;

/// The tree of the header, and the columns without a name, which must be empty. Key columns need not be
/// members.
pub(super) fn tree(
    operation: Operation,
    raw: &[String],
    key: &[String],
    compiler: &mut Compiler,
) -> Result<(Children, Vec<usize>), MappingError> {
    let mut root = Node::Object(Vec::new());
    let mut unnamed = Vec::new();
    for (index, name) in raw.iter().map(|name| name.trim()).enumerate() {
        let wrong =
            |problem: String| MappingError { place: format!("column {} '{name}'", index + 1), problem };
        if name.is_empty() {
            unnamed.push(index);
            continue;
        }
        match Path::parse(name, operation) {
            Ok(_) if raw[..index].iter().any(|other| other.trim() == name) => {
                return Err(wrong("stands in the header twice; rename one".into()));
            }
            Ok(path) => {
                let leaf = Leaf {
                    template: compiler.column(index),
                    path: name.to_owned(),
                    place: format!("column '{name}'"),
                    origin: String::new(),
                };
                path.insert(&mut root, leaf);
            }
            Err(_) if key.iter().any(|key| key.trim() == compiler.columns().names()[index]) => {}
            Err(hint) => {
                let remedy = "name columns by member, such as Name, Attributes.legacy_id or \
                              References.Ticket.Value; name the key with --key; or write a job file with [request]";
                return Err(wrong(format!("is no member of {operation}{hint} ({remedy})")));
            }
        }
    }
    match root {
        Node::Object(children) => Ok((children, unnamed)),
        Node::List(_) | Node::Text(_) | Node::Integer(_) | Node::Time(_) => Ok((Vec::new(), unnamed)),
    }
}

/// Adds what makes a completed task, where no column says otherwise.
pub(super) fn add_defaults(operation: Operation, root: &mut Children) {
    // A channel in a cell may be any.
    let is_task = !root.iter().any(|(key, _)| names(key, "Channel"));
    for (name, value) in defaults(operation, is_task) {
        if !root.iter().any(|(key, _)| names(key, name)) {
            let leaf = Leaf {
                template: Template::Literal(value.into()),
                path: name.into(),
                place: "the defaults".into(),
                origin: "by default".into(),
            };
            root.push((Template::Literal(name.into()), Node::Text(leaf)));
        }
    }
}

fn names(key: &Template, name: &str) -> bool {
    matches!(key, Template::Literal(text) if text == name)
}

/// A member's path: its steps, each with the shape that it leads to.
struct Path<'a>(Vec<(&'a str, &'static Shape)>);

impl<'a> Path<'a> {
    /// Follows `name` through the operation's members; or a suggestion.
    fn parse(name: &'a str, operation: Operation) -> Result<Self, String> {
        let mut shape = operation.members();
        let mut steps = Vec::new();
        let mut rest = Some(name);
        loop {
            let step;
            match (shape, rest) {
                (Shape::Text(_) | Shape::Integer | Shape::Time, None) => return Ok(Path(steps)),
                (Shape::Structure(known), Some(text)) => {
                    (step, rest) = split(text);
                    let Some(member) = known.iter().find(|member| member.name == step) else {
                        let known = known.iter().map(|member| member.name);
                        return Err(did_you_mean(step, known).unwrap_or_default());
                    };
                    shape = &member.shape;
                }
                (Shape::Map(limit, inner), Some(text)) => {
                    (step, rest) = split(text);
                    if let Some(breach) = limit.breach("", step) {
                        return Err(format!("; the key '{step}'{breach}"));
                    }
                    shape = inner;
                }
                (Shape::List(inner), Some(text)) => {
                    (step, rest) = split(text);
                    if !step.parse::<u8>().is_ok_and(|number| number.to_string() == step) {
                        return Err(format!("; a list has items by number, such as {}.0", joined(&steps)));
                    }
                    shape = inner;
                }
                (Shape::Structure(known), None) => {
                    let known: Vec<_> =
                        known.iter().map(|member| format!("{name}.{}", member.name)).collect();
                    return Err(format!("; go on to one of {}", known.join(", ")));
                }
                (Shape::Map(..), None) => return Err(format!("; go on to a name, such as {name}.something")),
                (Shape::List(_), None) => return Err(format!("; go on to an item, such as {name}.0")),
                (Shape::Text(_) | Shape::Integer | Shape::Time, Some(_)) => {
                    return Err(format!("; {} has no members", joined(&steps)));
                }
            }
            steps.push((step, shape));
        }
    }

    /// Puts the leaf at the path's end below `node`.
    fn insert(&self, node: &mut Node, leaf: Leaf) {
        let mut at = node;
        for (step, shape) in &self.0 {
            at = match at {
                Node::Object(children) => {
                    let found = children.iter().position(|(key, _)| names(key, step));
                    let index = found.unwrap_or_else(|| {
                        children.push((Template::Literal((*step).to_owned()), below(shape)));
                        children.len() - 1
                    });
                    &mut children[index].1
                }
                Node::List(items) => {
                    let index = usize::from(step.parse::<u8>().unwrap_or_default());
                    while items.len() <= index {
                        items.push(below(shape));
                    }
                    &mut items[index]
                }
                // A leaf has nothing below it, which the parsing has seen to.
                Node::Text(_) | Node::Integer(_) | Node::Time(_) => return,
            };
        }
        if let Some(node) = self.0.last().and_then(|(_, shape)| leaf.into_node(shape)) {
            *at = node;
        }
    }
}

/// An empty node of a shape; a leaf takes its place.
fn below(shape: &Shape) -> Node {
    match shape {
        Shape::List(_) => Node::List(Vec::new()),
        Shape::Text(_) | Shape::Integer | Shape::Time | Shape::Map(..) | Shape::Structure(_) => {
            Node::Object(Vec::new())
        }
    }
}

fn split(text: &str) -> (&str, Option<&str>) {
    match text.split_once('.') {
        Some((step, rest)) => (step, Some(rest)),
        None => (text, None),
    }
}

fn joined(steps: &[(&str, &Shape)]) -> String {
    steps.iter().map(|(step, _)| *step).collect::<Vec<_>>().join(".")
}
