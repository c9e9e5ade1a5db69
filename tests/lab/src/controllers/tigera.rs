//! Tigera's operator beside a Calico that is not its own: it takes the pods of calico-kube-controllers away as soon as they have run for a
//! while, and whoever owns them makes new ones.

use super::owners;
use crate::api::{budgets, evict};
use crate::objects::Key;
use crate::world::State;
use crate::world::events::{self, Said};
use crate::world::site::TIGERA_OPERATOR;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// Lab seconds for which a pod is left alone.
const LIFE: i64 = 10;

/// The operator's pod runs.
pub fn acts(s: &State) -> bool {
    let operator = s.api.get(&Key::new("apps", "deployments", TIGERA_OPERATOR, TIGERA_OPERATOR));
    operator.is_some_and(|v| v["status"]["readyReplicas"].as_u64().is_some_and(|n| n > 0))
}

pub fn cycle(s: &mut State, factor: u32, now: Timestamp) {
    let key = Key::new("apps", "deployments", "kube-system", "calico-kube-controllers");
    if !acts(s) {
        return;
    }
    let Some(deployment) = s.api.get(&key).cloned() else { return };
    let life = SignedDuration::from_millis(LIFE * 1000 / i64::from(factor.max(1)));
    let old = |pod: &Value| {
        let started = pod["status"]["startTime"].as_str().and_then(|t| t.parse::<Timestamp>().ok());
        budgets::ready(pod) && started.is_some_and(|at| now.duration_since(at) >= life)
    };
    let sets: Vec<Value> = owners::replica_sets(s, &deployment).map(|(_, v)| v.clone()).collect();
    let due = sets.iter().flat_map(|set| owners::alive(s, set)).filter(|(_, pod)| old(pod));
    let due: Vec<(Key, Value)> = due.map(|(k, v)| (k.clone(), v.clone())).collect();
    for (key, pod) in due {
        let message = "Stopping container calico-kube-controllers";
        events::note(
            s,
            &pod,
            &Said { warning: false, reason: "Killing", message, component: "kubelet" },
            now,
        );
        evict::terminate(s, &key, None, now);
    }
}
