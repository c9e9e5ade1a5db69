//! What the heal last reported of each file: why a repair failed, and what it logged. A line is logged when it changes, and not at every
//! tick.

use crate::mend::MendError;
use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct Notices {
    /// Why the last repair of a file failed.
    failed: BTreeMap<String, String>,
    /// Why the repair of a rule's finding failed, by file and rule.
    failed_rules: BTreeMap<String, BTreeMap<&'static str, String>>,
    logged: BTreeMap<String, Vec<String>>,
}

impl Notices {
    /// Whether the repair of any file failed, so that it has to be tried again.
    pub fn any_failed(&self) -> bool {
        !self.failed.is_empty()
    }

    pub fn why(&self, file: &str) -> Option<&String> {
        self.failed.get(file)
    }

    pub fn why_rule(&self, file: &str, rule: &str) -> Option<&String> {
        self.failed_rules.get(file)?.get(rule)
    }

    /// The file can't be repaired.
    pub fn fail(&mut self, file: &str, why: String) {
        self.log(file, vec![format!("{file} can't be repaired: {why}")]);
        self.failed.insert(file.into(), why);
    }

    /// These rules can't be repaired; the file itself can.
    pub fn fail_rules(&mut self, file: &str, rules: &[(&'static str, MendError)]) {
        self.failed.remove(file);
        let whys = rules.iter().map(|(rule, why)| (*rule, why.to_string())).collect();
        self.failed_rules.insert(file.into(), whys);
        self.log(file, rules.iter().map(|(rule, why)| format!("{rule} can't be repaired: {why}")).collect());
    }

    /// Nothing of the file is to be repaired.
    pub fn rests(&mut self, file: &str) {
        self.failed.remove(file);
        self.failed_rules.remove(file);
    }

    /// The file was repaired: whatever is found next is logged.
    pub fn repaired(&mut self, file: &str) {
        self.failed.remove(file);
        self.logged.remove(file);
    }

    pub fn log(&mut self, file: &str, lines: Vec<String>) {
        if self.logged.get(file).is_some_and(|logged| *logged == lines) {
            return;
        }
        for line in &lines {
            tracing::warn!(file, "{line}");
        }
        self.logged.insert(file.into(), lines);
    }
}
