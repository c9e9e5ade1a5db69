//! The grammar, read from left to right: requirements are separated by commas; commas inside `( )` belong to their list.

use super::{How, Requirement, Selector, SelectorError};
use std::collections::BTreeSet;

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

pub(super) fn selector(text: &str) -> Result<Selector, SelectorError> {
    let mut reader = Reader { text, at: 0 };
    let mut wanted = vec![reader.requirement()?];
    while !reader.at_end() {
        reader.expect(",", "a comma or the end")?;
        wanted.push(reader.requirement()?);
    }
    Ok(Selector { wanted })
}

/// Characters of keys and values. A key may have a prefix with `/`.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/')
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn at_end(&mut self) -> bool {
        self.blanks();
        self.rest().is_empty()
    }

    fn take(&mut self, token: &str) -> bool {
        self.blanks();
        let there = self.rest().starts_with(token);
        self.at += if there { token.len() } else { 0 };
        there
    }

    fn expect(&mut self, token: &str, expected: &'static str) -> Result<(), SelectorError> {
        if self.take(token) { Ok(()) } else { Err(self.error(expected)) }
    }

    fn error(&self, expected: &'static str) -> SelectorError {
        let found = self.rest().chars().next().map_or("the end".into(), |c| format!("{c:?}"));
        SelectorError { position: self.text[..self.at].chars().count() + 1, found, expected }
    }

    /// Reads a word, which may be empty.
    fn word(&mut self) -> String {
        self.blanks();
        let word: String = self.rest().chars().take_while(|c| is_word(*c)).collect();
        self.at += word.len();
        word
    }

    fn key(&mut self) -> Result<String, SelectorError> {
        self.blanks();
        match self.word() {
            word if word.is_empty() => Err(self.error("a key")),
            word => Ok(word),
        }
    }

    fn requirement(&mut self) -> Result<Requirement, SelectorError> {
        if self.take("!") {
            return Ok(Requirement { key: self.key()?, how: How::Absent });
        }
        let key = self.key()?;
        let how = self.how()?;
        Ok(Requirement { key, how })
    }

    fn how(&mut self) -> Result<How, SelectorError> {
        const OPERATOR: &str = "=, ==, !=, in (…), notin (…), a comma or the end";
        if self.at_end() || self.rest().starts_with(',') {
            return Ok(How::Exists);
        }
        if self.take("!=") {
            return Ok(How::NotIn(BTreeSet::from([self.word()])));
        }
        if self.take("==") || self.take("=") {
            return Ok(How::In(BTreeSet::from([self.word()])));
        }
        let before = self.at;
        match self.word().as_str() {
            "in" => self.list().map(How::In),
            "notin" => self.list().map(How::NotIn),
            _ => {
                self.at = before;
                Err(self.error(OPERATOR))
            }
        }
    }

    fn list(&mut self) -> Result<BTreeSet<String>, SelectorError> {
        self.expect("(", "( before the values")?;
        let mut values = BTreeSet::from([self.word()]);
        while self.take(",") {
            values.insert(self.word());
        }
        self.expect(")", "a comma or ) after the values")?;
        Ok(values)
    }
}
