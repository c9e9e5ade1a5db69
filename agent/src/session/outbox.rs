//! Messages of a session to the coordinator.

use podlift_proto::v1::{self, from_agent};
use tokio::sync::mpsc;

/// The sender that the parts of a session share.
#[derive(Clone)]
pub(super) struct Outbox(mpsc::Sender<v1::FromAgent>);

impl Outbox {
    pub fn of(sender: mpsc::Sender<v1::FromAgent>) -> Self {
        Self(sender)
    }

    /// Returns false if the session is over.
    pub async fn send(&self, kind: from_agent::Kind) -> bool {
        self.0.send(v1::FromAgent { kind: Some(kind) }).await.is_ok()
    }
}
