//! The mapping without a job file: a column is named by its member's JSON path.

use super::MappingError;
use super::template::Template;
use super::tree::{Leaf, Node};
use crate::request::{Shape, members};
use crate::source::Header;
use crate::suggest::did_you_mean;

/// The tree of `header`. Key columns need not be members.
pub(super) fn tree(header: &Header, key: &[String]) -> Result<Vec<(Template, Node)>, MappingError> {
    let mut root = Vec::new();
    for (index, name) in header.columns().iter().enumerate() {
        match Path::parse(name) {
            Ok(_) if header.columns()[..index].contains(name) => {
                return Err(MappingError {
                    place: format!("column {} '{name}'", index + 1),
                    problem: "stands in the header twice; rename one".into(),
                });
            }
            Ok(path) => path.insert(&mut root, name, index),
            Err(_) if key.contains(name) => {}
            Err(hint) => {
                let remedy = "name columns by member, such as Name, Attributes.legacy_id or \
                              References.Ticket.Value; name the key with --key; or write a job file with [request]";
                return Err(MappingError {
                    place: format!("column {} '{name}'", index + 1),
                    problem: format!("is no member of the operation{hint} ({remedy})"),
                });
            }
        }
    }
    Ok(root)
}

/// Adds what makes a completed task, where no column says otherwise.
pub(super) fn with_defaults(mut root: Vec<(Template, Node)>) -> Node {
    let has = |root: &[(Template, Node)], name: &str| root.iter().any(|(key, _)| names(key, name));
    if !has(&root, "Channel") {
        let defaults = [("Channel", "TASK"), ("InitiationMethod", "API"), ("InitiateAs", "COMPLETED")];
        for (name, value) in defaults {
            if !has(&root, name) {
                let leaf = Leaf {
                    template: Template::Literal(value.into()),
                    path: name.into(),
                    place: "the defaults".into(),
                };
                root.push((Template::Literal(name.into()), Node::Text(leaf)));
            }
        }
    }
    Node::Object(root)
}

fn names(key: &Template, name: &str) -> bool {
    matches!(key, Template::Literal(text) if text == name)
}

/// A member's path, and whether a whole number stands there.
struct Path<'a> {
    steps: Vec<&'a str>,
    integer: bool,
}

impl<'a> Path<'a> {
    /// Follows `name` through the operation's members; or a suggestion.
    fn parse(name: &'a str) -> Result<Self, String> {
        let mut shape = members();
        let mut steps = Vec::new();
        let mut rest = Some(name);
        loop {
            match (shape, rest) {
                (Shape::Text | Shape::Integer, None) => {
                    return Ok(Path { steps, integer: *shape == Shape::Integer });
                }
                (Shape::Structure(known), Some(text)) => {
                    let (step, after) = split(text);
                    let Some(member) = known.iter().find(|member| member.name == step) else {
                        let known = known.iter().map(|member| member.name);
                        return Err(did_you_mean(step, known).unwrap_or_default());
                    };
                    steps.push(step);
                    shape = &member.shape;
                    rest = after;
                }
                (Shape::Map(inner), Some(text)) => {
                    let (step, after) = split(text);
                    steps.push(step);
                    shape = inner;
                    rest = after;
                }
                (Shape::List(_), _) => return Err("; lists need a job file".into()),
                (Shape::Structure(known), None) => {
                    let known: Vec<_> =
                        known.iter().map(|member| format!("{name}.{}", member.name)).collect();
                    return Err(format!("; go on to one of {}", known.join(", ")));
                }
                (Shape::Map(_), None) => return Err(format!("; go on to a name, such as {name}.something")),
                (Shape::Text | Shape::Integer, Some(_)) => {
                    return Err(format!("; {} has no members", steps.join(".")));
                }
            }
        }
    }

    fn insert(&self, root: &mut Vec<(Template, Node)>, name: &str, column: usize) {
        let leaf = Leaf {
            template: Template::Column(column),
            path: name.to_owned(),
            place: format!("column '{name}'"),
        };
        let leaf = if self.integer { Node::Integer(leaf) } else { Node::Text(leaf) };
        let Some((last, parents)) = self.steps.split_last() else {
            return;
        };
        let mut level = root;
        for step in parents {
            let at = level.iter().position(|(key, _)| names(key, step)).unwrap_or_else(|| {
                level.push((Template::Literal((*step).to_owned()), Node::Object(Vec::new())));
                level.len() - 1
            });
            let Node::Object(children) = &mut level[at].1 else {
                return;
            };
            level = children;
        }
        level.push((Template::Literal((*last).to_owned()), leaf));
    }
}

fn split(text: &str) -> (&str, Option<&str>) {
    match text.split_once('.') {
        Some((step, rest)) => (step, Some(rest)),
        None => (text, None),
    }
}
