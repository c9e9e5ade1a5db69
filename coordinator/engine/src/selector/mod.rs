//! Kubernetes' selector syntax over labels and other keys of nodes: `role=worker,state!=upgraded,zone in (a,b),!gpu`. This module does no
//! IO.

mod parse;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

/// Columns and labels of a row by key. An absent key has no entry.
pub type Keys = BTreeMap<String, String>;

/// Requirements that must all hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector {
    wanted: Vec<Requirement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    how: How,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum How {
    /// `=`, `==`, `in`.
    In(BTreeSet<String>),
    /// `!=`, `notin`. An absent key matches, as in Kubernetes.
    NotIn(BTreeSet<String>),
    Exists,
    Absent,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {position}: {found}, expected {expected}")]
pub struct SelectorError {
    /// Position in the text, from 1.
    pub position: usize,
    pub found: String,
    pub expected: &'static str,
}

impl Selector {
    pub fn matches(&self, keys: &Keys) -> bool {
        self.wanted.iter().all(|r| r.holds(keys.get(&r.key)))
    }
}

impl Requirement {
    fn holds(&self, value: Option<&String>) -> bool {
        match &self.how {
            How::In(values) => value.is_some_and(|v| values.contains(v)),
            How::NotIn(values) => value.is_none_or(|v| !values.contains(v)),
            How::Exists => value.is_some(),
            How::Absent => value.is_none(),
        }
    }
}

impl std::str::FromStr for Selector {
    type Err = SelectorError;
    fn from_str(text: &str) -> Result<Self, SelectorError> {
        parse::selector(text)
    }
}
