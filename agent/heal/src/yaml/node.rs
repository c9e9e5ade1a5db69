//! A YAML node by the kubelet's rules: its JSON value, and the bytes of each text. Pure.

use serde_json::{Map, Number, Value};
use std::ops::Range;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    Null,
    Bool(bool),
    /// As the file writes it, where that is known.
    Number(String),
    Text(Text),
    List(Vec<Node>),
    /// Each key occurs once; the last of doubled keys counts.
    Map(Vec<(String, Node)>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub value: String,
    /// Bytes of the scalar, quotes included; `None` if the parser gave no position or if an alias refers to the text.
    pub token: Option<Range<usize>>,
}

impl Node {
    /// The node as an alias refers to it: no text of it has bytes that an edit may change.
    pub(super) fn without_tokens(self) -> Self {
        match self {
            Self::Text(text) => Self::Text(Text { token: None, ..text }),
            Self::List(all) => Self::List(all.into_iter().map(Self::without_tokens).collect()),
            Self::Map(all) => Self::Map(all.into_iter().map(|(k, v)| (k, v.without_tokens())).collect()),
            other => other,
        }
    }

    /// Number of nodes, and depth of their nesting.
    pub(super) fn size(&self) -> (usize, usize) {
        let sum = |(nodes, depth): (usize, usize), node: &Node| {
            let (n, d) = node.size();
            (nodes + n, depth.max(d))
        };
        let (nodes, depth) = match self {
            Self::List(all) => all.iter().fold((0, 0), sum),
            Self::Map(all) => all.iter().map(|(_, node)| node).fold((0, 0), sum),
            _ => (0, 0),
        };
        (nodes + 1, depth + 1)
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        let Self::Map(all) = self else { return None };
        all.iter().find(|(known, _)| known == key).map(|(_, value)| value).filter(|v| **v != Self::Null)
    }

    /// The JSON that the kubelet decodes.
    pub fn json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(text) => number(text),
            Self::Text(text) => Value::String(text.value.clone()),
            Self::List(all) => Value::Array(all.iter().map(Self::json).collect()),
            Self::Map(all) => {
                Value::Object(all.iter().map(|(k, v)| (k.clone(), v.json())).collect::<Map<_, _>>())
            }
        }
    }

    /// The node's type, for a message.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

fn number(text: &str) -> Value {
    let float = || text.parse().ok().and_then(Number::from_f64).map(Value::Number);
    text.parse::<i64>().map(Value::from).ok().or_else(float).unwrap_or_else(|| Value::String(text.into()))
}
