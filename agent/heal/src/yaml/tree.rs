//! Builds nodes from the YAML library's events as go-yaml v2 does (`decode.go`): the last of doubled keys counts, `<<` merges at its own
//! position, and an alias is a copy of its anchor. Pure.

use super::ReadError;
use super::node::{Node, Text};
use super::scalar::{bool_of, is_null, is_text};
use granit_parser::{Event, Parser, ScalarStyle, Span, Tag, options};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

/// Maximum of nodes in one document. Each use of an alias counts.
const MOST_NODES: usize = 1 << 18;
/// Maximum depth of lists and mappings in each other, aliases included.
const DEEPEST: usize = 256;

/// The first document of `text`, which begins at byte `start` of its file; `None` if there is none.
pub(super) fn tree(text: &str, start: usize) -> Result<Option<Node>, ReadError> {
    // The last two options follow libyaml, of which go-yaml is a translation.
    let options = options! {
        emit_comments: false,
        bom_inside_document_as_content: true,
        block_scalar_eof_without_line_feed: true,
    };
    let mut builder = Builder { start, open: Vec::new(), anchors: BTreeMap::new(), nodes: 0, root: None };
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.map_err(|e| syntax(&e.to_string()))?;
        builder.take(event, &span)?;
    }
    Ok(builder.root)
}

fn syntax(why: &str) -> ReadError {
    ReadError::Syntax(why.lines().next().unwrap_or_default().to_string())
}

struct Builder {
    start: usize,
    /// The open lists and mappings, outermost first.
    open: Vec<Open>,
    /// Anchored nodes by the library's id.
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
}

struct Open {
    anchor: usize,
    kind: Kind,
}

enum Kind {
    List(Vec<Node>),
    Map { entries: Vec<(String, Node)>, key: Option<Key> },
}

/// A key whose value comes next.
enum Key {
    Name(String),
    /// `<<`
    Merge,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), ReadError> {
        match event {
            Event::Scalar(value, style, anchor, tag) => {
                if style == ScalarStyle::Plain && tag.is_none() && value == "<<" && self.expects_key() {
                    self.set_key(Key::Merge);
                    return Ok(());
                }
                let node = scalar(value, style, tag.as_deref(), self.token(span));
                self.add(node, anchor)
            }
            Event::SequenceStart(_, anchor, _) => self.begin(anchor, Kind::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => {
                self.begin(anchor, Kind::Map { entries: Vec::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(id) => self.alias(id),
            _ => Ok(()),
        }
    }

    fn token(&self, span: &Span) -> Option<std::ops::Range<usize>> {
        span.byte_range().map(|range| range.start + self.start..range.end + self.start)
    }

    fn begin(&mut self, anchor: usize, kind: Kind) -> Result<(), ReadError> {
        if self.open.len() >= DEEPEST {
            return Err(syntax("its lists and mappings lie too deep in each other"));
        }
        self.open.push(Open { anchor, kind });
        Ok(())
    }

    fn end(&mut self) -> Result<(), ReadError> {
        match self.open.pop() {
            Some(Open { anchor, kind: Kind::List(items) }) => self.add(Node::List(items), anchor),
            Some(Open { anchor, kind: Kind::Map { entries, .. } }) => {
                self.add(Node::Map(last_of_each(entries)), anchor)
            }
            None => Ok(()),
        }
    }

    /// Adds a copy that has no bytes of its own.
    fn alias(&mut self, id: usize) -> Result<(), ReadError> {
        let Some(anchored) = self.anchors.get(&id) else {
            return Err(syntax("an anchor contains its own alias"));
        };
        let (nodes, depth) = anchored.size();
        if self.nodes + nodes > MOST_NODES || self.open.len() + depth > DEEPEST {
            return Err(syntax("its aliases make too much of it"));
        }
        self.nodes += nodes;
        let copy = anchored.clone();
        self.add(copy, 0)
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), ReadError> {
        // An anchored node is kept a second time.
        self.nodes += 1 + if anchor == 0 { 0 } else { node.size().0 };
        if self.nodes > MOST_NODES {
            return Err(syntax("it has too many parts"));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone().without_tokens());
        }
        match self.open.last_mut().map(|open| &mut open.kind) {
            None => {
                self.root.get_or_insert(node);
            }
            Some(Kind::List(items)) => items.push(node),
            Some(Kind::Map { entries, key }) => match key.take() {
                None => *key = Some(Key::Name(name_of(node)?)),
                Some(Key::Name(name)) => entries.push((name, node)),
                Some(Key::Merge) => merge(entries, node)?,
            },
        }
        Ok(())
    }

    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { kind: Kind::Map { key: None, .. }, .. }))
    }

    fn set_key(&mut self, next: Key) {
        if let Some(Open { kind: Kind::Map { key, .. }, .. }) = self.open.last_mut() {
            *key = Some(next);
        }
    }
}

/// Keeps the last of doubled keys.
fn last_of_each(mut entries: Vec<(String, Node)>) -> Vec<(String, Node)> {
    let mut known = HashSet::with_capacity(entries.len());
    let counts: Vec<bool> = entries.iter().rev().map(|(name, _)| known.insert(name.as_str())).collect();
    if counts.contains(&false) {
        let mut counts = counts.into_iter().rev();
        entries.retain(|_| counts.next().unwrap_or(true));
    }
    entries
}

/// Merges as `decode.go` does: of several mappings the first ones take precedence.
fn merge(entries: &mut Vec<(String, Node)>, node: Node) -> Result<(), ReadError> {
    let all = match node {
        Node::List(all) => all,
        one => vec![one],
    };
    for node in all.into_iter().rev() {
        let Node::Map(more) = node else { return Err(syntax("<< has a value that is no mapping")) };
        entries.extend(more);
    }
    Ok(())
}

/// A key as JSON writes it: text.
fn name_of(node: Node) -> Result<String, ReadError> {
    match node {
        Node::Text(text) => Ok(text.value),
        Node::Number(text) => Ok(text),
        Node::Bool(value) => Ok(value.to_string()),
        Node::Null => Ok("null".into()),
        Node::List(_) | Node::Map(_) => Err(syntax("a key is a list or a mapping")),
    }
}

/// Resolves as `resolve.go` does: quoted scalars, and scalars with a tag that it does not resolve, are text.
fn scalar(
    value: Cow<'_, str>,
    style: ScalarStyle,
    tag: Option<&Tag>,
    token: Option<std::ops::Range<usize>>,
) -> Node {
    let resolved = match tag {
        None => style == ScalarStyle::Plain,
        Some(tag) => matches!(tag.core_suffix(), Some("bool" | "int" | "float" | "null")),
    };
    if !resolved || is_text(&value) {
        return Node::Text(Text { value: value.into_owned(), token });
    }
    match bool_of(&value) {
        Some(value) => Node::Bool(value),
        None if is_null(&value) => Node::Null,
        None => Node::Number(value.into_owned()),
    }
}
