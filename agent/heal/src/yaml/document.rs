//! Where the first document of a text ends, and how its bytes decode. Pure.

use super::ReadError;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// The text, and the byte at which it begins. Bytes behind the first document may be undecodable.
pub(super) fn text_of(bytes: &[u8]) -> Result<(&str, usize), ReadError> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(ReadError::Utf16);
    }
    let start = if bytes.starts_with(BOM) { BOM.len() } else { 0 };
    let bytes = &bytes[start..];
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok((text, start)),
        Err(e) => {
            let valid = std::str::from_utf8(&bytes[..e.valid_up_to()]).unwrap_or_default();
            let first = first_document(valid);
            if first.len() < valid.len() { Ok((first, start)) } else { Err(ReadError::NotText) }
        }
    }
}

/// The text up to the marker that ends the first document: a `---` or `...` at the beginning of a line, after the document's first content.
pub(super) fn first_document(text: &str) -> &str {
    let (mut at, mut begun) = (0, false);
    for line in text.split_inclusive('\n') {
        if begun && (is_marker(line, "---") || is_marker(line, "...")) {
            return &text[..at];
        }
        let content = line.trim();
        begun |= !content.is_empty() && !content.starts_with('#') && !line.starts_with('%');
        at += line.len();
    }
    text
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// The JSON with a space for each tab outside of its strings, so that all bytes keep their places. `None` if the text is no JSON or has no
/// tab.
pub(super) fn without_tabs(text: &str) -> Option<String> {
    let is_json = text.trim_start().starts_with('{');
    if !is_json || !text.contains('\t') {
        return None;
    }
    let (mut inside, mut escaped) = (false, false);
    let spaced = text.chars().map(|c| {
        let was_escaped = std::mem::take(&mut escaped);
        match c {
            '\t' if !inside => return ' ',
            '\\' if inside => escaped = !was_escaped,
            '"' if !was_escaped => inside = !inside,
            _ => {}
        }
        c
    });
    Some(spaced.collect())
}
