//! A YAML node after the kubelet's rules: what JSON would have in its place, and on which bytes a text stands. Pure.

use super::raw::Raw;
use super::scalar::{bool_of, is_null, is_text};
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;
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
    /// `text` is what was parsed, and begins at byte `start` of its file.
    pub(super) fn of(spanned: Spanned<Raw>, text: &str, start: usize) -> Self {
        let own = spanned.referenced == spanned.defined;
        let span = spanned.defined.span();
        let place = span.byte_offset().zip(span.byte_len()).and_then(|(at, len)| {
            let at = usize::try_from(at).ok()?;
            Some(at..at.checked_add(usize::try_from(len).ok()?)?)
        });
        let place = place.filter(|p| text.get(p.clone()).is_some());
        let written = place.clone().map(|p| &text[p]);
        let token = place.clone().filter(|_| own).map(|p| p.start + start..p.end + start);
        match spanned.value {
            Raw::List(all) => Self::List(all.into_iter().map(|item| Self::of(item, text, start)).collect()),
            Raw::Map(all) => Self::map(all, text, start),
            Raw::Text(value) => {
                // The library's rules are those of YAML 1.2: `y` is a boolean for the kubelet.
                let plain =
                    written == Some(value.as_str()) && !place.is_some_and(|p| is_tagged(text, p.start));
                if plain && !is_text(&value) {
                    Self::plain(&value)
                } else {
                    Self::Text(Text { value, token })
                }
            }
            other => Self::scalar(other, written, token),
        }
    }

    fn map(all: Vec<(String, Spanned<Raw>)>, text: &str, start: usize) -> Self {
        let mut out: Vec<(String, Node)> = Vec::with_capacity(all.len());
        for (key, value) in all {
            let value = Self::of(value, text, start);
            match out.iter_mut().find(|(known, _)| *known == key) {
                Some((_, old)) => *old = value,
                None => out.push((key, value)),
            }
        }
        Self::Map(out)
    }

    /// What the library takes for no text may be text for the kubelet.
    fn scalar(raw: Raw, written: Option<&str>, token: Option<Range<usize>>) -> Self {
        match (raw, written) {
            (Raw::Null, _) => Self::Null,
            (_, Some(plain)) if is_text(plain) => Self::Text(Text { value: plain.into(), token }),
            (Raw::Bool(value), _) => Self::Bool(value),
            (Raw::Number(value), written) => Self::Number(written.map_or(value, String::from)),
            (Raw::Text(_) | Raw::List(_) | Raw::Map(_), _) => Self::Null,
        }
    }

    fn plain(value: &str) -> Self {
        match bool_of(value) {
            Some(value) => Self::Bool(value),
            None if is_null(value) => Self::Null,
            None => Self::Number(value.into()),
        }
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

/// Whether a tag (`!!str`) stands before this byte of its line.
fn is_tagged(text: &str, at: usize) -> bool {
    let line = text[..at].rsplit('\n').next().unwrap_or_default();
    line.split_whitespace().any(|word| word.starts_with('!'))
}
