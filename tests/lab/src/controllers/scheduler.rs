//! Where a pending pod goes: of the nodes that are Ready, schedulable and tolerated, one whose soft taints the pod bears before others, then
//! the one with the fewest pods of the same owner, then with the fewest at all.

use super::{owners, taints};
use crate::objects::Key;
use crate::world::State;
use serde_json::{Value, json};
use std::collections::HashMap;

/// The nodes of one round, and how full they are.
#[derive(Clone)]
pub struct Load {
    /// By the name of a node that is Ready.
    nodes: HashMap<String, Room>,
    /// For each owner, the nodes that take its pods.
    of_owner: HashMap<String, Vec<Candidate>>,
}

#[derive(Clone)]
struct Room {
    pods: usize,
    /// It is schedulable and has no taint that keeps pods away.
    open: bool,
    /// It has a soft taint.
    soft: bool,
    /// GPUs that no pod has; `None` until a pod asks for GPUs.
    gpus: Option<u64>,
}

#[derive(Clone)]
struct Candidate {
    node: String,
    /// It has a soft taint that the pod does not bear.
    rather_not: bool,
    /// Pods of the same owner.
    mine: usize,
}

impl Load {
    pub fn of(s: &State) -> Self {
        let ready = s.api.of("", "nodes").filter(|(_, v)| is_ready(v));
        let nobody = json!({});
        let room = |name: &String, node: &Value| Room {
            pods: s.api.index().count_on(name),
            open: taints::schedulable(&nobody, node) && taints::bearable(&nobody, node),
            soft: taints::rather_not(&nobody, node),
            gpus: None,
        };
        let nodes = ready.map(|(k, v)| (k.name.clone(), room(&k.name, v))).collect();
        Self { nodes, of_owner: HashMap::new() }
    }

    /// Chooses a node, and counts the pod there.
    pub fn place(&mut self, s: &State, pod: &Value) -> Option<String> {
        let owner = pod["metadata"]["ownerReferences"][0]["uid"].as_str().unwrap_or_default().to_string();
        let mut all = self.of_owner.remove(&owner).unwrap_or_else(|| self.candidates(s, pod));
        let wanted = gpus(pod);
        let has_room = |c: &Candidate, nodes: &mut HashMap<String, Room>| {
            let room = nodes.get_mut(&c.node);
            wanted == 0
                || room.is_some_and(|r| *r.gpus.get_or_insert_with(|| free_gpus(s, &c.node)) >= wanted)
        };
        let fitting = all.iter_mut().filter(|c| has_room(c, &mut self.nodes)).collect::<Vec<_>>();
        let pods = |c: &Candidate| self.nodes.get(&c.node).map_or(0, |r| r.pods);
        let key = |c: &Candidate| (c.rather_not, c.mine, pods(c));
        let best = fitting.into_iter().min_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.node.cmp(&b.node)));
        let chosen = best.map(|c| {
            c.mine += 1;
            c.node.clone()
        });
        if let Some(room) = chosen.as_ref().and_then(|node| self.nodes.get_mut(node)) {
            room.pods += 1;
            room.gpus = room.gpus.map(|free| free.saturating_sub(wanted));
        }
        // Pods without an owner have nothing in common.
        if !owner.is_empty() {
            self.of_owner.insert(owner, all);
        }
        chosen
    }

    fn candidates(&self, s: &State, pod: &Value) -> Vec<Candidate> {
        let mut mine: HashMap<&str, usize> = HashMap::new();
        let owner = json!({"metadata": {"uid": pod["metadata"]["ownerReferences"][0]["uid"]}});
        for (_, other) in owners::pods(s, &owner) {
            *mine.entry(other["spec"]["nodeName"].as_str().unwrap_or_default()).or_default() += 1;
        }
        // A pod that bears nothing is answered by what is known of the nodes.
        let bears = taints::bears_more_than_admission_adds(&pod["spec"]);
        let nodes = s.api.of("", "nodes").filter_map(|(k, v)| Some((&k.name, v, self.nodes.get(&k.name)?)));
        let nodes = nodes.filter(|(_, v, room)| match bears {
            true => fits(pod, v),
            false => room.open && taints::selects(&pod["spec"], v),
        });
        let candidate = |name: &String, node: &Value, room: &Room| Candidate {
            node: name.clone(),
            rather_not: room.soft && (!bears || taints::rather_not(&pod["spec"], node)),
            mine: mine.get(name.as_str()).copied().unwrap_or_default(),
        };
        nodes.map(|(name, v, room)| candidate(name, v, room)).collect()
    }
}

const GPU: &str = "nvidia.com/gpu";

fn number(v: &Value) -> u64 {
    v.as_str().and_then(|n| n.parse().ok()).or(v.as_u64()).unwrap_or(0)
}

/// What a pod asks for.
fn gpus(pod: &Value) -> u64 {
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    containers.map(|c| number(&c["resources"]["limits"][GPU])).sum()
}

fn free_gpus(s: &State, node: &str) -> u64 {
    let all = s.api.get(&Key::node(node)).map_or(0, |v| number(&v["status"]["allocatable"][GPU]));
    let over = |pod: &Value| matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    let used: u64 = s.api.pods_on(node).filter(|(_, p)| !over(p)).map(|(_, p)| gpus(p)).sum();
    all.saturating_sub(used)
}

fn is_ready(node: &Value) -> bool {
    let mut conditions = node["status"]["conditions"].as_array().into_iter().flatten();
    conditions.any(|c| c["type"] == "Ready" && c["status"] == "True")
}

fn fits(pod: &Value, node: &Value) -> bool {
    taints::schedulable(&pod["spec"], node) && taints::fits(&pod["spec"], node)
}
