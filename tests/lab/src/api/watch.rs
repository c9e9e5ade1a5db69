//! Watches: the list first where no resourceVersion is given, then events as they come, a bookmark each minute where they are allowed;
//! 410 in the stream for a version that is forgotten. A watch ends with its API server.

use super::route::{Call, Target, Wants};
use super::selectors::Selector;
use super::{Reply, read, shown, status};
use crate::objects::{Event, Key};
use crate::world::World;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Interval of bookmarks in a quiet watch.
const BOOKMARK: Duration = Duration::from_secs(60);

struct Watch {
    call: Call,
    world: Arc<World>,
    front: String,
    /// The container that serves it.
    server: Option<String>,
    target: Target,
    selector: Selector,
    seen: u64,
    queue: VecDeque<(Value, Option<Instant>)>,
    changes: tokio::sync::watch::Receiver<u64>,
    deadline: Option<Instant>,
    bookmark: Option<Instant>,
    /// Whether the columns of a table were sent; they are sent once.
    columns_sent: bool,
    ended: bool,
}

pub fn watch(world: &Arc<World>, front: &str, target: Target, call: Call) -> Reply {
    if call.wants() == Wants::Other {
        return status::not_acceptable();
    }
    let from: Option<u64> = call.get("resourceVersion").and_then(|v| v.parse().ok()).filter(|v| *v > 0);
    let changes = world.changes();
    let selector = match Selector::of(target.kind, &call) {
        Ok(selector) => selector,
        Err(e) => return status::bad_request(&e),
    };
    let from = from.filter(|_| !call.flag("sendInitialEvents"));
    let (mut queue, seen, ended) = start(world, &target, &selector, from);
    let bookmarks = call.flag("allowWatchBookmarks");
    if bookmarks && call.flag("sendInitialEvents") && !ended {
        queue.push_back((bookmark(&target, seen, true), None));
    }
    let seconds = call.get("timeoutSeconds").and_then(|t| t.parse().ok()).map(Duration::from_secs);
    let deadline = seconds.map(|d| Instant::now() + d);
    let server = server(world, front);
    let state = Watch {
        bookmark: bookmarks.then(|| Instant::now() + BOOKMARK),
        columns_sent: false,
        call,
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
        let (event, changed) = w.next().await?;
        let event = w.form(event);
        if let Some(at) = changed {
            w.world.traffic.delayed(at.elapsed());
        }
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
) -> (VecDeque<(Value, Option<Instant>)>, u64, bool) {
    let s = world.lock();
    match from {
        Some(v) if v < s.api.forgotten => {
            let message = format!("too old resource version: {v} ({})", s.api.forgotten);
            let object = status::status_body(410, "Expired", &message, Value::Null);
            (VecDeque::from([(json!({"type": "ERROR", "object": object}), None)]), v, true)
        }
        Some(v) => (VecDeque::new(), v, false),
        None => {
            let all = s.api.of(target.kind.group, target.kind.resource);
            let here = all.filter(|(k, v)| {
                read::in_namespace(target, &k.namespace) && named(target, &k.name) && selector.matches(v)
            });
            let added = |(_, v): (&Key, &Value)| (json!({"type": "ADDED", "object": v}), None);
            (here.map(added).collect(), s.api.version, false)
        }
    }
}

fn named(target: &Target, name: &str) -> bool {
    target.name.is_empty() || target.name == name
}

impl Watch {
    /// With the moment of the change, where it is one.
    async fn next(&mut self) -> Option<(Value, Option<Instant>)> {
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
            let over = sleep_until(self.deadline);
            tokio::select! {
                changed = self.changes.changed() => changed.ok()?,
                () = over => return None,
                () = sleep_until(self.bookmark) => {
                    self.bookmark = Some(Instant::now() + BOOKMARK);
                    self.queue.push_back((bookmark(&self.target, self.seen, false), None));
                }
            }
        }
    }

    /// In the form that was asked for; the columns of a table come with its first event only.
    fn form(&mut self, mut event: Value) -> Value {
        if event["type"] == "ERROR" || (event["type"] == "BOOKMARK" && self.call.wants() != Wants::Table) {
            return event;
        }
        let object = event["object"].take();
        let mut object = shown::one(&self.world, &self.target, &self.call, &object);
        if object["kind"] == "Table" && std::mem::replace(&mut self.columns_sent, true) {
            object["columnDefinitions"] = Value::Null;
        }
        event["object"] = object;
        event
    }

    fn collect(&mut self) {
        let s = self.world.lock();
        for e in s.api.since(self.seen) {
            let mine = e.key.group == self.target.kind.group && e.key.resource == self.target.kind.resource;
            if mine && read::in_namespace(&self.target, &e.key.namespace) && named(&self.target, &e.key.name)
            {
                self.queue.extend(seen(e, &self.selector).map(|event| (event, Some(e.at))));
            }
        }
        self.seen = s.api.version;
    }
}

/// As a selector sees it: an object that leaves the selection is deleted for that watch.
fn seen(e: &Event, selector: &Selector) -> Option<Value> {
    let was = e.before.as_ref().is_some_and(|b| selector.matches(b));
    let is = e.kind != "DELETED" && selector.matches(&e.object);
    let kind = match (was, is) {
        (false, true) => "ADDED",
        (true, true) => "MODIFIED",
        (true, false) => "DELETED",
        (false, false) => return None,
    };
    let object = match (kind, &e.before) {
        // It still is, but not in this selection: as it was, at the version that took it out.
        ("DELETED", Some(before)) if e.kind != "DELETED" => {
            let mut v = Value::clone(before);
            v["metadata"]["resourceVersion"] = json!(e.version.to_string());
            v
        }
        _ => Value::clone(&e.object),
    };
    Some(json!({"type": kind, "object": object}))
}

fn bookmark(target: &Target, version: u64, initial: bool) -> Value {
    let mut metadata = json!({"resourceVersion": version.to_string(), "creationTimestamp": null});
    if initial {
        metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
    }
    json!({"type": "BOOKMARK", "object": {"kind": target.kind.kind, "apiVersion": target.kind.api_version(), "metadata": metadata}})
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
