//! The form of server-sent events.

use hyper::body::Bytes;
use serde::Serialize;

/// Sent while nothing changes, so that a browser that went away without a word is noticed.
pub(super) const ALIVE: &str = ": alive\n\n";

/// One event. JSON has no raw line breaks, so that the data is one line, whatever the texts contain.
pub(super) fn frame(name: &str, data: &impl Serialize) -> Result<Bytes, serde_json::Error> {
    Ok(Bytes::from(format!("event: {name}\ndata: {}\n\n", serde_json::to_string(data)?)))
}

/// How soon a browser shall connect again, before the first event.
pub(super) fn greeting() -> Bytes {
    Bytes::from_static(b"retry: 1000\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads frames as the specification of server-sent events says.
    fn read(text: &str) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for block in text.split_terminator("\n\n") {
            let field = |name: &str| {
                let of = |line: &str| line.strip_prefix(name).map(|rest| rest.trim_start().to_string());
                block.lines().filter_map(of).collect::<Vec<_>>().join("\n")
            };
            all.push((field("event:"), field("data:")));
        }
        all
    }

    #[test]
    fn no_text_ends_its_frame_or_begins_another() {
        for text in
            ["plain", "two\nlines", "\n\nevent: scene\ndata: {}\n\n", "\r\r\n", "\u{2028}\u{85}</script>", ""]
        {
            let bytes = frame("delta", &text).unwrap();
            let whole = std::str::from_utf8(&bytes).unwrap();
            let frames = read(whole);
            assert_eq!(frames.len(), 1, "{whole:?}");
            assert_eq!(frames[0].0, "delta");
            assert_eq!(serde_json::from_str::<String>(&frames[0].1).unwrap(), text);
            let body = whole.strip_suffix("\n\n").unwrap();
            assert_eq!(body.matches('\n').count(), 1, "{whole:?}");
            assert!(!body.contains('\r'), "{whole:?}");
        }
    }

    #[test]
    fn a_comment_is_no_event() {
        for text in [ALIVE, std::str::from_utf8(&greeting()).unwrap()] {
            assert!(text.ends_with("\n\n") && read(text)[0] == (String::new(), String::new()), "{text:?}");
        }
    }
}
