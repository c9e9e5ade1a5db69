//! A manifest's text as the kubelet reads it: only the first YAML document, the last of doubled keys, and YAML 1.1 scalars converted to
//! JSON (`pkg/kubelet/config/common.go` tryDecodeSinglePod, sigs.k8s.io/yaml `YAMLToJSON`, which is go-yaml v2 and not strict). Pure. It
//! must not call a text unreadable that the kubelet runs; if the two may differ, the error says that it is not certain.
//!
//! The heal builds its own tree from the YAML library's events, because the kubelet decodes leniently through JSON, and because the heal
//! needs the bytes of each word.

mod document;
mod node;
mod scalar;
#[cfg(test)]
mod tests;
mod tree;

pub use node::Node;
pub(crate) use scalar::is_text;

use document::{first_document, text_of};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("it is empty")]
    Empty,
    #[error("it is not UTF-8")]
    NotText,
    #[error("it is UTF-16, which only the kubelet reads")]
    Utf16,
    #[error("it holds control characters, which no YAML reader takes")]
    Control,
    #[error("it is no mapping of keys to values")]
    NoMapping,
    #[error("{0}")]
    Syntax(String),
}

impl ReadError {
    /// Whether the kubelet certainly can't read it either.
    pub fn is_certain(&self) -> bool {
        matches!(self, Self::Empty | Self::NotText | Self::Control | Self::NoMapping)
    }
}

/// The first document; an error if it is no mapping.
pub fn read(bytes: &[u8]) -> Result<Node, ReadError> {
    let (text, start) = text_of(bytes)?;
    let text = first_document(text);
    if has_controls(text) {
        return Err(ReadError::Control);
    }
    let tree = tree::tree(text, start).or_else(|error| match document::without_tabs(text) {
        Some(spaced) => tree::tree(&spaced, start).map_err(|_| error),
        None => Err(error),
    })?;
    match tree {
        None | Some(Node::Null) => Err(ReadError::Empty),
        Some(map @ Node::Map(_)) => Ok(map),
        Some(_) => Err(ReadError::NoMapping),
    }
}

/// Whether no YAML reader accepts the bytes. Does not parse them.
pub fn is_hopeless(bytes: &[u8]) -> bool {
    match text_of(bytes) {
        Ok((text, _)) => has_controls(first_document(text)),
        Err(error) => error.is_certain(),
    }
}

fn has_controls(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_control() && !matches!(b, b'\t' | b'\n' | b'\r'))
}
