//! A zoo of pods, one for each combination of a filter of `kubectl drain`, an answer to its eviction, and a state of the pod.

use podlift_lab::objects::Key;
use podlift_lab::{Fault, FaultAction, World};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

pub const NAMESPACE: &str = "zoo";

/// What a filter looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    DaemonSet,
    /// Its DaemonSet is gone.
    Orphan,
    /// A static pod's copy.
    Mirror,
    Bare,
    ReplicaSet,
    /// Of a Job, with an emptyDir.
    Scratch,
    /// Of a controller that only its operator knows.
    Custom,
    FinishedBare,
    FinishedOfDaemonSet,
    /// A finalizer keeps it.
    Terminating,
    /// Bears every taint, and was made on the node after the cordon.
    Returning,
}

/// How the API answers its eviction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    Created,
    /// 429 of a budget that never allows it.
    Budget,
    BusyOnce,
    /// 500: the eviction can't choose between two budgets.
    TwoBudgets,
    NotFound,
    /// 500 of an admission webhook.
    WebhookOnce,
    Webhook,
    Forbidden,
}

/// What else is different in a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Ready,
    Unready,
    BearsEverything,
}

pub const KINDS: &[Kind] = &[
    Kind::DaemonSet,
    Kind::Orphan,
    Kind::Mirror,
    Kind::Bare,
    Kind::ReplicaSet,
    Kind::Scratch,
    Kind::Custom,
    Kind::FinishedBare,
    Kind::FinishedOfDaemonSet,
    Kind::Terminating,
    Kind::Returning,
];
pub const ANSWERS: &[Answer] = &[
    Answer::Created,
    Answer::Budget,
    Answer::BusyOnce,
    Answer::TwoBudgets,
    Answer::NotFound,
    Answer::WebhookOnce,
    Answer::Webhook,
    Answer::Forbidden,
];
pub const STATES: &[State] = &[State::Ready, State::Unready, State::BearsEverything];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Animal {
    pub kind: Kind,
    pub answer: Answer,
    pub state: State,
    pub name: String,
}

/// The nodes of the zoo. Each kind has its own, because a kubectl sends five requests a second at most.
pub fn nodes() -> Vec<String> {
    (30..).take(KINDS.len()).map(|i| format!("dgx{i:03}")).collect()
}

/// All combinations.
pub fn all() -> Vec<Animal> {
    let of = |kind: Kind, answer: Answer, state: State| {
        let name = format!("{kind:?}-{answer:?}-{state:?}").to_lowercase();
        Animal { kind, answer, state, name }
    };
    let pairs = KINDS.iter().flat_map(|kind| ANSWERS.iter().map(move |answer| (*kind, *answer)));
    pairs.flat_map(|(kind, answer)| STATES.iter().map(move |state| of(kind, answer, *state))).collect()
}

impl Animal {
    /// Where it lives.
    pub fn node(&self) -> String {
        let place = KINDS.iter().position(|kind| *kind == self.kind).unwrap_or_default();
        nodes().swap_remove(place)
    }

    /// Kind and name. Of these only the DaemonSet `exporter` exists.
    pub fn controller(&self) -> Option<(&'static str, &'static str)> {
        match self.kind {
            Kind::DaemonSet | Kind::FinishedOfDaemonSet => Some(("DaemonSet", "exporter")),
            Kind::Orphan => Some(("DaemonSet", "gone")),
            Kind::ReplicaSet | Kind::Terminating | Kind::Returning => Some(("ReplicaSet", "web")),
            Kind::Scratch => Some(("Job", "train")),
            Kind::Custom => Some(("Whale", "moby")),
            Kind::Mirror | Kind::Bare | Kind::FinishedBare => None,
        }
    }

    pub fn object(&self, now: jiff::Timestamp) -> Value {
        let created = match self.kind {
            Kind::Returning => now,
            _ => now - jiff::SignedDuration::from_hours(1),
        };
        let time = |t: jiff::Timestamp| t.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let mut v = json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": self.name, "namespace": NAMESPACE, "uid": format!("uid-{}", self.name),
                "creationTimestamp": time(created), "labels": {"animal": self.name}},
            "spec": {"nodeName": self.node(), "terminationGracePeriodSeconds": 1,
                "containers": [{"name": "c", "image": "registry.k8s.io/pause:3.10"}]},
            "status": {"phase": "Running", "hostIP": "10.77.0.31", "startTime": time(created),
                "conditions": [{"type": "Ready", "status": if self.state == State::Unready { "False" } else { "True" }}]}});
        if let Some((kind, name)) = self.controller() {
            v["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": kind, "name": name,
                "uid": format!("owner-{name}"), "controller": true, "blockOwnerDeletion": true}]);
        }
        if self.state == State::BearsEverything || self.kind == Kind::Returning {
            v["spec"]["tolerations"] = json!([{"operator": "Exists"}]);
        }
        match self.kind {
            Kind::Mirror => v["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "a-hash"}),
            Kind::Scratch => {
                v["spec"]["volumes"] = json!([{"name": "e", "emptyDir": {}}]);
                v["spec"]["containers"][0]["volumeMounts"] = json!([{"name": "e", "mountPath": "/e"}]);
            }
            Kind::FinishedBare | Kind::FinishedOfDaemonSet => v["status"]["phase"] = json!("Succeeded"),
            Kind::Terminating => {
                v["metadata"]["finalizers"] = json!(["scheduler.site.example/finalizer"]);
                v["metadata"]["deletionTimestamp"] = json!(time(now));
                v["metadata"]["deletionGracePeriodSeconds"] = json!(0);
            }
            _ => {}
        }
        v
    }

    pub fn budget(&self, number: usize) -> Value {
        let name = format!("{}-{number}", self.name);
        json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": {"name": name, "namespace": NAMESPACE, "uid": format!("uid-{name}"), "generation": 1},
            "spec": {"minAvailable": 1, "selector": {"matchLabels": {"animal": self.name}}}})
    }

    pub fn budgets(&self) -> usize {
        match self.answer {
            Answer::Budget => 1,
            Answer::TwoBudgets => 2,
            _ => 0,
        }
    }

    pub fn fault(&self) -> Option<(i32, &'static str, u32)> {
        let webhook = "Internal error occurred: failed calling webhook \"evict.site.example\": Post \"https://drain-webhook.site.svc:443/evict\": EOF";
        match self.answer {
            Answer::BusyOnce => {
                Some((429, "the disruption budget is still being processed by the server", 1))
            }
            Answer::NotFound => Some((404, "pods not found", u32::MAX)),
            Answer::WebhookOnce => Some((500, webhook, 1)),
            Answer::Webhook => Some((500, webhook, u32::MAX)),
            Answer::Forbidden => {
                Some((403, "pods/eviction is forbidden: a policy of the site refuses it", u32::MAX))
            }
            Answer::Created | Answer::Budget | Answer::TwoBudgets => None,
        }
    }
}

/// The only controller that exists.
pub fn exporter() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": "exporter", "namespace": NAMESPACE, "uid": "owner-exporter", "generation": 1},
        "spec": {"selector": {"matchLabels": {"app": "exporter"}}, "template": {"metadata": {"labels": {"app": "exporter"}},
            "spec": {"nodeSelector": {"zoo": "nowhere"}, "containers": [{"name": "c", "image": "registry.k8s.io/pause:3.10"}]}}}})
}

/// Puts all of them on the node, with their owners, budgets and answers.
pub fn sow(world: &Arc<World>, animals: &[Animal]) {
    let now = world.clock.now();
    world.update(|s| {
        s.api.put(Key::new("apps", "daemonsets", NAMESPACE, "exporter"), exporter());
        // The garbage collector looks for the uid of an owner.
        for owner in
            animals.iter().filter_map(Animal::controller).map(|(_, name)| name).collect::<BTreeSet<_>>()
        {
            if owner != "exporter" {
                let stands_for = json!({"apiVersion": "v1", "kind": "ConfigMap",
                    "metadata": {"name": owner, "namespace": NAMESPACE, "uid": format!("owner-{owner}")}});
                s.api.put(Key::new("", "configmaps", NAMESPACE, owner), stands_for);
            }
        }
        for animal in animals {
            for i in 0..animal.budgets() {
                let budget = animal.budget(i);
                let name = budget["metadata"]["name"].as_str().unwrap_or_default().to_string();
                s.api.put(Key::new("policy", "poddisruptionbudgets", NAMESPACE, &name), budget);
            }
            s.api.put(Key::pod(NAMESPACE, &animal.name), animal.object(now));
        }
    });
    for animal in animals {
        if let Some((code, stderr, times)) = animal.fault() {
            let path = format!("evict POST /api/v1/namespaces/{NAMESPACE}/pods/{}/eviction", animal.name);
            world.add_fault(
                Fault::new("api", &path, FaultAction::Fail { code, stderr: stderr.into() }).times(times),
            );
        }
    }
}
