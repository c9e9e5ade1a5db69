//! Sessions as channels: an agent and whichever coordinator is there now, without a network. A dead agent's words get no further.

use crate::cut::Cut;
mod mischief;

use podlift_agent::link::{Channel, Link, LinkError};
use podlift_common::tls::{Identity, Role, Subject};
use podlift_coordinator::Hub;
use podlift_model::ClusterName;
use podlift_proto::v1;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;

/// Where agents find the coordinator.
#[derive(Clone, Default)]
pub struct Board(Arc<Mutex<Option<Arc<Hub>>>>);

impl Board {
    pub fn put(&self, hub: Option<Arc<Hub>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = hub;
    }
    pub fn hub(&self) -> Option<Arc<Hub>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a network may do to an agent's outcomes; order within a stream is TCP's, but an agent may tell late and tell twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mischief {
    #[default]
    None,
    /// Each outcome arrives so much later.
    Late,
    /// Each outcome arrives twice.
    Doubled,
    /// An outcome arrives after what was said behind it.
    Reordered,
}

/// How late.
const LATE: Duration = Duration::from_secs(45);

pub struct PodLink {
    pub mischief: Mischief,
    pub board: Board,
    pub cluster: ClusterName,
    pub subject: Subject,
    pub cut: Arc<Cut>,
}

#[async_trait::async_trait]
impl Link for PodLink {
    async fn open(&self) -> Result<Channel, LinkError> {
        let error = |why: String| LinkError { to: "coordinator".into(), why };
        let hub = self.board.hub().ok_or_else(|| error("no hub is there".into()))?;
        let peer =
            Identity { cluster: self.cluster.clone(), subject: self.subject.clone(), role: Role::Viewer };
        let (send, outgoing) = mpsc::channel::<v1::FromAgent>(256);
        let (incoming, receive) = mpsc::channel(256);
        let cut = self.cut.clone();
        let alive = move |message: v1::FromAgent| (!cut.is_dead()).then_some(Ok(message));
        let words = mischief::apply(self.mischief, outgoing).map_while(alive);
        // In a task: the hub waits for our first word before it answers.
        tokio::spawn(async move {
            match hub.attach(peer, words).await {
                Err(status) => drop(incoming.send(Err(status)).await),
                Ok(mut answers) => {
                    drop(hub);
                    while let Some(answer) = answers.recv().await {
                        if incoming.send(answer.map(|message| *message)).await.is_err() {
                            return;
                        }
                    }
                }
            }
        });
        Ok(Channel { send, receive })
    }
}
