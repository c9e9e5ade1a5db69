//! One watch against an API that streams: what it brings, how new it is, and when the API itself is asked.

use super::super::KubeCluster;
use super::super::api::Api;
use super::super::pod::Pod;
use super::{CATCH_UP, CONNECT, Cache, IDLE, SILENCE, keep};
use crate::cluster::{Cluster as _, Prober};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{Either, Full, StreamBody};
use kube::client::Body;
use podlift_engine::doors::ApiProbe;
use podlift_engine::{ClusterLook, ClusterReply};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;

type Line = Result<Frame<Bytes>, Infallible>;
type Answer = Response<Either<Full<Bytes>, StreamBody<UnboundedReceiverStream<Line>>>>;

/// An API with one kind of objects. Each watch gets its lines through the sender of the test.
#[derive(Clone, Default)]
struct Streaming(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    items: Vec<Value>,
    version: u64,
    /// Requests, as `list` or the query of the watch.
    asked: Vec<String>,
    watches: Vec<mpsc::UnboundedSender<Line>>,
    /// Watches from a version below this are answered 410.
    kept_from: u64,
    down: bool,
}

struct NoProber;

#[async_trait]
impl Prober for NoProber {
    async fn probe(&self, endpoint: &str) -> ApiProbe {
        ApiProbe { endpoint: endpoint.into(), ok: true, why: String::new() }
    }
}

fn pod(name: &str, node: &str, version: u64) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "a", "uid": format!("uid-{name}"), "resourceVersion": version.to_string()},
        "spec": {"nodeName": node},
        "status": {"phase": "Running"},
    })
}

impl Streaming {
    fn with(items: &[Value], version: u64) -> Self {
        let state = State { items: items.to_vec(), version, ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn client(&self) -> kube::Client {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let answer = api.answer(request.uri().query().unwrap_or_default());
            async move { Ok::<_, Box<dyn std::error::Error + Send + Sync>>(answer?) }
        });
        kube::Client::new(service, "default")
    }

    fn answer(&self, query: &str) -> Result<Answer, http::Error> {
        let mut state = self.lock();
        let status = |code: u16| json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "x", "reason": "x", "code": code});
        let text = |code: u16, value: Value| {
            let body = Full::new(Bytes::from(value.to_string()));
            Response::builder().status(code).body(Either::Left(body))
        };
        if state.down {
            return text(503, json!("no server"));
        }
        if !query.contains("watch=1") {
            state.asked.push("list".into());
            let meta = json!({"resourceVersion": state.version.to_string()});
            return text(200, json!({"metadata": meta, "items": state.items}));
        }
        state.asked.push(query.into());
        let from =
            query.split("resourceVersion=").nth(1).and_then(|t| t.split('&').next()?.parse::<u64>().ok());
        if from.unwrap_or(0) < state.kept_from {
            return text(410, status(410));
        }
        let (send, lines) = mpsc::unbounded_channel();
        state.watches.push(send);
        let body = StreamBody::new(UnboundedReceiverStream::new(lines));
        Response::builder().status(200).body(Either::Right(body))
    }

    /// Sends an event on the newest watch.
    fn event(&self, kind: &str, object: Value) {
        let line = format!("{}\n", json!({"type": kind, "object": object}));
        let state = self.lock();
        state.watches.last().unwrap().send(Ok(Frame::data(line.into()))).unwrap();
    }

    fn bookmark(&self, version: u64) {
        let meta = json!({"resourceVersion": version.to_string()});
        self.event("BOOKMARK", json!({"kind": "Pod", "apiVersion": "v1", "metadata": meta}));
    }

    fn lists(&self) -> usize {
        self.lock().asked.iter().filter(|a| *a == "list").count()
    }

    fn watches(&self) -> usize {
        self.lock().watches.len()
    }

    /// A cache that is kept in the background, with its first watch connected.
    async fn kept(&self) -> Arc<Cache<Pod>> {
        let cache = Arc::new(Cache::default());
        let (of, api, client) =
            (cache.clone(), Api::new(self.client(), Duration::from_secs(5)), self.client());
        tokio::spawn(async move { keep(of.as_ref(), &api, &client).await });
        assert_eq!(cache.all(0).await.map(|all| all.len()), None, "the first read starts it");
        self.until(&cache, |live| live).await;
        cache
    }

    async fn until(&self, cache: &Cache<Pod>, what: impl Fn(bool) -> bool) {
        for _ in 0..1000 {
            if what(cache.gauge().live) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{:?}", cache.gauge());
    }
}

fn names(pods: Option<Vec<Arc<Pod>>>) -> Option<Vec<String>> {
    Some(pods?.iter().map(|pod| pod.pod.to_string()).collect())
}

#[tokio::test(start_paused = true)]
async fn events_change_what_readers_see_and_nothing_is_listed_again() {
    let api = Streaming::with(&[pod("a", "n1", 3), pod("b", "n2", 4)], 10);
    let cache = api.kept().await;
    assert_eq!(names(cache.group(10, "n1").await), Some(vec!["a".into()]));
    api.event("ADDED", pod("c", "", 11));
    api.event("MODIFIED", pod("c", "n1", 12));
    api.event("DELETED", pod("a", "n1", 13));
    assert_eq!(names(cache.group(13, "n1").await), Some(vec!["c".into()]));
    assert_eq!(names(cache.all(13).await), Some(vec!["b".into(), "c".into()]));
    assert_eq!(cache.get(13, "a/a").await.map(|pod| pod.is_some()), Some(false));
    assert_eq!((api.lists(), api.watches()), (1, 1));
    assert!(
        api.lock().asked[1].contains("resourceVersion=10")
            && api.lock().asked[1].contains("allowWatchBookmarks")
    );
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_needs_more_waits_a_moment_and_then_asks_the_api() {
    let api = Streaming::with(&[pod("a", "n1", 3)], 10);
    let cache = api.kept().await;
    let begin = tokio::time::Instant::now();
    assert_eq!(names(cache.all(20).await), None);
    assert_eq!((begin.elapsed(), cache.gauge().missed), (CATCH_UP, 2));
    let late = async {
        tokio::time::sleep(CATCH_UP / 2).await;
        api.bookmark(20);
    };
    let (seen, ()) = tokio::join!(cache.all(20), late);
    assert!(seen.is_some(), "a bookmark says how new everything is");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_the_watch_as_it_is_asks_the_api_only_if_there_is_none() {
    let api = Streaming::with(&[pod("a", "n1", 3)], 10);
    let cache = api.kept().await;
    let begin = tokio::time::Instant::now();
    assert_eq!(names(cache.all(20).await), None, "the watch has not heard of version 20");
    let waited = begin.elapsed();
    assert_eq!(names(cache.live().await), Some(vec!["a".into()]));
    assert_eq!(begin.elapsed(), waited, "at once");
    api.lock().down = true;
    tokio::time::sleep(SILENCE + Duration::from_secs(1)).await;
    let begin = tokio::time::Instant::now();
    assert_eq!((names(cache.live().await), begin.elapsed()), (None, CONNECT));
    let back = async {
        tokio::time::sleep(CONNECT / 4).await;
        api.lock().down = false;
    };
    // The pause between two attempts may be longer than one wait.
    let (first, ()) = tokio::join!(cache.live(), back);
    let seen = if first.is_some() { first } else { cache.live().await };
    let seen = if seen.is_some() { seen } else { cache.live().await };
    let seen = if seen.is_some() { seen } else { cache.live().await };
    assert_eq!((names(seen), api.lists()), (Some(vec!["a".into()]), 1));
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_breaks_goes_on_from_its_last_version() {
    let api = Streaming::with(&[pod("a", "n1", 3)], 10);
    let cache = api.kept().await;
    api.bookmark(30);
    assert!(cache.all(30).await.is_some());
    api.lock().watches.clear();
    while api.watches() == 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(cache.all(30).await.is_some());
    let asked = api.lock().asked.clone();
    assert!(api.lists() == 1 && asked.last().unwrap().contains("resourceVersion=30"), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_version_that_the_api_no_longer_has_means_a_new_list() {
    let api = Streaming::with(&[pod("a", "n1", 3)], 10);
    let cache = api.kept().await;
    {
        let mut state = api.lock();
        (state.kept_from, state.version) = (50, 60);
        state.items = vec![pod("b", "n1", 55)];
        state.watches.clear();
    }
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(cache.all(0).await);
    }
    assert_eq!((names(cache.all(60).await), api.lists()), (Some(vec!["b".into()]), 2));
}

#[tokio::test(start_paused = true)]
async fn a_silent_watch_and_an_absent_api_serve_nobody() {
    let api = Streaming::with(&[pod("a", "n1", 3)], 10);
    let cache = api.kept().await;
    api.lock().down = true;
    tokio::time::sleep(SILENCE + Duration::from_secs(1)).await;
    assert!(!cache.gauge().live);
    assert_eq!(names(cache.all(0).await), None);
    api.lock().down = false;
    api.until(&cache, |live| live).await;
    assert!(cache.all(0).await.is_some() && api.lists() == 1);
}

#[tokio::test(start_paused = true)]
async fn without_readers_the_watch_ends() {
    let api = Streaming::with(&[pod("a", "n1", 3)], 10);
    let cache = api.kept().await;
    for minute in 0..11 {
        tokio::time::sleep(Duration::from_secs(60)).await;
        if api.lock().watches.last().is_some_and(|w| !w.is_closed()) {
            api.bookmark(20 + minute);
        }
    }
    tokio::time::sleep(IDLE).await;
    let gauge = cache.gauge();
    assert!(!gauge.live && gauge.objects == 0, "{gauge:?}");
}

#[tokio::test(start_paused = true)]
async fn many_looks_at_nodes_cost_one_list() {
    let node =
        |name: &str| json!({"metadata": {"name": name, "resourceVersion": "5"}, "spec": {}, "status": {}});
    let api = Streaming::with(&[node("dgx030"), node("dgx031")], 10);
    let cluster = KubeCluster::new(api.client(), Arc::new(NoProber), Duration::from_secs(5));
    let cluster = cluster.with_watches(api.client());
    for _ in 0..200 {
        match cluster.look(&ClusterLook::NodesLately).await {
            Ok(ClusterReply::Nodes(nodes)) => assert_eq!(nodes.len(), 2),
            other => panic!("{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(api.lists() <= 3, "{:?}", api.lock().asked);
}
