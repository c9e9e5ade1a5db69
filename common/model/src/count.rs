//! Numbers with their nouns and verbs in texts for people.

use std::fmt::Display;

/// `1 worker`, `3 workers`: a number with its noun, which is given in the singular. A word before the noun stays as it is.
pub fn count<N: Display + PartialEq + From<u8>>(n: N, noun: &str) -> String {
    let end = if n == N::from(1) { "" } else { "s" };
    format!("{n} {noun}{end}")
}

/// The form of a word that agrees with the number: `agree(n, "is", "are")`.
pub fn agree<N: PartialEq + From<u8>>(n: N, one: &'static str, many: &'static str) -> &'static str {
    if n == N::from(1) { one } else { many }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noun_follows_its_number() {
        assert_eq!((count(0, "node"), count(1_u64, "API server")), ("0 nodes".into(), "1 API server".into()));
        assert_eq!(
            (count(2_usize, "more pod"), count(-1_i32, "day")),
            ("2 more pods".into(), "-1 days".into())
        );
        assert_eq!((agree(1, "is", "are"), agree(2_u32, "is", "are")), ("is", "are"));
    }
}
