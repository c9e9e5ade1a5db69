//! A YAML node after the kubelet's rules: what JSON would have in its place, and on which bytes a text stands. Pure.

use serde_json::{Map, Number, Value};
use std::ops::Range;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    Null,
    Bool(bool),
    /// As it is written, where that is known.
    Number(String),
    Text(Text),
    List(Vec<Node>),
    /// Each key once: the last one counts.
    Map(Vec<(String, Node)>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub value: String,
    /// Bytes of the scalar, quotes included; None where the parser could not say, or where an alias stands for it.
    pub token: Option<Range<usize>>,
}

impl Node {
    /// As an alias has it: none of its texts stands on bytes that may be edited.
    pub(super) fn without_tokens(self) -> Self {
        match self {
            Self::Text(text) => Self::Text(Text { token: None, ..text }),
            Self::List(all) => Self::List(all.into_iter().map(Self::without_tokens).collect()),
            Self::Map(all) => Self::Map(all.into_iter().map(|(k, v)| (k, v.without_tokens())).collect()),
            other => other,
        }
    }

    /// How many nodes it is, and how deep they lie in each other.
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

    /// What it is, for a message.
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
