//! Flag loss: all settings that a kubeadm upgrade would remove, empty or change on a node, with their origin. kubeadm regenerates whole
//! files from two ConfigMaps and keeps nothing of the old ones (kubeadm 1.32 `phases/controlplane/manifests.go`). So a manual addition is
//! lost unless it is put where kubeadm reads it.

mod etcd;
mod extras;
mod flags;
mod kubelet;

use crate::analysis::root_cause::{Unrepairable, live_flags};
use crate::goals::PlanInput;
use crate::kubeadm_config::ClusterConfiguration;
use crate::program::{Loss, LossKind, PatchFile, Prevention, names};
use podlift_model::NodeName;
use podlift_model::op::Component;

/// What the comparison found, and what can be done about it.
#[derive(Debug, Default)]
pub(in crate::goals) struct Predicted {
    pub losses: Vec<Loss>,
    pub prevented: Vec<Prevention>,
    pub unrepairable: Vec<Unrepairable>,
    /// Changes that would start the API servers on an empty or another store.
    pub store: Vec<String>,
    pub patches: Vec<PatchFile>,
}

pub(in crate::goals) fn predict(input: &PlanInput, config: &ClusterConfiguration) -> Predicted {
    let mut out = Predicted::default();
    flags::predict(input, config, &mut out);
    etcd::predict(input, config, &mut out);
    extras::predict(input, config, &mut out);
    kubelet::predict(input, &mut out);
    out
}

impl Predicted {
    /// The flag can't be repaired on the nodes that would lose it.
    fn give_up(&mut self, component: Component, flag: &str, what: String) {
        let nodes = self.nodes_of(component.name(), flag);
        self.unrepairable.push(Unrepairable { nodes, name: flag.into(), what });
    }

    /// The nodes that would lose this setting.
    fn nodes_of(&self, component: &str, name: &str) -> Vec<NodeName> {
        let of = self.losses.iter().filter(|l| l.component == component && l.name == name);
        of.flat_map(|l| l.nodes.clone()).collect()
    }

    /// Adds a loss, or adds its node to an equal loss of another node.
    fn add(&mut self, node: &NodeName, loss: Loss) {
        let same = |l: &&mut Loss| {
            (&l.component, l.kind, &l.name, &l.live, &l.becomes)
                == (&loss.component, loss.kind, &loss.name, &loss.live, &loss.becomes)
        };
        match self.losses.iter_mut().find(same) {
            Some(known) => known.nodes.push(node.clone()),
            None => self.losses.push(Loss { nodes: vec![node.clone()], ..loss }),
        }
    }
}

/// The origin of a setting that no ConfigMap renders.
fn by_hand() -> String {
    "no ConfigMap of kubeadm has it: it was added by hand".into()
}

#[cfg(test)]
mod tests;
