//! Limits of one agent: bytes of a message, of a document and of a name, and the rates of messages, Hellos and heals. Every limit concerns
//! one agent alone: an agent that floods slows down or loses its own session, never another agent's.

use podlift_common::wire::WireError;
use podlift_model::{Failure, Look, OpOutcome};
use podlift_proto::v1;
use std::time::Duration;
use tokio::time::Instant;

/// Bytes of one message of an agent. The largest legitimate ones are surveys and parts of backups, below 2 MiB.
pub const MESSAGE: usize = 8 << 20;
/// Bytes of a node's facts. Real ones have about ten thousand.
pub(super) const FACTS: usize = 1 << 20;
/// Bytes of a heal, including its diff.
pub(super) const HEAL: usize = 64 << 10;
/// Bytes of an op's outcome, which goes into the journal.
const OUTCOME: usize = 256 << 10;
/// Nesting levels of a document. Facts have six.
const DEPTH: usize = 32;
/// Runs that one agent may remember.
pub(super) const RUNS: usize = 4096;
/// Characters of a progress line, and of any text of an agent that is shown or logged.
pub(super) const LINE: usize = 1000;
const QUOTED: usize = 80;

/// How long the agent may take for a look that is slower than most; `None` for every other look. BCM's tools run one at a time, each with a
/// limit of two minutes, and the files of an image are tens of gigabytes.
pub(crate) fn of_look(look: &Look) -> Option<Duration> {
    let minutes = |n: u64| Some(Duration::from_secs(60 * n));
    match look {
        Look::BcmImage { .. } => minutes(15),
        Look::BcmNodes | Look::BcmImages | Look::BcmProvisioning | Look::BcmSync { .. } => minutes(5),
        Look::BcmHead | Look::BcmClusters => minutes(5),
        look if look.is_of_head() => minutes(3),
        _ => None,
    }
}

/// A burst, and one more token in each `per`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    pub burst: u32,
    pub per: Duration,
}

/// Sessions that one certificate may begin. An agent's own back-off begins at one second.
pub(super) const HELLOS: Rate = Rate { burst: 20, per: Duration::from_secs(1) };
/// Memories that one node may lose. Each loss is a record in the journal.
pub(super) const LEDGERS: Rate = Rate { burst: 10, per: Duration::from_secs(60) };
/// Heals of one node. An agent limits itself to about ten an hour, and may have kept those of a night.
pub(super) const HEALS: Rate = Rate { burst: 60, per: Duration::from_secs(60) };
/// Messages of one session. Above this rate the session is read more slowly.
pub(super) const MESSAGES: Rate = Rate { burst: 1000, per: Duration::from_millis(2) };
/// Facts of one session. Above this rate the session is read more slowly.
pub(super) const NEWS: Rate = Rate { burst: 20, per: Duration::from_millis(500) };
/// Log lines about messages that cannot be read.
pub(super) const COMPLAINTS: Rate = Rate { burst: 5, per: Duration::from_secs(60) };

/// A token bucket, kept as the time at which it would be full again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    rate: Rate,
    full: Option<Instant>,
}

impl Bucket {
    pub fn new(rate: Rate) -> Self {
        Self { rate, full: None }
    }

    /// Takes a token. Returns false, and takes none, if none is left.
    pub fn take(&mut self) -> bool {
        let wait = self.wait();
        if wait.is_zero() {
            self.spend();
        }
        wait.is_zero()
    }

    /// Takes a token in any case. Returns the pause that is due before it is used.
    pub fn borrow(&mut self) -> Duration {
        let wait = self.wait();
        self.spend();
        wait
    }

    fn wait(&self) -> Duration {
        let now = Instant::now();
        let due = self.full.unwrap_or(now).saturating_duration_since(now) + self.rate.per;
        due.saturating_sub(self.rate.per * self.rate.burst)
    }

    fn spend(&mut self) {
        let now = Instant::now();
        self.full = Some(self.full.unwrap_or(now).max(now) + self.rate.per);
    }
}

/// Checks that a document is small and flat enough to be read.
pub(super) fn document(
    field: &'static str,
    document: Option<&v1::Document>,
    limit: usize,
) -> Result<(), WireError> {
    let Some(document) = document else { return Ok(()) };
    if document.kind.len() > QUOTED {
        return Err(WireError::new(field, format!("its kind has {} bytes", document.kind.len())));
    }
    if document.json.len() > limit {
        let why = format!("it has {} bytes, at most {limit} are accepted", document.json.len());
        return Err(WireError::new(field, why));
    }
    match depth(&document.json) {
        levels if levels > DEPTH => {
            Err(WireError::new(field, format!("it has {levels} levels, at most {DEPTH} are accepted")))
        }
        _ => Ok(()),
    }
}

/// The deepest nesting, found without parsing.
fn depth(json: &str) -> usize {
    let (mut now, mut deepest, mut quoted, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                now += 1;
                deepest = deepest.max(now);
            }
            b']' | b'}' if !quoted => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// What is recorded instead of an op's outcome that is too large for the journal; `None` if it is small enough.
pub(super) fn too_large(outcome: &v1::Outcome) -> Option<OpOutcome> {
    let failure = outcome.failure.as_ref().map_or(0, |f| f.code.len() + f.message.len() + f.detail.len());
    let bytes = outcome.output.as_ref().map_or(0, |d| d.json.len()) + failure + outcome.why.len();
    if bytes <= OUTCOME {
        return None;
    }
    let why = format!("the agent's report of the outcome has {bytes} bytes, at most {OUTCOME} are accepted");
    Some(OpOutcome::Indeterminate { why })
}

/// A refusal, cut to a size that the journal accepts.
pub(super) fn failure(failure: Failure) -> Failure {
    let Failure { class, code, message, detail } = failure;
    Failure {
        class,
        code: cut(&code, QUOTED),
        message: cut(&message, 4 * LINE),
        detail: cut(&detail, OUTCOME),
    }
}

/// A text of an agent, cut to a line for a message or a log.
pub(super) fn quoted(text: &str) -> String {
    cut(text, QUOTED)
}

pub(super) fn cut(text: &str, at_most: usize) -> String {
    match text.char_indices().nth(at_most) {
        None => text.into(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// A wire error, without the full text of what was sent.
pub(super) fn short(error: WireError) -> WireError {
    WireError { field: error.field, why: cut(&error.why, LINE / 2) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_bucket_gives_its_burst_and_then_one_each_interval() {
        let rate = Rate { burst: 3, per: Duration::from_secs(10) };
        let mut bucket = Bucket::new(rate);
        let taken = (0..10).filter(|_| bucket.take()).count();
        assert_eq!(taken, 3);
        tokio::time::advance(Duration::from_secs(9)).await;
        assert!(!bucket.take());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(bucket.take() && !bucket.take());
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!((0..10).filter(|_| bucket.take()).count(), 3, "it never holds more than its burst");
        assert_eq!(bucket.borrow(), Duration::from_secs(10));
    }

    #[test]
    fn documents_are_measured_before_they_are_read() {
        let of = |json: &str| v1::Document { kind: "podlift.facts/v1".into(), json: json.into() };
        for (json, fine) in [
            ("{\"a\":[1,2,{}]}", true),
            (&"[".repeat(33), false),
            (&format!("\"{}\"", "[".repeat(90)), true),
            (&format!("\"{}\"", "\\\"[".repeat(30)), true),
            (&"x".repeat(200), false),
        ] {
            assert_eq!(document("facts", Some(&of(json)), 100).is_ok(), fine, "{json}");
        }
        let long = v1::Document { kind: "k".repeat(1000), json: String::new() };
        assert!(document("facts", Some(&long), 100).is_err());
    }

    #[test]
    fn what_is_cut_stays_text() {
        assert_eq!((cut("äöü", 2), cut("äöü", 3)), ("äö…".into(), "äöü".into()));
    }
}
