//! Watches: the list first where no resourceVersion is given, then events as they come; 410 in the stream for a version that is
//! forgotten. A watch ends with its API server.

use super::route::{Call, Target};
use super::selectors::Selector;
use super::{Reply, read, status};
use crate::world::World;
use crate::world::objects::Event;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

struct Watch {
    world: Arc<World>,
    front: String,
    /// The container that serves it.
    server: Option<String>,
    target: Target,
    selector: Selector,
    seen: u64,
    queue: VecDeque<Value>,
    changes: tokio::sync::watch::Receiver<u64>,
    deadline: Option<tokio::time::Instant>,
    ended: bool,
}

pub fn watch(world: &Arc<World>, front: &str, target: Target, call: &Call) -> Reply {
    let from: Option<u64> = call.get("resourceVersion").and_then(|v| v.parse().ok()).filter(|v| *v > 0);
    let changes = world.changes();
    let selector = Selector::of(call);
    let (queue, seen, ended) = start(world, &target, &selector, from);
    let seconds = call.get("timeoutSeconds").and_then(|t| t.parse().ok()).map(Duration::from_secs);
    let deadline = seconds.map(|d| tokio::time::Instant::now() + d);
    let server = server(world, front);
    let state = Watch {
        world: world.clone(),
        front: front.into(),
        server,
        target,
        selector,
        seen,
        queue,
        changes,
        deadline,
        ended,
    };
    let stream = futures_util::stream::unfold(state, |mut w| async move {
        let event = w.next().await?;
        Some((Ok::<_, Infallible>(Frame::data(Bytes::from(format!("{event}\n")))), w))
    });
    status::stream(StreamBody::new(stream.boxed()).boxed_unsync())
}

fn server(world: &World, front: &str) -> Option<String> {
    let s = world.lock();
    let up = s.fronts().iter().any(|f| f == front);
    s.nodes.get(front).and_then(|n| n.container("kube-apiserver")).filter(|_| up).map(|c| c.id.clone())
}

fn start(
    world: &World,
    target: &Target,
    selector: &Selector,
    from: Option<u64>,
) -> (VecDeque<Value>, u64, bool) {
    let s = world.lock();
    match from {
        Some(v) if v < s.api.forgotten => {
            let message = format!("too old resource version: {v} ({})", s.api.forgotten);
            let object = status::status_body(410, "Expired", &message, Value::Null);
            (VecDeque::from([json!({"type": "ERROR", "object": object})]), v, true)
        }
        Some(v) => (VecDeque::new(), v, false),
        None => {
            let all = s.api.of(target.kind.group, target.kind.resource);
            let here = all.filter(|(k, v)| {
                read::in_namespace(target, &k.namespace) && named(target, &k.name) && selector.matches(v)
            });
            (here.map(|(_, v)| json!({"type": "ADDED", "object": v})).collect(), s.api.version, false)
        }
    }
}

fn named(target: &Target, name: &str) -> bool {
    target.name.is_empty() || target.name == name
}

impl Watch {
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(event);
            }
            if self.ended || server(&self.world, &self.front) != self.server {
                return None;
            }
            self.changes.mark_unchanged();
            self.collect();
            if !self.queue.is_empty() {
                continue;
            }
            let over = async {
                match self.deadline {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = self.changes.changed() => changed.ok()?,
                () = over => return None,
            }
        }
    }

    fn collect(&mut self) {
        let s = self.world.lock();
        for e in s.api.since(self.seen) {
            let mine = e.key.group == self.target.kind.group && e.key.resource == self.target.kind.resource;
            if mine && read::in_namespace(&self.target, &e.key.namespace) && named(&self.target, &e.key.name)
            {
                self.queue.extend(shown(e, &self.selector));
            }
        }
        self.seen = s.api.version;
    }
}

/// As a selector sees it: an object that leaves the selection is deleted for that watch.
fn shown(e: &Event, selector: &Selector) -> Option<Value> {
    let was = e.before.as_ref().is_some_and(|b| selector.matches(b));
    let is = e.kind != "DELETED" && selector.matches(&e.object);
    let kind = match (was, is) {
        (false, true) => "ADDED",
        (true, true) => "MODIFIED",
        (true, false) => "DELETED",
        (false, false) => return None,
    };
    Some(json!({"type": kind, "object": e.object}))
}
