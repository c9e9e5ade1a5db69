//! The shape of a check.

use super::{Checked, Group, Outcome, Scene};
use crate::program::Severity;

/// Lines of evidence that a document keeps of one check.
const LINES: usize = 20;

pub(super) struct Check {
    pub id: &'static str,
    pub title: &'static str,
    pub group: Group,
    /// What a failure means, unless the verdict says less.
    pub severity: Severity,
    pub judge: fn(&Scene) -> Verdict,
}

pub(super) struct Verdict {
    pub result: Outcome,
    pub evidence: Vec<String>,
    pub next: String,
    /// A failure that means less than the check's own severity.
    pub severity: Option<Severity>,
}

pub(super) fn passed(evidence: impl Into<String>) -> Verdict {
    Verdict { result: Outcome::Passed, evidence: vec![evidence.into()], next: String::new(), severity: None }
}

pub(super) fn failed(evidence: Vec<String>, next: impl Into<String>) -> Verdict {
    Verdict { result: Outcome::Failed, evidence, next: next.into(), severity: None }
}

pub(super) fn open(why: impl Into<String>, next: impl Into<String>) -> Verdict {
    Verdict { result: Outcome::Open, evidence: vec![why.into()], next: next.into(), severity: None }
}

impl Verdict {
    pub fn means(self, severity: Severity) -> Self {
        Self { severity: Some(severity), ..self }
    }

    /// With more lines of evidence.
    pub fn and(mut self, more: impl IntoIterator<Item = String>) -> Self {
        self.evidence.extend(more);
        self
    }

    pub fn checked(self, id: String, title: String, group: Group, severity: Severity) -> Checked {
        let mut evidence = self.evidence;
        if evidence.len() > LINES {
            let more = evidence.len() + 1 - LINES;
            evidence.truncate(LINES - 1);
            evidence.push(format!("and {more} more"));
        }
        Checked {
            id,
            title,
            group,
            severity: self.severity.unwrap_or(severity),
            result: self.result,
            evidence,
            next: if self.result == Outcome::Passed { String::new() } else { self.next },
        }
    }
}

impl Check {
    pub fn make(&self, scene: &Scene) -> Checked {
        (self.judge)(scene).checked(self.id.into(), self.title.into(), self.group, self.severity)
    }
}

/// The parts of a map that could not be seen, each with its reason.
pub(super) fn unseen<'a, K: std::fmt::Display + 'a, T: 'a>(
    all: impl IntoIterator<Item = (&'a K, &'a Result<T, String>)>,
) -> Vec<String> {
    all.into_iter().filter_map(|(name, seen)| Some(format!("{name}: {}", seen.as_ref().err()?))).collect()
}
