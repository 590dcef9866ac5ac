//! The compiled `[request]`: the operation's JSON with compiled strings at its leaves.

use serde_json::{Map, Number, Value};

use super::columns::Columns;
use super::template::{Compiler, RenderFault, Template};
use super::{MapFault, MappingError, Rejection, RequestTemplates};
use crate::request::Shape;

/// A node of the compiled tree.
#[derive(Debug)]
pub(super) enum Node {
    /// Named members or a map; each child with its key.
    Object(Vec<(Template, Node)>),
    /// A list.
    List(Vec<Node>),
    /// A string.
    Text(Leaf),
    /// A whole number.
    Integer(Leaf),
}

/// A string of the mapping and where it came from.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) template: Template,
    /// The member's dotted path.
    pub(super) path: String,
    /// The place in the job file or CSV, for a fault that shows only when a row takes the branch.
    pub(super) place: String,
}

impl Node {
    pub(super) fn compile(
        value: &Value,
        shape: &Shape,
        path: &str,
        source: &RequestTemplates,
        columns: &Columns,
        compiler: &mut Compiler,
    ) -> Result<Node, MappingError> {
        let expected = |what: &str| source.error(path, format!("must be {what}"));
        match shape {
            Shape::Structure(known) => {
                let object = value.as_object().ok_or_else(|| expected("a table"))?;
                let mut children = Vec::with_capacity(object.len());
                for (name, child) in object {
                    let child_path = join(path, name);
                    let given_elsewhere = path.is_empty() && ["InstanceId", "ClientToken"].contains(&&**name);
                    if given_elsewhere {
                        continue;
                    }
                    let Some(member) = known.iter().find(|member| member.name == name) else {
                        let known = known.iter().map(|member| member.name);
                        return Err(source.unknown_member(&child_path, name, known));
                    };
                    let node = Node::compile(child, &member.shape, &child_path, source, columns, compiler)?;
                    children.push((Template::Literal(name.clone()), node));
                }
                Ok(Node::Object(children))
            }
            Shape::Map(inner) => {
                let object = value.as_object().ok_or_else(|| expected("a table"))?;
                let mut children = Vec::with_capacity(object.len());
                for (key, child) in object {
                    let child_path = join(path, key);
                    let key = compiler
                        .compile(&format!("{child_path} (key)"), key, columns)
                        .map_err(|problem| source.error(&child_path, problem))?;
                    let node = Node::compile(child, inner, &child_path, source, columns, compiler)?;
                    children.push((key, node));
                }
                Ok(Node::Object(children))
            }
            Shape::List(inner) => {
                let items = value.as_array().ok_or_else(|| expected("a list"))?;
                let compile = |(index, item): (usize, &Value)| {
                    Node::compile(item, inner, &join(path, &index.to_string()), source, columns, compiler)
                };
                Ok(Node::List(items.iter().enumerate().map(compile).collect::<Result<_, _>>()?))
            }
            Shape::Text | Shape::Integer => {
                let text = match value {
                    Value::String(text) => text.clone(),
                    Value::Number(_) | Value::Bool(_) => value.to_string(),
                    Value::Null | Value::Array(_) | Value::Object(_) => return Err(expected("a string")),
                };
                let template =
                    compiler.compile(path, &text, columns).map_err(|problem| source.error(path, problem))?;
                let place = source.error(path, String::new()).place;
                let leaf = Leaf { template, path: path.to_owned(), place };
                Ok(if *shape == Shape::Integer { Node::Integer(leaf) } else { Node::Text(leaf) })
            }
        }
    }

    /// The whole request as JSON; members that render to nothing are left out.
    pub(super) fn render_root(
        &self,
        cells: &csv::StringRecord,
        columns: &Columns,
        compiler: &Compiler,
    ) -> Result<Value, MapFault> {
        let row = Row { cells, columns, compiler };
        match self {
            Node::Object(children) => Ok(Value::Object(row.members(children)?)),
            Node::List(_) | Node::Text(_) | Node::Integer(_) => Ok(Value::Object(Map::new())),
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// One row on its way through the tree.
struct Row<'a> {
    cells: &'a csv::StringRecord,
    columns: &'a Columns,
    compiler: &'a Compiler,
}

impl Row<'_> {
    /// The node's JSON; nothing where nothing is to be said.
    fn node(&self, node: &Node) -> Result<Option<Value>, MapFault> {
        match node {
            Node::Object(children) => {
                let members = self.members(children)?;
                Ok((!members.is_empty()).then_some(Value::Object(members)))
            }
            Node::List(items) => {
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    values.extend(self.node(item)?);
                }
                Ok((!values.is_empty()).then_some(Value::Array(values)))
            }
            Node::Text(leaf) => Ok(self.text(leaf)?.map(Value::String)),
            Node::Integer(leaf) => {
                let Some(text) = self.text(leaf)? else {
                    return Ok(None);
                };
                let number: i32 = text.trim().parse().map_err(|_| Rejection {
                    code: "Mapping",
                    message: format!("{} must be a whole number", leaf.path),
                })?;
                Ok(Some(Value::Number(Number::from(number))))
            }
        }
    }

    fn members(&self, children: &[(Template, Node)]) -> Result<Map<String, Value>, MapFault> {
        let mut members = Map::with_capacity(children.len());
        for (key, child) in children {
            if let Some(value) = self.node(child)? {
                let key = self.key(key)?;
                if !key.is_empty() {
                    members.insert(key, value);
                }
            }
        }
        Ok(members)
    }

    fn key(&self, key: &Template) -> Result<String, MapFault> {
        let rendered = self.compiler.render(key, self.cells, self.columns);
        rendered.map(Into::into).map_err(|fault| self.fault(fault, "the key of a map", "[request]"))
    }

    /// The leaf's text; nothing if there is no more in it than white space.
    fn text(&self, leaf: &Leaf) -> Result<Option<String>, MapFault> {
        let rendered = self.compiler.render(&leaf.template, self.cells, self.columns);
        let text = rendered.map_err(|fault| self.fault(fault, &leaf.path, &leaf.place))?;
        Ok((!text.trim().is_empty()).then(|| text.into_owned()))
    }

    fn fault(&self, fault: RenderFault, path: &str, place: &str) -> MapFault {
        match fault {
            RenderFault::Row(problem) => {
                Rejection { code: "Mapping", message: format!("{path}: {problem}") }.into()
            }
            RenderFault::Job(problem) => MappingError { place: place.to_owned(), problem }.into(),
        }
    }
}
