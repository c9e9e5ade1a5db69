//! Faults by order: which call of which program on which node ends how. Data; the doubles' dispatcher obeys it.

use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Fault {
    /// None: any node.
    pub node: Option<String>,
    /// Program name; `api` for requests to the API servers (its code is then the HTTP status); `container` for a container of a static
    /// pod, which ends right after its start (its text is then the image).
    pub program: String,
    /// Somewhere in the joined arguments (for `api`: `METHOD path`).
    pub contains: String,
    /// How many calls are hit; then it is gone.
    pub times: u32,
    pub action: FaultAction,
}

#[derive(Debug, Clone)]
pub enum FaultAction {
    /// Nothing happens, and it fails.
    Fail { code: i32, stderr: String },
    /// All of it happens, and it fails all the same.
    FailAfter { code: i32, stderr: String },
    /// It takes longer.
    Delay(Duration),
    /// It never ends.
    Hang,
}

impl Fault {
    pub fn new(program: &str, contains: &str, action: FaultAction) -> Self {
        Self { node: None, program: program.into(), contains: contains.into(), times: 1, action }
    }
    pub fn on(mut self, node: &str) -> Self {
        self.node = Some(node.into());
        self
    }
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }
    pub fn hits(&self, node: &str, program: &str, text: &str) -> bool {
        let here = self.node.as_deref().is_none_or(|n| n == node);
        self.times > 0 && here && self.program == program && text.contains(&self.contains)
    }
}
