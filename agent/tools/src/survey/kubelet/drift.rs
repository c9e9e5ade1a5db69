//! Differences between the running kubelet and the files of its next start: for each flag both values, and the file. Compares without
//! judging.

use super::super::Site;
use super::{running, start};
use podlift_model::FlagSet;
use podlift_model::survey::Seen;
use std::collections::BTreeMap;
use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    pub flag: String,
    /// Value in the process; `None` if it does not have the flag.
    pub running: Option<String>,
    /// Value at the next start; `None` if it would not have the flag.
    pub next: Option<String>,
    /// The file that sets `next`.
    pub file: Option<String>,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { flag, running, next, file } = self;
        match running {
            Some(value) => write!(f, "it runs with --{flag}={value}, ")?,
            None => write!(f, "it runs without --{flag}, ")?,
        }
        match (next, file) {
            (Some(value), Some(file)) => write!(f, "and {file} says --{flag}={value}"),
            (Some(value), None) => write!(f, "and its next start would have --{flag}={value}"),
            (None, _) => write!(f, "and no unit, drop-in or environment file says it"),
        }
    }
}

/// The error says which side can't be known, and why.
pub async fn look(site: &Site<'_>) -> Seen<Vec<Drift>> {
    let next = start::look(site)?;
    Ok(between(&running::look(site).await?, &next.flags, &next.origins))
}

fn between(running: &FlagSet, next: &FlagSet, origins: &BTreeMap<String, String>) -> Vec<Drift> {
    let changes = running.changes_to("kubelet", next).into_iter();
    let drift = changes.map(|change| Drift {
        file: origins.get(&change.flag).cloned(),
        flag: change.flag,
        running: change.live,
        next: change.rendered,
    });
    drift.collect()
}
