//! Heartbeats: they show that the agent lives, and carry its facts when these changed. Costly facts are read again when something may have
//! changed them, and at regular intervals.

use super::outbox::Outbox;
use crate::look::facts::{Installed, assemble, installed};
use crate::node::Node;
use podlift_common::rhythm;
use podlift_common::wire::to_document;
use podlift_host::paths;
use podlift_model::documents::FACTS;
use podlift_proto::v1::{self, from_agent};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Number of heartbeats after which costly facts are read again, because a person may have replaced a binary.
const ASK_AGAIN: u64 = 60;

/// Signs that packages may have changed: dpkg's database, and the agent's own mutations.
type Stamp = (Option<(u64, i128, u64)>, u64);

fn stamp(node: &Node) -> Stamp {
    let dpkg = node.host.files.stat(Path::new(paths::DPKG_STATUS)).ok().map(|s| (s.inode, s.ctime, s.size));
    (dpkg, node.changes.load(Ordering::Relaxed))
}

pub(super) async fn beat(
    node: Arc<Node>,
    outbox: Outbox,
    every: watch::Receiver<Duration>,
    known: Installed,
) {
    let mut known = known;
    let mut seen = stamp(&node);
    let mut told = assemble(&node, &known);
    for sequence in 1.. {
        let pause = *every.borrow();
        sleep_until(rhythm::next(node.origin, Instant::now(), pause)).await;
        let now = stamp(&node);
        if now != seen || sequence % ASK_AGAIN == 0 {
            known = installed(&node).await;
            seen = now;
        }
        let facts = assemble(&node, &known);
        let changed = (facts != told).then(|| to_document(FACTS, &facts));
        told = facts;
        if !outbox.send(from_agent::Kind::Heartbeat(v1::Heartbeat { sequence, facts: changed })).await {
            return;
        }
    }
}
