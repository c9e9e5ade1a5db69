//! Faults by order: which call of which program on which node ends how. Data; the doubles' dispatcher obeys it.

use jiff::Timestamp;
use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Fault {
    /// None: any node.
    pub node: Option<String>,
    /// Program name; `api` for requests to the API servers (its code is then the HTTP status); `container` for a container of a static
    /// pod, which ends right after its start (its text is then the image).
    pub program: String,
    /// Somewhere in the joined arguments (for `api`: `verb METHOD path`, where the verb is list, get, watch, evict, create, update, patch,
    /// delete or deletecollection).
    pub contains: String,
    /// How many calls are hit; then it is gone.
    pub times: u32,
    /// It hits nothing from then on.
    pub until: Option<Timestamp>,
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
    /// Only of `api`; a tool that is hit by it runs as ever.
    Api(ApiFault),
}

/// How an API server, or the network in front of it, fails a request.
#[derive(Debug, Clone)]
pub enum ApiFault {
    /// 429 of priority and fairness: plain text with a Retry-After, and no Status.
    Busy { retry_after: u32 },
    /// The connection ends without an answer.
    Reset,
}

impl Fault {
    pub fn new(program: &str, contains: &str, action: FaultAction) -> Self {
        Self { node: None, program: program.into(), contains: contains.into(), times: 1, until: None, action }
    }
    pub fn on(mut self, node: &str) -> Self {
        self.node = Some(node.into());
        self
    }
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }
    /// As many calls as there are until then.
    pub fn until(mut self, end: Timestamp) -> Self {
        (self.times, self.until) = (u32::MAX, Some(end));
        self
    }
    pub fn hits(&self, node: &str, program: &str, text: &str, now: Timestamp) -> bool {
        let here = self.node.as_deref().is_none_or(|n| n == node) && self.until.is_none_or(|end| now < end);
        self.times > 0 && here && self.program == program && text.contains(&self.contains)
    }
}
