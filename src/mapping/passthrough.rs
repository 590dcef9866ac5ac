//! Every column that the mapping does not use, as an attribute: `Attributes = "*"`.

use std::collections::HashSet;

use super::template::{Compiler, Template};
use super::tree::{Leaf, Node, join};
use crate::slug::slug;

/// What stands for every column.
pub(super) const ALL: &str = "*";

/// Adds an attribute for every unused column to the tree's `Attributes`. A key is the header made fit for
/// one; where two come to the same, or one is written out already, a number is added.
pub(super) fn add(root: &mut [(Template, Node)], compiler: &mut Compiler) {
    let attributes = root.iter_mut().find_map(|(name, node)| match (name, node) {
        (Template::Literal(name), Node::Object(children)) if name == "Attributes" => Some(children),
        _ => None,
    });
    let Some(attributes) = attributes else { return };
    let written_out = attributes.iter().filter_map(|(key, _)| match key {
        Template::Literal(key) => Some(key.clone()),
        Template::Pieces(_) | Template::Engine(_) => None,
    });
    let mut taken: HashSet<String> = written_out.collect();
    for column in compiler.unused() {
        let header = compiler.columns().names()[column].clone();
        let key = free_key(&header, column, &taken);
        taken.insert(key.clone());
        let leaf = Leaf {
            template: compiler.column(column),
            path: join("Attributes", &key),
            place: format!("[request] Attributes = \"{ALL}\""),
            origin: format!("from column '{header}'"),
        };
        attributes.push((Template::Literal(key), Node::Text(leaf)));
    }
}

fn free_key(header: &str, column: usize, taken: &HashSet<String>) -> String {
    let mut key = slug(header);
    if key.is_empty() {
        key = format!("column_{}", column + 1);
    }
    let numbered = (2_u32..).map(|number| format!("{key}_{number}"));
    std::iter::once(key.clone()).chain(numbered).find(|key| !taken.contains(key)).unwrap_or(key)
}
