//! etcd was restored beside itself and the manifests point to the new one, while the old members still run: no agent ever sends an API
//! server back, not through its restarts and not through a kubeadm run; what a person accepts it heals towards.

use crate::direct::{Direct, epoch};
use crate::sabotage::Sabotage;
use crate::{Kept, ensure};
use podlift_lab::{Shape, World};
use podlift_model::heal::HealFacts;
use podlift_model::op::Component;
use podlift_model::{Digest, HostOp, Look, OpOutcome, OpOutput, RunId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const FILE: &str = "/etc/kubernetes/manifests/kube-apiserver.yaml";
const BROKEN: &str = "runai-01";
const UPGRADED: &str = "runai-02";

struct Story {
    world: Arc<World>,
    agents: BTreeMap<String, Direct>,
    sabotage: Sabotage,
    ops: u32,
}

pub async fn nothing_goes_back_to_an_etcd_that_was_left(sabotage: Sabotage) -> Kept {
    // kubeadm-config has lost its endpoints: a kubeadm run empties the flag.
    let world = World::new(Shape { workers: vec![], api_gates: vec![], ..Shape::default() });
    world.start();
    let mut story = Story { world, agents: BTreeMap::new(), sabotage, ops: 0 };
    story.restart().await;
    a_while(180).await;
    let old = story.heal(BROKEN).await?;
    let learned = old.expectations.as_ref().and_then(|e| e.etcd_cluster.clone());
    let first = story.world.lock().etcd.hex();
    ensure(learned == Some(first), || format!("learned {learned:?} before etcd was moved: {:?}", old.files))?;
    story.move_etcd().await?;
    story.emptied().await?;
    story.restarted().await?;
    story.upgraded().await?;
    story.accepted().await
}

async fn a_while(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

impl Story {
    /// All agents, as after an upgrade of their package.
    async fn restart(&mut self) {
        self.agents.clear();
        for node in self.world.shape.control_planes.clone() {
            let mut agent = Direct::start(&self.world, &node, self.sabotage).await;
            agent.claim(&epoch(1, "a")).await;
            self.agents.insert(node, agent);
        }
    }

    async fn run(&mut self, node: &str, op: &HostOp) -> Result<OpOutcome, String> {
        self.ops += 1;
        let id = format!("op-{}", self.ops);
        let agent = self.agents.get_mut(node).ok_or("no agent")?;
        agent.run(&id, &epoch(1, "a"), op).await.map_err(|f| f.to_string())
    }

    async fn heal(&mut self, node: &str) -> Result<HealFacts, String> {
        self.ops += 1;
        let id = format!("look-{}", self.ops);
        let agent = self.agents.get_mut(node).ok_or("no agent")?;
        let told = agent.look(&id, &epoch(1, "a"), &Look::Facts).await.map_err(|f| f.to_string())?;
        match told {
            OpOutcome::Done { output: OpOutput::Facts(facts) } => {
                facts.heal.map(|h| *h).ok_or("facts without heal".into())
            }
            other => Err(format!("facts of {node}: {other:?}")),
        }
    }

    fn manifest(&self, node: &str) -> String {
        self.world.disk(node).text(FILE)
    }

    /// The promise itself, asked after everything that happens.
    fn kept(&self, when: &str) -> Kept {
        let wrong = self.world.wrong_stores();
        ensure(wrong.is_empty(), || format!("{when}: {wrong:?}"))
    }

    async fn forbidden(&mut self, node: &str, when: &str) -> Kept {
        self.kept(when)?;
        let heal = self.heal(node).await?;
        let why = heal.expectations.as_ref().and_then(|e| e.forbidden.clone());
        ensure(why.is_some(), || format!("{when}: heal status of {node} does not say forbidden: {heal:?}"))
    }

    async fn move_etcd(&mut self) -> Kept {
        let new = self.world.restore_etcd(12_379).join(",");
        for node in self.world.shape.control_planes.clone() {
            self.world.point_by_hand(&node, &new).map_err(|e| e.to_string())?;
            a_while(60).await;
        }
        let stores: Vec<_> =
            self.world.shape.control_planes.iter().map(|n| self.world.lock().store_name(n)).collect();
        ensure(stores.iter().all(|s| s.is_some() && *s == stores[0]), || format!("{stores:?}"))
    }

    async fn emptied(&mut self) -> Kept {
        self.world.point_by_hand(BROKEN, "").map_err(|e| e.to_string())?;
        a_while(300).await;
        self.forbidden(BROKEN, "after the flag was emptied").await
    }

    async fn restarted(&mut self) -> Kept {
        self.restart().await;
        a_while(300).await;
        self.forbidden(BROKEN, "after the agents' restart").await
    }

    /// The node that kubeadm broke, and the one that was broken before.
    async fn upgraded(&mut self) -> Kept {
        let run = RunId::new("r1").map_err(|e| e.to_string())?;
        self.run(UPGRADED, &HostOp::GuardArm { run: run.clone(), seconds: 3600, allow: vec![] }).await?;
        self.run(UPGRADED, &HostOp::KubeadmNode { skip: vec![], whole: false }).await?;
        a_while(300).await;
        self.forbidden(UPGRADED, "after a kubeadm run").await?;
        self.run(UPGRADED, &HostOp::GuardDisarm { run }).await?;
        self.restart().await;
        a_while(300).await;
        self.forbidden(UPGRADED, "after a kubeadm run and a restart").await?;
        self.forbidden(BROKEN, "after a kubeadm run elsewhere").await
    }

    /// A person says that the new endpoints are right; then the same loss is healed, towards them.
    async fn accepted(&mut self) -> Kept {
        let new = self.world.newest_etcd();
        self.world.point_by_hand(BROKEN, &new).map_err(|e| e.to_string())?;
        a_while(60).await;
        let good = self.manifest(BROKEN);
        let sha256 = Digest::of(&good);
        self.run(BROKEN, &HostOp::HealAccept { component: Component::KubeApiserver, sha256 }).await?;
        a_while(180).await;
        let (heal, want) = (self.heal(BROKEN).await?, self.newest_id());
        let id = heal.expectations.as_ref().and_then(|e| e.etcd_cluster.clone());
        ensure(id == Some(want), || format!("the id of the accepted etcd is not known: {heal:?}"))?;
        self.world.point_by_hand(BROKEN, "").map_err(|e| e.to_string())?;
        a_while(60).await;
        self.kept("after accept")?;
        ensure(self.manifest(BROKEN) == good, || {
            format!("not healed after accept:\n{}", self.manifest(BROKEN))
        })
    }

    fn newest_id(&self) -> String {
        let s = self.world.lock();
        s.more_etcds.last().unwrap_or(&s.etcd).hex()
    }
}
