//! The mapping without a job file: each column is named by a member's JSON path.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::compiler::Compiler;
use super::error::MappingError;
use super::template::Template;
use super::tree::{Children, Leaf, Node, default_members, join};
use crate::request::{Operation, Shape};
use crate::suggest::did_you_mean;

/// Compiles the header, with the operation's defaults for members without a column. Returns the tree and the
/// columns without a name.
///
/// # Errors
/// A column that is neither a member nor a key column, or two columns of one name.
pub(super) fn tree(
    operation: Operation,
    header: &[String],
    key: &BTreeSet<usize>,
    compiler: &mut Compiler,
) -> Result<(Children, Vec<usize>), MappingError> {
    let mut root = Node::Object(Vec::new());
    let (mut places, mut seen) = (HashMap::new(), HashSet::new());
    let mut unnamed = Vec::new();
    for (index, name) in header.iter().map(|name| name.trim()).enumerate() {
        let error =
            |problem: String| MappingError { place: format!("column {} '{name}'", index + 1), problem };
        if name.is_empty() {
            unnamed.push(index);
            continue;
        }
        match HeaderPath::parse(name, operation) {
            Ok(_) if !seen.insert(name) => {
                return Err(error("is in the header twice; rename one".into()));
            }
            Ok(path) => {
                let leaf = Leaf {
                    template: compiler.column(index),
                    path: name.to_owned(),
                    place: format!("column '{name}'"),
                    origin: String::new(),
                };
                path.insert(&mut root, leaf, &mut places);
            }
            Err(_) if key.contains(&index) => {}
            Err(hint) => {
                let remedy = "name columns by member, such as Name, Attributes.legacy_id or \
                              References.Ticket.Value; name the key with --key; or write a job file with [request]";
                return Err(error(format!("is no member of {operation}{hint} ({remedy})")));
            }
        }
    }
    let mut children = match root {
        Node::Object(children) => children,
        Node::List(_) | Node::Text(_) | Node::Integer(_) | Node::Time(_) => Vec::new(),
    };
    add_defaults(operation, &mut children);
    Ok((children, unnamed))
}

fn add_defaults(operation: Operation, root: &mut Children) {
    // A column for the channel may hold any channel.
    let is_task = !root.iter().any(|(key, _)| key.is_literal("Channel"));
    for (name, value) in default_members(operation, is_task) {
        if !root.iter().any(|(key, _)| key.is_literal(name)) {
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

/// A header as a member's path: its steps, each with the shape at its end.
struct HeaderPath<'a>(Vec<(&'a str, &'static Shape)>);

impl<'a> HeaderPath<'a> {
    /// Follows the dotted `name` through the operation's members.
    ///
    /// # Errors
    /// The remedy, to be appended to a message.
    fn parse(name: &'a str, operation: Operation) -> Result<Self, String> {
        let mut shape = operation.members();
        let mut steps: Vec<(&str, &Shape)> = Vec::new();
        let parent =
            |steps: &[(&str, &Shape)]| steps.iter().map(|(step, _)| *step).collect::<Vec<_>>().join(".");
        for step in name.split('.') {
            shape = match shape {
                Shape::Structure(known) => match known.iter().find(|member| member.name == step) {
                    Some(member) => &member.shape,
                    None => {
                        let known = known.iter().map(|member| member.name);
                        return Err(did_you_mean(step, known).unwrap_or_default());
                    }
                },
                Shape::Map(limit, inner) => match limit.breach("", step) {
                    Some(breach) => return Err(format!("; the key '{step}'{breach}")),
                    None => inner,
                },
                Shape::List(inner) if step.parse::<u8>().is_ok_and(|index| index.to_string() == step) => {
                    inner
                }
                Shape::List(_) => {
                    return Err(format!("; a list has items by number, such as {}.0", parent(&steps)));
                }
                Shape::Text(_) | Shape::Integer | Shape::Time => {
                    return Err(format!("; {} has no members", parent(&steps)));
                }
            };
            steps.push((step, shape));
        }
        match shape {
            Shape::Text(_) | Shape::Integer | Shape::Time => Ok(HeaderPath(steps)),
            Shape::Structure(known) => {
                let known: Vec<_> = known.iter().map(|member| format!("{name}.{}", member.name)).collect();
                Err(format!("; continue with one of {}", known.join(", ")))
            }
            Shape::Map(..) => Err(format!("; continue with a name, such as {name}.something")),
            Shape::List(_) => Err(format!("; continue with an item, such as {name}.0")),
        }
    }

    /// Inserts the leaf at this path below `node`. `places` has the index of each node below its parent by its path: a
    /// header may have a hundred thousand columns.
    fn insert(&self, node: &mut Node, leaf: Leaf, places: &mut HashMap<String, usize>) {
        let mut at = node;
        let mut path = String::new();
        for (step, shape) in &self.0 {
            path = join(&path, step);
            at = match at {
                Node::Object(children) => {
                    let index = *places.entry(path.clone()).or_insert(children.len());
                    if index == children.len() {
                        children.push((Template::Literal((*step).to_owned()), empty_node(shape)));
                    }
                    &mut children[index].1
                }
                Node::List(items) => {
                    let index = usize::from(step.parse::<u8>().unwrap_or_default());
                    while items.len() <= index {
                        items.push(empty_node(shape));
                    }
                    &mut items[index]
                }
                // `parse` refuses a path that continues below a leaf.
                Node::Text(_) | Node::Integer(_) | Node::Time(_) => return,
            };
        }
        if let Some(node) = self.0.last().and_then(|(_, shape)| leaf.into_node(shape)) {
            *at = node;
        }
    }
}

/// An empty node of a shape; for a leaf's shape a placeholder.
fn empty_node(shape: &Shape) -> Node {
    match shape {
        Shape::List(_) => Node::List(Vec::new()),
        Shape::Text(_) | Shape::Integer | Shape::Time | Shape::Map(..) | Shape::Structure(_) => {
            Node::Object(Vec::new())
        }
    }
}
