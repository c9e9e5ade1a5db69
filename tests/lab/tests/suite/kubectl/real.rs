//! The zoo on a real API server, where `KUBEBUILDER_ASSETS` names one: podlift and kubectl drain the same pods there, too. What an API server alone
//! does not do is done here: a kubelet that ends pods, the counts of budgets, and the answers that only a site's webhooks and races give.

use super::front;
use super::run::{Kubectl, shape};
use super::same::{self, Did, LIMIT, NoProber, named};
use super::zoo::{self, Animal, Kind, NAMESPACE};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use kube::client::Body;
use podlift_coordinator::cluster::KubeCluster;
use podlift_lab::{World, real};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Reply = Response<UnsyncBoxBody<Bytes, io::Error>>;

/// In front of a real API server.
struct Site {
    client: kube::Client,
    /// Of a pod's evictions: code, text, how often it is still answered.
    faults: Mutex<BTreeMap<String, (i32, &'static str, u32)>>,
    /// Pods whose eviction the server has accepted.
    evicted: Mutex<BTreeSet<String>>,
}

impl Site {
    fn new(client: kube::Client, animals: &[Animal]) -> Arc<Self> {
        let faults = animals.iter().filter_map(|a| Some((a.name.clone(), a.fault()?))).collect();
        Arc::new(Self { client, faults: Mutex::new(faults), evicted: Mutex::default() })
    }

    /// The answer by order, or the server's own.
    async fn answer(&self, request: Request<Body>) -> io::Result<Reply> {
        let pod = evicted(&request);
        if let Some(pod) = &pod
            && let Some(left) = self.faults.lock().unwrap().get_mut(pod).filter(|(_, _, left)| *left > 0)
        {
            left.2 -= 1;
            return Ok(failure(left.0, left.1));
        }
        let reply = self.client.send(request).await.map_err(io::Error::other)?;
        if let Some(pod) = pod.filter(|_| reply.status().is_success()) {
            self.evicted.lock().unwrap().insert(pod);
        }
        Ok(reply.map(|body| body.map_err(io::Error::other).boxed_unsync()))
    }

    fn did(&self, tried: &BTreeSet<String>, animal: &Animal) -> Did {
        match (tried.contains(&animal.name), self.evicted.lock().unwrap().contains(&animal.name)) {
            (_, true) => Did::Evicted,
            (true, false) => Did::Kept,
            (false, false) => Did::Left,
        }
    }

    fn cluster(self: &Arc<Self>) -> KubeCluster {
        let site = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let site = site.clone();
            async move { site.answer(request).await }
        });
        KubeCluster::new(kube::Client::new(service, "default"), Arc::new(NoProber), Duration::from_secs(10))
    }

    /// kubectl with an address of this site.
    async fn kubectl(self: &Arc<Self>) -> Kubectl {
        let site = self.clone();
        let answer = move |request: Request<hyper::body::Incoming>| {
            let site = site.clone();
            async move {
                let (mut parts, body) = request.into_parts();
                // The server behind knows the administrator by a certificate.
                ["authorization", "host", "accept-encoding"]
                    .iter()
                    .for_each(|h| drop(parts.headers.remove(*h)));
                let bytes = body.collect().await.map_err(io::Error::other)?.to_bytes();
                site.answer(Request::from_parts(parts, Body::from(bytes.to_vec()))).await
            }
        };
        let (address, ca) = front::listen(answer).await;
        Kubectl::at(World::new(shape()), &address, &ca)
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Value {
        let request =
            Request::builder().method(method.clone()).uri(path).header("content-type", "application/json");
        let request = request.body(body.to_string().into_bytes()).unwrap();
        let answer: Result<Value, kube::Error> = self.client.request(request).await;
        answer.unwrap_or_else(|e| panic!("{method} {path}: {e}: {body}"))
    }

    /// The nodes, the objects and the pods, of which the returning ones are made after the cordon.
    async fn sow(&self, animals: &[Animal]) {
        self.send(Method::POST, "/api/v1/namespaces", &json!({"metadata": {"name": NAMESPACE}})).await;
        let sets = format!("/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets");
        self.send(Method::POST, &sets, &bare(zoo::exporter())).await;
        for node in zoo::nodes() {
            self.send(Method::POST, "/api/v1/nodes", &json!({"metadata": {"name": node}})).await;
        }
        let (returning, others): (Vec<_>, Vec<_>) = animals.iter().partition(|a| a.kind == Kind::Returning);
        for animal in others {
            self.put(animal).await;
        }
        // Times of objects are whole seconds.
        tokio::time::sleep(Duration::from_secs(2)).await;
        for node in zoo::nodes() {
            let path = format!("/api/v1/nodes/{node}");
            let mut v = self.send(Method::GET, &path, &Value::Null).await;
            let added = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            v["spec"] = json!({"unschedulable": true, "taints": [{"key": "node.kubernetes.io/unschedulable",
                "effect": "NoSchedule", "timeAdded": added}]});
            self.send(Method::PUT, &path, &v).await;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        for animal in returning {
            self.put(animal).await;
        }
    }

    async fn put(&self, animal: &Animal) {
        let wanted = animal.object(jiff::Timestamp::now());
        let pods = format!("/api/v1/namespaces/{NAMESPACE}/pods");
        let mut made = self.send(Method::POST, &pods, &bare(wanted.clone())).await;
        made["status"] = wanted["status"].clone();
        self.send(Method::PUT, &format!("{pods}/{}/status", animal.name), &made).await;
        if animal.kind == Kind::Terminating {
            self.send(Method::DELETE, &format!("{pods}/{}", animal.name), &json!({"gracePeriodSeconds": 0}))
                .await;
        }
        let budgets = format!("/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets");
        for number in 0..animal.budgets() {
            let mut made = self.send(Method::POST, &budgets, &bare(animal.budget(number))).await;
            made["status"] = json!({"observedGeneration": made["metadata"]["generation"], "disruptionsAllowed": 0,
                "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1});
            let name = made["metadata"]["name"].as_str().unwrap().to_string();
            self.send(Method::PUT, &format!("{budgets}/{name}/status"), &made).await;
        }
    }

    /// As a kubelet: pods that are to end, end.
    async fn end_pods(&self) {
        let pods = format!("/api/v1/namespaces/{NAMESPACE}/pods");
        loop {
            let list = self.send(Method::GET, &pods, &Value::Null).await;
            for v in list["items"].as_array().into_iter().flatten() {
                let held = v["metadata"]["finalizers"].as_array().is_some_and(|f| !f.is_empty());
                if v["metadata"]["deletionTimestamp"].is_null() || held {
                    continue;
                }
                let path = format!("{pods}/{}", v["metadata"]["name"].as_str().unwrap());
                let request = Request::delete(path).header("content-type", "application/json");
                let body = json!({"gracePeriodSeconds": 0}).to_string().into_bytes();
                // It may be gone by now.
                self.client.request::<Value>(request.body(body).unwrap()).await.ok();
            }
            // Another process: there is nothing to wait on but its answer.
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

/// The pod whose eviction this is.
fn evicted(request: &Request<Body>) -> Option<String> {
    let path = request.uri().path();
    let pod = path.strip_suffix("/eviction")?.rsplit('/').next()?;
    (request.method() == Method::POST).then(|| pod.to_string())
}

fn failure(code: i32, text: &str) -> Reply {
    let reason = match code {
        403 => "Forbidden",
        404 => "NotFound",
        429 => "TooManyRequests",
        _ => "InternalError",
    };
    let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": text,
        "reason": reason, "code": code});
    let body = Full::new(Bytes::from(body.to_string())).map_err(|never| match never {}).boxed_unsync();
    let reply =
        Response::builder().status(u16::try_from(code).unwrap()).header("content-type", "application/json");
    reply.body(body).unwrap()
}

/// What the API server gives an object itself.
fn bare(mut v: Value) -> Value {
    for field in ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"]
    {
        v["metadata"].as_object_mut().unwrap().remove(field);
    }
    v.as_object_mut().unwrap().remove("status");
    v
}

#[test]
fn the_same_pods_are_evicted_by_a_real_api_server() {
    let Some(assets) = real::assets() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let animals = zoo::all();
        // A server for each of the two.
        let (first, second) = tokio::join!(real::Pair::start(&assets), real::Pair::start(&assets));
        let sites = [Site::new(first.admin().await, &animals), Site::new(second.admin().await, &animals)];
        tokio::join!(sites[0].sow(&animals), sites[1].sow(&animals));
        drained(&sites, &animals).await;
    });
}

async fn drained([ours, theirs]: &[Arc<Site>; 2], animals: &[Animal]) {
    for site in [ours, theirs] {
        let site = site.clone();
        tokio::spawn(async move { site.end_pods().await });
    }
    let (cluster, kubectl) = (ours.cluster(), theirs.kubectl().await);
    same::is_of_1_32(&kubectl).await;
    let tried_by_us = named(&same::look(&cluster, true).await.evict.join("\n"));
    let flags = format!("--force --timeout={LIMIT}s");
    let (mine, ran) =
        tokio::join!(same::drained_by_podlift(&cluster), same::drained_by_kubectl(&kubectl, &flags));
    let said: Vec<String> = ran.iter().map(|r| format!("{}{}", r.out, r.err)).collect();
    let said = said.join("\n");
    let lines = said.lines().filter(|l| l.starts_with("evicting pod "));
    let tried_by_kubectl = named(&lines.collect::<Vec<_>>().join("\n"));
    let seen = animals.iter().map(|a| (a, ours.did(&tried_by_us, a), theirs.did(&tried_by_kubectl, a)));
    same::judge(&seen.collect::<Vec<_>>(), &format!("kubectl: {said}\npodlift: {mine:?}"));
}
