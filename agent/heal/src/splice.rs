//! Edits of a manifest's bytes: exactly the lines that change, every other byte as it was. Pure. The result is parsed again, and anything
//! but the planned difference is an error: nothing half-understood is ever written.

use super::manifest::{Manifest, ManifestError, Word};
use podlift_model::op::Component;
use serde_json::Value;
use std::ops::Range;

/// One change of a container's command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// The flag's value; the flag must be there once.
    Set { flag: String, value: String },
    /// A flag that is not there, put in its sorted place.
    Insert { flag: String, value: String },
    /// One gate out of `--feature-gates`; the flag goes when no gate is left.
    RemoveGate { gate: String },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpliceError {
    #[error("--{0} is set {1} times, expected once")]
    NotOnce(String, usize),
    #[error("{0:?} does not stand on a line of its own as a plain or simply quoted word")]
    Form(String),
    #[error("no flag stands there that shows where to put another")]
    NoPlace,
    #[error("the result would not be a manifest: {0}")]
    Broken(#[from] ManifestError),
    #[error("the result would differ in more than was planned")]
    Unplanned,
}

/// What becomes of one word.
enum Fate {
    Text(String),
    Gone,
}

/// Applies `edits` to `bytes`, of which `manifest` was parsed. Returns what to write; equal to `bytes` when nothing was to be done.
pub fn splice(bytes: &[u8], manifest: &Manifest, edits: &[Edit]) -> Result<Vec<u8>, SpliceError> {
    let [between @ .., last] = edits else { return Ok(bytes.to_vec()) };
    let (mut out, mut now) = (bytes.to_vec(), manifest.clone());
    for edit in between {
        let (next, planned) = one(&out, &now, edit)?;
        // The places of its words, for the next edit.
        now = Manifest::parse(manifest.component, &next)?;
        if !now.values().eq(planned.iter().map(String::as_str)) {
            return Err(SpliceError::Unplanned);
        }
        out = next;
    }
    let (out, planned) = one(&out, &now, last)?;
    prove(bytes, &out, manifest.component, &planned)?;
    Ok(out)
}

/// Read anew as nobody's type, what is to be written has the planned words, and everything else is as it was.
fn prove(before: &[u8], after: &[u8], component: Component, planned: &[String]) -> Result<(), SpliceError> {
    let (_, was) = parted(before, component)?;
    let (words, is) = parted(after, component)?;
    let right = words.is_some_and(|words| words == planned);
    if right && was == is { Ok(()) } else { Err(SpliceError::Unplanned) }
}

/// The bytes and the words after one edit.
fn one(bytes: &[u8], manifest: &Manifest, edit: &Edit) -> Result<(Vec<u8>, Vec<String>), SpliceError> {
    match edit {
        Edit::Set { flag, value } => {
            let found = manifest.find(flag);
            let [index] = found.as_slice() else {
                return Err(SpliceError::NotOnce(flag.clone(), found.len()));
            };
            change(bytes, manifest, vec![(*index, Fate::Text(format!("--{flag}={value}")))])
        }
        Edit::Insert { flag, value } => insert(bytes, manifest, flag, &format!("--{flag}={value}")),
        Edit::RemoveGate { gate } => change(bytes, manifest, without_gate(manifest, gate)),
    }
}

fn without_gate(manifest: &Manifest, gate: &str) -> Vec<(usize, Fate)> {
    let is_it = |item: &str| item.split('=').next().unwrap_or("").trim().trim_start_matches("kube:") == gate;
    let fate = |index: usize| {
        let (_, list) = manifest.words[index].value.split_once('=')?;
        let kept: Vec<&str> = list.split(',').filter(|item| !is_it(item)).collect();
        if kept.len() == list.split(',').count() {
            return None;
        }
        let empty = kept.iter().all(|item| item.trim().is_empty());
        let text = || Fate::Text(format!("--feature-gates={}", kept.join(",")));
        Some((index, if empty { Fate::Gone } else { text() }))
    };
    manifest.find("feature-gates").into_iter().filter_map(fate).collect()
}

/// Bytes and words after the words at some indices met their fates.
fn change(
    bytes: &[u8],
    manifest: &Manifest,
    fates: Vec<(usize, Fate)>,
) -> Result<(Vec<u8>, Vec<String>), SpliceError> {
    let mut out = bytes.to_vec();
    let mut words: Vec<String> = manifest.values().map(String::from).collect();
    // From the end, so that what is still to be done stays where it is.
    for (index, fate) in fates.into_iter().rev() {
        let place = Place::of(bytes, &manifest.words[index])?;
        match fate {
            Fate::Text(text) => {
                out.splice(place.token.clone(), place.quoted(&text)?.into_bytes());
                words[index] = text;
            }
            Fate::Gone => {
                out.drain(place.line.clone());
                words.remove(index);
            }
        }
    }
    Ok((out, words))
}

fn insert(
    bytes: &[u8],
    manifest: &Manifest,
    flag: &str,
    text: &str,
) -> Result<(Vec<u8>, Vec<String>), SpliceError> {
    let found = manifest.find(flag);
    if !found.is_empty() {
        return Err(SpliceError::NotOnce(flag.into(), found.len()));
    }
    let is_flag = |w: &Word| w.value.starts_with("--");
    let all = || manifest.words.iter().enumerate();
    // Before the first flag that sorts behind it, else behind the last flag.
    let before = all().find(|(_, w)| is_flag(w) && w.value.as_str() > text).map(|(i, _)| i);
    let (index, at_end) = match before {
        Some(index) => (index, false),
        None => (all().rfind(|(_, w)| is_flag(w)).ok_or(SpliceError::NoPlace)?.0, true),
    };
    let place = Place::of(bytes, &manifest.words[index])?;
    let indent = &bytes[place.line.start..place.token.start];
    let new = [indent, place.quoted(text)?.as_bytes()].concat();
    let mut out = bytes.to_vec();
    let mut words: Vec<String> = manifest.values().map(String::from).collect();
    if at_end {
        let end = place.content_end;
        out.splice(end..end, [place.eol.as_bytes(), &new].concat());
        words.insert(index + 1, text.into());
    } else {
        let start = place.line.start;
        out.splice(start..start, [&new, place.eol.as_bytes()].concat());
        words.insert(index, text.into());
    }
    Ok((out, words))
}

/// Where a word stands: on a line that is its own.
struct Place {
    /// The line, end of line included.
    line: Range<usize>,
    /// The scalar, quotes included.
    token: Range<usize>,
    /// Where the line ends without its end of line.
    content_end: usize,
    eol: &'static str,
    quote: Option<char>,
}

impl Place {
    fn of(bytes: &[u8], word: &Word) -> Result<Self, SpliceError> {
        let form = || SpliceError::Form(word.value.clone());
        let token = word.token.clone().filter(|t| t.end <= bytes.len()).ok_or_else(form)?;
        let scalar = std::str::from_utf8(&bytes[token.clone()]).map_err(|_| form())?;
        let quote = quote_of(scalar, &word.value).ok_or_else(form)?;
        let start = bytes[..token.start].iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        let end = bytes[token.end..].iter().position(|b| *b == b'\n').map(|i| token.end + i);
        let line = start..end.map_or(bytes.len(), |e| e + 1);
        let content_end = end.unwrap_or(bytes.len());
        let has_cr = end.is_some() && bytes[..content_end].ends_with(b"\r");
        let content_end = if has_cr { content_end - 1 } else { content_end };
        let head = bytes[start..token.start].trim_ascii();
        let tail = bytes[token.end..content_end].trim_ascii();
        let tail_fine = tail.is_empty() || (tail.starts_with(b"#") && bytes[token.end].is_ascii_whitespace());
        if head != b"-" || !tail_fine {
            return Err(form());
        }
        let crlf = has_cr || (end.is_none() && bytes.windows(2).any(|w| w == b"\r\n"));
        Ok(Self { line, token, content_end, eol: if crlf { "\r\n" } else { "\n" }, quote })
    }

    /// `text` in the way this word is written.
    fn quoted(&self, text: &str) -> Result<String, SpliceError> {
        let form = || SpliceError::Form(text.into());
        if text.contains(['\n', '\r', '\'', '"', '\\']) || text != text.trim() {
            return Err(form());
        }
        match self.quote {
            Some(q) => Ok(format!("{q}{text}{q}")),
            // What a plain scalar may not hold.
            None if text.contains(": ") || text.contains(" #") || text.ends_with(':') => Err(form()),
            None => Ok(text.into()),
        }
    }
}

/// How `scalar` writes `value`: plain, or quoted with nothing escaped. None: another way.
fn quote_of(scalar: &str, value: &str) -> Option<Option<char>> {
    if scalar == value {
        return Some(None);
    }
    let q = scalar.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let inner = scalar.strip_prefix(q)?.strip_suffix(q)?;
    (inner == value && !inner.contains(['\\', '\'', '"'])).then_some(Some(q))
}

/// The command line of the component, None where it is not all text, and everything else of a manifest.
fn parted(bytes: &[u8], component: Component) -> Result<(Option<Vec<String>>, Value), SpliceError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ManifestError::NotText)?;
    let parsed = serde_saphyr::from_str::<Value>(text);
    let mut rest = parsed.map_err(|e| ManifestError::Parse(e.to_string()))?;
    let containers = rest.pointer_mut("/spec/containers").and_then(Value::as_array_mut);
    let own = |c: &&mut Value| c.get("name").and_then(Value::as_str) == Some(component.name());
    let container = containers.into_iter().flatten().find(own).and_then(Value::as_object_mut);
    let container = container.ok_or(ManifestError::NoContainer(component))?;
    let mut words = Some(Vec::new());
    for list in ["command", "args"].iter().filter_map(|key| container.remove(*key)) {
        let texts = serde_json::from_value::<Option<Vec<String>>>(list).ok();
        words = words.zip(texts).map(|(all, more)| [all, more.unwrap_or_default()].concat());
    }
    Ok((words, rest))
}

#[cfg(test)]
#[path = "splice_tests.rs"]
mod tests;
