//! The content of a transient unit. The agent starts and finds the unit.

use std::time::Duration;

/// The program of a unit and its limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitSpec {
    pub program: &'static str,
    pub args: Vec<String>,
    /// The whole environment except PATH.
    pub env: Vec<(&'static str, String)>,
    /// Time after which systemd ends the unit; `None` if it is never ended from outside.
    pub limit: Option<Duration>,
    /// A command that must succeed before it in the same unit; empty for none.
    pub first: Vec<String>,
}

impl UnitSpec {
    pub fn new<S: Into<String>>(program: &'static str, args: impl IntoIterator<Item = S>) -> Self {
        let args = args.into_iter().map(Into::into).collect();
        Self { program, args, env: vec![("LC_ALL", "C.UTF-8".into())], limit: None, first: Vec::new() }
    }
    /// Runs only after this command has succeeded.
    pub fn after(mut self, command: &[&str]) -> Self {
        self.first = command.iter().map(ToString::to_string).collect();
        self
    }
    pub fn env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.env.push((name, value.into()));
        self
    }
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }
}
