//! Compiles `[request]` of a job file against the shape of the operation.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::compiler::Compiler;
use super::error::MappingError;
use super::source::RequestTemplates;
use super::template::Template;
use super::tree::{Children, Leaf, Node, default_members, join};
use crate::request::{Limit, Operation, Shape};
use crate::slug::UsedKeys;
use crate::suggest::did_you_mean;

/// The value of `Attributes`, or a key and value in it, that adds every column that no other template uses.
pub(super) const ALL_COLUMNS: &str = "*";

/// The members that the mapping may not set, each with the remedy.
const RESERVED: [(&str, &str); 2] = [
    ("InstanceId", "set instance_id under [connect] instead"),
    ("ClientToken", "is derived from the row's key; remove it"),
];

/// Compiles the request, with the operation's defaults for members that are not given, even as an empty
/// string.
///
/// # Errors
/// An unknown or reserved member, a member of the wrong shape, a literal that breaks a limit, or a template
/// that does not compile.
pub(super) fn tree(
    operation: Operation,
    source: &RequestTemplates,
    compiler: &mut Compiler,
) -> Result<Children, MappingError> {
    let mut tree = source.tree.clone();
    for (name, remedy) in RESERVED {
        if tree.shift_remove(name).is_some_and(|value| value != "") {
            return Err(source.error(name, remedy));
        }
    }
    add_defaults(operation, &mut tree);
    let mut table = RequestCompiler { source, compiler, adds_all_columns: false };
    let root = table.node(&Value::Object(tree), operation.members(), "")?;
    let adds_all_columns = table.adds_all_columns;
    let Node::Object(mut children) = root else { return Ok(Vec::new()) };
    if adds_all_columns {
        if compiler.hides_columns {
            let problem = "cannot tell which columns are used elsewhere, since a template uses row without \
                           spelling them out; name the columns as row['Exact Header']";
            return Err(source.error("Attributes", problem));
        }
        add_unused_columns(&mut children, compiler);
    }
    Ok(children)
}

fn add_defaults(operation: Operation, tree: &mut Map<String, Value>) {
    let is_task = tree.get("Channel").is_none_or(|channel| channel == "TASK");
    for (name, default) in default_members(operation, is_task) {
        tree.entry(name).or_insert_with(|| Value::from(default));
    }
}

/// Adds an attribute for each column that no template uses. Its key is the slug of the header, with a number
/// if the key is taken.
fn add_unused_columns(root: &mut Children, compiler: &mut Compiler) {
    let attributes = root.iter_mut().find_map(|(name, node)| match node {
        Node::Object(children) if name.is_literal("Attributes") => Some(children),
        _ => None,
    });
    let Some(attributes) = attributes else { return };
    let mut keys = UsedKeys::default();
    for (key, _) in attributes.iter() {
        if let Template::Literal(key) = key {
            keys.insert(key.clone());
        }
    }
    for column in compiler.unused_columns() {
        let header = compiler.columns.names[column].clone();
        let key = keys.attribute(&header, column + 1);
        let leaf = Leaf {
            template: compiler.column(column),
            path: join("Attributes", &key),
            place: format!("[request] Attributes = \"{ALL_COLUMNS}\""),
            origin: format!("from column '{header}'"),
        };
        attributes.push((Template::Literal(key), Node::Text(leaf)));
    }
}

/// Compiles the values of a `[request]` table.
struct RequestCompiler<'a> {
    source: &'a RequestTemplates,
    compiler: &'a mut Compiler,
    /// Whether `Attributes` gets every unused column.
    adds_all_columns: bool,
}

impl RequestCompiler<'_> {
    fn node(&mut self, value: &Value, shape: &Shape, path: &str) -> Result<Node, MappingError> {
        let source = self.source;
        let expected = |what: &str| source.error(path, format!("must be {what}"));
        match shape {
            Shape::Structure(known) => {
                let object = value.as_object().ok_or_else(|| expected("a table"))?;
                let mut children = Vec::with_capacity(object.len());
                for (name, child) in object {
                    let child_path = join(path, name);
                    let Some(member) = known.iter().find(|member| member.name == name) else {
                        let known = known.iter().map(|member| member.name);
                        let hint = did_you_mean(name, known.clone())
                            .unwrap_or_else(|| format!("; it has {}", known.collect::<Vec<_>>().join(", ")));
                        let problem = format!("the operation has no such member{hint}");
                        return Err(source.error(&child_path, problem));
                    };
                    let node = self.node(child, &member.shape, &child_path)?;
                    children.push((Template::Literal(name.clone()), node));
                }
                Ok(Node::Object(children))
            }
            Shape::Map(_, Shape::Text(_)) if value == ALL_COLUMNS => {
                self.adds_all_columns = true;
                Ok(Node::Object(Vec::new()))
            }
            Shape::Map(limit, inner) => {
                let object = value.as_object().ok_or_else(|| expected("a table"))?;
                let mut children = Vec::with_capacity(object.len());
                for (key, child) in object {
                    if let (Shape::Text(_), ALL_COLUMNS) = (inner, key.as_str())
                        && child == ALL_COLUMNS
                    {
                        self.adds_all_columns = true;
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
                let items = items.iter().enumerate();
                let nodes =
                    items.map(|(index, item)| self.node(item, inner, &join(path, &index.to_string())));
                Ok(Node::List(nodes.collect::<Result<_, _>>()?))
            }
            Shape::Text(limit) => {
                let leaf = self.leaf(value, path)?;
                self.check_literal(&leaf.template, path, *limit, "")?;
                Ok(Node::Text(leaf))
            }
            Shape::Integer => Ok(Node::Integer(self.number::<i32>(value, path)?)),
            Shape::Time => Ok(Node::Time(self.number::<i64>(value, path)?)),
        }
    }

    fn number<N: FromStr>(&mut self, value: &Value, path: &str) -> Result<Leaf, MappingError> {
        let leaf = self.leaf(value, path)?;
        match &leaf.template {
            Template::Literal(text) if !text.is_empty() && text.trim().parse::<N>().is_err() => {
                Err(self.source.error(path, "must be a whole number"))
            }
            Template::Literal(_) | Template::Plain(_) | Template::Engine(_) => Ok(leaf),
        }
    }

    fn leaf(&mut self, value: &Value, path: &str) -> Result<Leaf, MappingError> {
        let source = self.source;
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            Value::Null => String::new(),
            Value::Array(_) | Value::Object(_) => return Err(source.error(path, "must be a string")),
        };
        let template = self.compiler.compile(&text).map_err(|problem| source.error(path, problem))?;
        let place = source.place(path);
        let origin = match &template {
            Template::Literal(_) => "from the job file".to_owned(),
            Template::Plain(_) | Template::Engine(_) => format!("from {}", shortened(&text)),
        };
        Ok(Leaf { template, path: path.to_owned(), place, origin })
    }

    /// Refuses a literal that the service would refuse for every row.
    fn check_literal(
        &self,
        template: &Template,
        path: &str,
        limit: Limit,
        what: &str,
    ) -> Result<(), MappingError> {
        let Template::Literal(text) = template else { return Ok(()) };
        match limit.breach("", text) {
            Some(breach) if !text.trim().is_empty() => {
                Err(self.source.error(path, format!("{what}{}", breach.to_string().trim_start())))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// The first line of a template, at most 80 characters.
fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None if line.len() < text.len() => format!("{line}…"),
        None => line.to_owned(),
    }
}
