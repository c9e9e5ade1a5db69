//! Lists in sentences: the first entries, and the number of the others.

use std::fmt::Display;

/// `a, b and 7 more`: at most so many entries.
pub(crate) fn listed<T: Display>(all: impl IntoIterator<Item = T>, most: usize) -> String {
    joined(all, most, ", ", "")
}

/// `a; b; and 7 more`, for entries that have commas of their own.
pub(crate) fn listed_long<T: Display>(all: impl IntoIterator<Item = T>, most: usize) -> String {
    joined(all, most, "; ", ";")
}

fn joined<T: Display>(
    all: impl IntoIterator<Item = T>,
    most: usize,
    mark: &str,
    before_last: &str,
) -> String {
    let mut all = all.into_iter();
    let shown: Vec<String> = all.by_ref().take(most).map(|entry| entry.to_string()).collect();
    match all.count() {
        0 => shown.join(mark),
        more => format!("{}{before_last} and {more} more", shown.join(mark)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_ends_with_a_number() {
        for (all, most, want) in [
            (vec![], 2, ""),
            (vec!["a"], 2, "a"),
            (vec!["a", "b"], 2, "a, b"),
            (vec!["a", "b", "c"], 2, "a, b and 1 more"),
            (vec!["a", "b", "c", "d"], 1, "a and 3 more"),
        ] {
            assert_eq!(listed(all, most), want);
        }
        assert_eq!(listed_long([1, 2, 3], 2), "1; 2; and 1 more");
    }
}
