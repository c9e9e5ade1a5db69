//! The last lines of the journal that the page shows. Older ones are dropped.

use serde::Serialize;
use std::collections::VecDeque;

/// Lines that a page gets when it is opened.
pub(super) const LINES: usize = 200;
/// Characters of one line.
const LENGTH: usize = 600;

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    pub seq: u64,
    /// RFC 3339.
    pub at: String,
    pub text: String,
    /// bad, care, good, or empty.
    pub tone: &'static str,
}

/// At most `LINES` of them.
#[derive(Debug, Default)]
pub(super) struct Ring(VecDeque<Line>);

impl Ring {
    pub fn push(&mut self, mut line: Line) {
        line.text = cut(&line.text, LENGTH);
        if self.0.len() == LINES {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }

    /// The lines behind this number.
    pub fn after(&self, seq: Option<u64>) -> Vec<Line> {
        self.0.iter().filter(|line| seq.is_none_or(|seq| line.seq > seq)).cloned().collect()
    }

    pub fn last(&self) -> Option<u64> {
        self.0.back().map(|line| line.seq)
    }
}

/// The text up to this number of characters, with an ellipsis at the cut.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_keeps_the_last_lines_and_cuts_long_ones() {
        let mut ring = Ring::default();
        assert_eq!((ring.last(), ring.after(None).len()), (None, 0));
        for seq in 0..100_000 {
            let text = if seq % 2 == 0 { "é".repeat(5000) } else { "short".into() };
            ring.push(Line { seq, at: String::new(), text, tone: "" });
        }
        let all = ring.after(None);
        assert_eq!((all.len(), all[0].seq, ring.last()), (LINES, 100_000 - LINES as u64, Some(99_999)));
        assert!(all.iter().all(|line| line.text.chars().count() <= LENGTH + 1));
        assert_eq!(ring.after(Some(99_997)).iter().map(|l| l.seq).collect::<Vec<_>>(), [99_998, 99_999]);
        assert_eq!((cut("four", 4), cut("fünfe", 4)), ("four".into(), "fünf…".into()));
    }
}
