//! Flags of a stacked etcd: kubeadm writes etcd.yaml again from `etcd.local`. Settings from a patch or a manual edit (quota, metrics
//! address) are lost unless `etcd.local.extraArgs` has them.

use super::{Loss, LossKind, Predicted, Unrepairable, by_hand, names};
use crate::analysis::endpoints;
use crate::goals::PlanInput;
use crate::inventory::NodeEntry;
use crate::kubeadm_config::{ClusterConfiguration, ETCD_OWN};
use podlift_model::NodeName;
use podlift_model::flags::FlagChange;
use podlift_model::survey::StackedEtcd;
use std::collections::BTreeMap;

const ETCD: &str = "etcd";

pub fn predict(input: &PlanInput, config: &ClusterConfiguration, out: &mut Predicted) {
    if !config.is_stacked() {
        return;
    }
    let mut lost: BTreeMap<(String, String), Vec<NodeName>> = BTreeMap::new();
    for node in input.inventory.control_planes() {
        let survey = input.surveys.get(&node.name).and_then(|s| s.as_ref().ok());
        let Some(Ok(etcd)) = survey.and_then(|s| s.etcd.as_ref()) else { continue };
        if let Some(why) = &etcd.opaque {
            let what =
                format!("etcd.yaml's flags can't be known ({why}), and the upgrade would write it anew");
            lost.entry((what, String::new())).or_default().push(node.name.clone());
            continue;
        }
        for change in changes(input, config, node, etcd) {
            lost.entry((change.to_string(), change.flag.clone())).or_default().push(node.name.clone());
            out.add(&node.name, loss(change));
        }
    }
    out.unrepairable.extend(lost.into_iter().map(|((what, name), nodes)| {
        let what = format!("{what} on {}: put it into etcd.local.extraArgs of kubeadm-config", names(&nodes));
        Unrepairable { nodes, name, what }
    }));
}

fn changes(
    input: &PlanInput,
    config: &ClusterConfiguration,
    node: &NodeEntry,
    etcd: &StackedEtcd,
) -> Vec<FlagChange> {
    let rendered = config.rendered_etcd(endpoints::renderer(input.to, node));
    let own = |flag: &str| ETCD_OWN.contains(&flag);
    let all = etcd.flags.changes_to(ETCD, &rendered).into_iter();
    let mut out: Vec<FlagChange> = all.filter(|c| c.live.is_some() && !own(&c.flag)).collect();
    for (flag, port) in [("listen-client-urls", ":2379"), ("listen-peer-urls", ":2380")] {
        let extra: Vec<String> = etcd.flags.items(flag).into_iter().filter(|url| !usual(url, port)).collect();
        if !extra.is_empty() && !rendered.0.contains_key(flag) {
            let (component, live) = (ETCD.into(), Some(extra.join(",")));
            out.push(FlagChange { component, flag: flag.into(), live, rendered: None });
        }
    }
    out
}

/// Whether kubeadm writes such a URL: of the loopback address or the node's own, never of all addresses.
fn usual(url: &str, port: &str) -> bool {
    let url = url.trim_end_matches('/');
    let everywhere = ["https://0.0.0.0", "https://[::]"].iter().any(|all| url.starts_with(all));
    url.starts_with("https://") && url.ends_with(port) && !everywhere
}

fn loss(change: FlagChange) -> Loss {
    Loss {
        nodes: vec![],
        component: change.component,
        kind: LossKind::Flag,
        name: change.flag,
        live: change.live.unwrap_or_default(),
        becomes: change.rendered,
        origin: by_hand(),
    }
}
