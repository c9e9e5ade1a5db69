//! How many requests a drain costs: one eviction for each pod, and a number that does not depend on the pods. The API streams its watch, and
//! a first list takes a while, as in a large cluster.

use super::*;
use bytes::Bytes;
use http::Response as Answered;
use http_body::Frame;
use http_body_util::{Either, Full, StreamBody};
use std::convert::Infallible;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;

type Line = Result<Frame<Bytes>, Infallible>;
type Answer = Answered<Either<Full<Bytes>, StreamBody<UnboundedReceiverStream<Line>>>>;
type Error = Box<dyn std::error::Error + Send + Sync>;

/// How long a list of all pods takes, and a pod to end.
const LIST: Duration = Duration::from_secs(3);
const ENDS: Duration = Duration::from_secs(2);

#[derive(Clone, Default)]
struct Site(Arc<Mutex<Objects>>);

#[derive(Default)]
struct Objects {
    pods: BTreeMap<String, Value>,
    version: u64,
    /// resourceVersion of the node.
    node_version: u64,
    /// Requests without those of the watches, as `METHOD kind`.
    asked: BTreeMap<String, usize>,
    watches: Vec<(String, mpsc::UnboundedSender<Line>)>,
}

impl Objects {
    fn event(&self, kind: &str, object: &Value) {
        let line = format!("{}\n", json!({"type": kind, "object": object}));
        for (_, watch) in self.watches.iter().filter(|(path, _)| path == PODS) {
            drop(watch.send(Ok(Frame::data(line.clone().into()))));
        }
    }

    fn changed(&mut self, pod: &str, deleting: bool) {
        self.version += 1;
        let version = self.version.to_string();
        let Some(object) = self.pods.get_mut(pod) else { return };
        object["metadata"]["resourceVersion"] = version.into();
        object["metadata"]["deletionTimestamp"] = "2026-11-22T03:00:30Z".into();
        let object = object.clone();
        match deleting {
            true => self.event("MODIFIED", &object),
            false => {
                self.pods.remove(pod);
                self.event("DELETED", &object);
            }
        }
    }

    fn list(&self, items: Vec<Value>) -> Value {
        json!({"metadata": {"resourceVersion": self.version.to_string()}, "items": items})
    }

    fn node(&self) -> Value {
        let mut node = node(true, Some(("r1", 5)));
        node["metadata"]["resourceVersion"] = self.node_version.to_string().into();
        node
    }
}

impl Site {
    /// A node with `pods` pods, and one of a DaemonSet.
    fn with(pods: usize) -> Self {
        let mut objects = Objects { version: 1000, node_version: 900, ..Objects::default() };
        let mut add = |name: String, owner: &str| {
            let mut pod = pod(&name, Some(owner));
            pod["metadata"]["resourceVersion"] = "800".into();
            objects.pods.insert(name, pod);
        };
        (0..pods).for_each(|number| add(format!("web-{number}"), "ReplicaSet"));
        add("agent".into(), "DaemonSet");
        Self(Arc::new(Mutex::new(objects)))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Objects> {
        self.0.lock().unwrap()
    }

    fn client(&self) -> kube::Client {
        let site = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let site = site.clone();
            async move {
                let (method, path) = (request.method().to_string(), request.uri().path().to_string());
                let query = request.uri().query().unwrap_or_default().to_string();
                site.answer(&method, &path, &query).await
            }
        });
        kube::Client::new(service, "default")
    }

    async fn answer(&self, method: &str, path: &str, query: &str) -> Result<Answer, Error> {
        if query.contains("watch=1") {
            let (send, lines) = mpsc::unbounded_channel();
            self.lock().watches.push((path.into(), send));
            return Ok(Answered::new(Either::Right(StreamBody::new(UnboundedReceiverStream::new(lines)))));
        }
        let of_all = path == PODS && !query.contains("fieldSelector");
        if of_all {
            tokio::time::sleep(LIST).await;
        }
        let (code, value) = self.value(method, path, of_all);
        let body = Full::new(Bytes::from(value.to_string()));
        Ok(Answered::builder().status(code).body(Either::Left(body))?)
    }

    fn value(&self, method: &str, path: &str, of_all: bool) -> (u16, Value) {
        let mut objects = self.lock();
        let kind = match path {
            PODS if of_all => "all pods",
            PODS => "pods of the node",
            NODE => "node",
            "/api/v1/nodes" => "all nodes",
            _ if path.ends_with("/eviction") => "eviction",
            _ if path.contains("/daemonsets/") => "daemonset",
            _ if path.contains("/pods/") => "pod",
            _ => "other",
        };
        *objects.asked.entry(format!("{method} {kind}")).or_default() += 1;
        match kind {
            "all pods" | "pods of the node" => {
                let items = objects.pods.values().cloned().collect();
                (200, objects.list(items))
            }
            "node" => (200, objects.node()),
            "all nodes" => (200, objects.list(vec![objects.node()])),
            "daemonset" => (200, json!({})),
            "eviction" => {
                let pod = path.split('/').nth_back(1).unwrap_or_default().to_string();
                objects.changed(&pod, true);
                self.ends(pod);
                (201, json!({}))
            }
            _ => (404, json!({"kind": "Status", "message": "not found", "code": 404})),
        }
    }

    fn ends(&self, pod: String) {
        let site = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(ENDS).await;
            site.lock().changed(&pod, false);
        });
    }

    fn cluster(&self) -> KubeCluster {
        let clock = TokioClock::starting_at("2026-11-22T03:00:00Z".parse().unwrap());
        let cluster = KubeCluster::new(self.client(), Arc::new(NoProber), Duration::from_secs(5));
        cluster.with_clock(Arc::new(clock)).with_watches(self.client())
    }

    async fn drained(&self, cluster: &KubeCluster) {
        let (node, options) = (dgx(), DrainOptions::default());
        let act = ClusterAct::Drain { node, run: run(), seconds: 600, options };
        let said = cluster.act(&act, &epoch(5)).await.unwrap();
        assert!(said.contains("evicted from dgx030"), "{said}");
    }

    fn asked(&self) -> BTreeMap<String, usize> {
        self.lock().asked.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_costs_one_request_a_pod_and_a_few_more() {
    let mut more = Vec::new();
    for pods in [10, 100, 400] {
        let site = Site::with(pods);
        site.drained(&site.cluster()).await;
        let asked = site.asked();
        assert_eq!(asked["POST eviction"], pods);
        assert_eq!(asked.get("GET pod"), None, "the watch shows the end of a pod: {asked:?}");
        more.push(asked.values().sum::<usize>() - pods);
    }
    // The node before and after the round, its pods and those of the watch, and the DaemonSet.
    assert_eq!(more, [5, 5, 5]);
}

#[tokio::test(start_paused = true)]
async fn looks_before_a_drain_ask_for_node_and_daemon_sets_once() {
    let site = Site::with(3);
    let cluster = site.cluster();
    let evict = ClusterLook::PodsToEvict { node: dgx(), options: DrainOptions::default() };
    let (view, pods, hooks) =
        (ClusterLook::Node { node: dgx() }, evict, ClusterLook::Checkpoints { node: dgx() });
    let (a, b, c) = tokio::join!(cluster.look(&view), cluster.look(&pods), cluster.look(&hooks));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    let asked = site.asked();
    assert_eq!((asked["GET node"], asked["GET daemonset"]), (1, 1), "{asked:?}");
    assert!(cluster.look(&view).await.is_ok());
    assert_eq!(site.asked()["GET node"], 2, "a later look asks anew");
}

#[tokio::test(start_paused = true)]
async fn a_quiet_cluster_is_listed_once_for_a_node() {
    let site = Site::with(3);
    let cluster = site.cluster();
    drop(cluster.look(&ClusterLook::Workloads).await);
    // The watch has listed at version 1000. The node was written since, and no pod.
    {
        let mut objects = site.lock();
        (objects.version, objects.node_version) = (2000, 2000);
    }
    let evict = ClusterLook::PodsToEvict { node: dgx(), options: DrainOptions::default() };
    for _ in 0..5 {
        assert!(matches!(cluster.look(&evict).await, Ok(ClusterReply::Pods(view)) if view.evict.len() == 3));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let lists = site.asked().get("GET pods of the node").copied().unwrap_or(0);
    assert_eq!(lists, 1, "the watch has the same pods as the list");
    site.lock().changed("web-0", false);
    assert!(matches!(cluster.look(&evict).await, Ok(ClusterReply::Pods(view)) if view.evict.len() == 2));
}

#[tokio::test(start_paused = true)]
async fn without_a_watch_all_pods_are_listed_once_a_minute() {
    let site = Site::with(3);
    let cluster = KubeCluster::new(site.client(), Arc::new(NoProber), Duration::from_secs(5));
    let lists = || site.asked().get("GET all pods").copied().unwrap_or(0);
    let begin = tokio::time::Instant::now();
    while begin.elapsed() < Duration::from_secs(600) {
        let Ok(ClusterReply::Workloads { pods, .. }) = cluster.look(&ClusterLook::Workloads).await else {
            panic!()
        };
        assert_eq!(pods.len(), 4);
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    assert!((9..=11).contains(&lists()), "{} lists in ten minutes", lists());
}
