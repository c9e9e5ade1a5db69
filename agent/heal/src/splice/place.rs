//! Where a word of a command line is in the bytes, and how a text is written in its place. Pure.

use super::SpliceError;
use crate::manifest::Word;
use crate::yaml;
use std::ops::Range;

pub(super) struct Place<'a> {
    word: &'a Word,
    /// The line with its end of line.
    pub line: Range<usize>,
    /// The scalar with its quotes.
    pub token: Range<usize>,
    /// Where the line ends, without its end of line.
    pub content_end: usize,
    pub eol: &'static str,
    quote: Option<char>,
    /// The line contains only `- `, the word, and perhaps a comment.
    alone: bool,
}

impl<'a> Place<'a> {
    /// Fails if the word is no simple scalar of one line, for example an alias, a block or a folded text.
    pub fn of(bytes: &[u8], word: &'a Word) -> Result<Self, SpliceError> {
        let form = || SpliceError::Form(word.value.clone());
        let token = word.token.clone().filter(|t| t.end <= bytes.len()).ok_or_else(form)?;
        let scalar = std::str::from_utf8(&bytes[token.clone()]).map_err(|_| form())?;
        let quote = quote_of(scalar, &word.value).ok_or_else(form)?;
        let start = bytes[..token.start].iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        let end = bytes[token.end..].iter().position(|b| *b == b'\n').map(|i| token.end + i);
        let content_end = end.unwrap_or(bytes.len());
        let has_cr = end.is_some() && bytes[..content_end].ends_with(b"\r");
        let content_end = if has_cr { content_end - 1 } else { content_end };
        let tail = bytes[token.end..content_end].trim_ascii();
        let comment = tail.starts_with(b"#") && bytes[token.end].is_ascii_whitespace();
        let head = bytes[start..token.start].trim_ascii();
        let crlf = has_cr || (end.is_none() && bytes.windows(2).any(|w| w == b"\r\n"));
        Ok(Self {
            word,
            line: start..end.map_or(bytes.len(), |e| e + 1),
            token,
            content_end,
            eol: if crlf { "\r\n" } else { "\n" },
            quote,
            alone: head == b"-" && (tail.is_empty() || comment),
        })
    }

    /// This place if a line can be removed or inserted here.
    pub fn own_line(&self) -> Result<&Self, SpliceError> {
        if self.alone { Ok(self) } else { Err(SpliceError::Form(self.word.value.clone())) }
    }

    /// `text` in the style of this word, or in quotes if YAML would read the plain text as something else.
    pub fn written(&self, text: &str) -> Result<String, SpliceError> {
        if text.chars().any(char::is_control) {
            return Err(SpliceError::Form(text.into()));
        }
        match self.quote {
            Some('"') => Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))),
            None if is_plain(text, !self.alone) => Ok(text.into()),
            Some(_) | None => Ok(format!("'{}'", text.replace('\'', "''"))),
        }
    }
}

/// How `scalar` is written: plain, or in quotes. `None` if it is written in another way or over several lines.
fn quote_of(scalar: &str, value: &str) -> Option<Option<char>> {
    if scalar.contains(['\n', '\r']) {
        return None;
    }
    if scalar == value && !value.is_empty() {
        return Some(None);
    }
    let q = scalar.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    scalar.strip_prefix(q)?.strip_suffix(q).map(|_| Some(q))
}

/// Whether YAML reads the plain word as this text, in a list of lines or within brackets (`flow`).
fn is_plain(text: &str, flow: bool) -> bool {
    let first = text.chars().next().unwrap_or(' ');
    let special = "!&*|>%@`#,[]{}'\"".contains(first)
        || text == "-"
        || text.starts_with("- ")
        || text.starts_with("? ");
    let inside = text.contains(": ") || text.contains(" #") || text.ends_with(':') || text.starts_with(": ");
    let quotes = text.contains(['\'', '"', '\\']);
    let closes = flow && text.contains([',', '[', ']', '{', '}']);
    text == text.trim() && !special && !inside && !quotes && !closes && yaml::is_text(text)
}
