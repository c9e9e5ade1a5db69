//! API servers step aside: others are refused from before the stop on, in both passes, and at the end no rule is left. A node that can't
//! is upgraded all the same, and the journal has the reason.

use podlift_engine::machine::{Event, RunStatus};
use podlift_lab::world::firewall::Reach;
use podlift_lab::{Effect, Fault, FaultAction, Hook, Shape, What, World};
use podlift_tests::cut::Cut;
use podlift_tests::paused;
use podlift_tests::pod::{Pod, why};
use podlift_tests::sabotage::Sabotage;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

/// What the firewalls of control-plane nodes let in when their API servers were about to stop.
struct Stops {
    world: Weak<World>,
    seen: Mutex<BTreeMap<(String, &'static str), Reach>>,
}

impl Hook for Stops {
    fn effect(&self, effect: &Effect) {
        let pass = match &effect.what {
            What::ManifestMovedOut { file } if file == "kube-apiserver.yaml" => "kubeadm",
            What::KubeletRestart { .. } => "kubelet",
            _ => return,
        };
        let Some(world) = self.world.upgrade() else { return };
        if world.shape.control_planes.contains(&effect.node) {
            let reach = world.lock().reach(&effect.node, world.clock.now());
            self.seen.lock().unwrap().insert((effect.node.clone(), pass), reach);
        }
    }
}

/// A run to its end, and what was seen of its stops.
async fn run(shape: Shape, fault: Option<Fault>) -> (Pod, BTreeMap<(String, &'static str), Reach>) {
    let mut pod = Pod::new(shape, Sabotage::None);
    let stops = Arc::new(Stops { world: Arc::downgrade(&pod.world), seen: Mutex::default() });
    pod.world.add_hook(stops.clone());
    fault.into_iter().for_each(|f| pod.world.add_fault(f));
    pod.start(Cut::never());
    pod.start_run().await.unwrap();
    let state = pod.rest().await.unwrap();
    assert_eq!(state.status, RunStatus::Succeeded, "{}", why(&state));
    let seen = stops.seen.lock().unwrap().clone();
    let left: Vec<String> = {
        let s = pod.world.lock();
        s.nodes.values().filter(|n| !n.firewall.tables.is_empty()).map(|n| n.name.clone()).collect()
    };
    assert!(left.is_empty(), "rules are left on {left:?}");
    (pod, seen)
}

#[test]
fn both_passes_of_each_api_server_are_behind_a_rule() {
    let shape = || Shape { workers: vec!["dgx030".into()], inference: (1, 0), ..Shape::default() };
    let (_, seen) = paused(run(shape(), None));
    let wanted = shape().control_planes.into_iter().flat_map(|n| [(n.clone(), "kubeadm"), (n, "kubelet")]);
    let wanted: BTreeMap<_, _> = wanted.map(|stop| (stop, Reach::TheNodeItself)).collect();
    assert_eq!(seen, wanted);
}

#[test]
fn a_node_that_can_not_step_aside_is_upgraded_and_the_reason_is_kept() {
    let shape = Shape { workers: vec!["dgx030".into()], inference: (1, 0), ..Shape::default() };
    let stderr = "Error: Could not process rule: Operation not supported".to_string();
    let broken = Fault::new("nft", "-f", FaultAction::Fail { code: 1, stderr }).times(1000);
    let (pod, seen) = paused(run(shape, Some(broken)));
    assert!(seen.values().all(|r| *r == Reach::All), "{seen:?}");
    let said = pod.journal.records().into_iter().filter_map(|r| match r.event {
        Event::StepDone { step, evidence } if step.to_string().ends_with("step-aside") => {
            Some(serde_json::to_string(&evidence).unwrap())
        }
        _ => None,
    });
    let said: Vec<String> = said.collect();
    assert_eq!(said.len(), 6, "{said:?}");
    assert!(said.iter().all(|s| s.contains("does not step aside")), "{said:?}");
    assert!(said.iter().any(|s| s.contains("Operation not supported")), "{said:?}");
}

#[test]
fn a_single_api_server_never_steps_aside() {
    let (_, seen) = paused(run(podlift_tests::crash::small(), None));
    assert!(!seen.is_empty() && seen.values().all(|r| *r == Reach::All), "{seen:?}");
}
