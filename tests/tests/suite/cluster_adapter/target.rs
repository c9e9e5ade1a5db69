//! Whom the cases ask: an administrator's client for what they need, and the adapter under test.

use crate::cluster_adapter::admin::Admin;
use async_trait::async_trait;
use podlift_coordinator::cluster::{KubeCluster, Prober};
use podlift_engine::doors::ApiProbe;
use podlift_lab::world::Store;
use podlift_lab::world::state::{Container, Sandbox};
use podlift_lab::{Shape, World};
use podlift_model::{Epoch, InstanceId, NodeName, RunId};
use std::sync::Arc;
use std::time::Duration;

pub struct Target {
    client: kube::Client,
    stranger: kube::Client,
    prober: Arc<dyn Prober>,
}

impl Target {
    pub fn new(client: kube::Client, stranger: kube::Client, prober: Arc<dyn Prober>) -> Self {
        Self { client, stranger, prober }
    }

    pub fn admin(&self) -> Admin {
        Admin::new(self.client.clone())
    }

    pub fn cluster(&self) -> KubeCluster {
        KubeCluster::new(self.client.clone(), self.prober.clone(), Duration::from_secs(10))
    }

    /// A client that the API server does not know.
    pub fn stranger(&self) -> KubeCluster {
        KubeCluster::new(self.stranger.clone(), self.prober.clone(), Duration::from_secs(10))
    }
}

struct NoProber;

#[async_trait]
impl Prober for NoProber {
    async fn probe(&self, endpoint: &str) -> ApiProbe {
        ApiProbe { endpoint: endpoint.into(), ok: false, why: "the double has no address".into() }
    }
}

/// An API server alone, as the real pair: no kubelets and no controllers.
pub fn double() -> Target {
    let world = World::new(Shape::default());
    let server = Container {
        id: "api".into(),
        name: "kube-apiserver".into(),
        pod: "kube-apiserver".into(),
        namespace: "kube-system".into(),
        sandbox: Sandbox { id: "api".into(), created: world.clock.now(), file: "kube-apiserver.yaml".into() },
        store: Store { endpoints: world.shape.etcd_endpoints(), prefix: "/registry".into() },
        hash: "api".into(),
        image: "registry.k8s.io/kube-apiserver:v1.32.13".into(),
        args: vec![],
        attempt: 0,
        created: world.clock.now(),
        finished: None,
        exit: None,
        listening: true,
        opened: None,
        log: vec![],
    };
    world.update(|s| s.node_mut("runai-01").containers.push(server));
    Target::new(world.kube_client_at("runai-01"), world.strange_client_at("runai-01"), Arc::new(NoProber))
}

pub fn node(name: &str) -> NodeName {
    NodeName::new(name).unwrap()
}

pub fn run(name: &str) -> RunId {
    RunId::new(name).unwrap()
}

pub fn epoch(number: u64) -> Epoch {
    Epoch { number, instance: InstanceId::new("one").unwrap() }
}
