//! Learns kube-apiserver's manifest when /readyz is good, the container runs with exactly this file, and the etcd behind it answers as the
//! expected cluster.

use super::etcd::{self, Answered};
use super::runtime::runs_exactly;
use crate::look::{alive, api_server};
use crate::node::Node;
use podlift_heal::manifest::Manifest;
use podlift_heal::{Learned, Look};
use podlift_model::facts::ApiServerState;
use podlift_model::op::Component;
use podlift_tools::crictl;
use podlift_tools::etcdctl::Access;
use std::time::Duration;

const API: Component = Component::KubeApiserver;
/// An API server that only asks for credentials counts as healthy after this time. A crash-looping one dies earlier.
pub(super) const LIVED: Duration = Duration::from_secs(60);

pub(super) async fn learn(node: &Node, look: &Look) -> Result<(), String> {
    let Some(manifest) = look.manifest() else { return Err("it can't be read".into()) };
    let flags = manifest.flags();
    if flags.items("etcd-servers").is_empty() {
        return Err("--etcd-servers is empty".into());
    }
    let state = api_server::state(node).await.map_err(|failure| failure.message)?;
    serves(&state)?;
    runs_exactly(&node.host, &node.heal, API, look).await?;
    if !state.ready {
        lived(node, API).await?;
    }
    let cluster = cluster(node, manifest).await?;
    overrides(node, manifest).await?;
    let learned = Learned {
        servers: flags.joined("etcd-servers").unwrap_or_default(),
        overrides: flags.joined("etcd-servers-overrides"),
        prefix: flags.joined("etcd-prefix"),
        cluster,
    };
    node.heal.learned(learned, &look.hash).map_err(|error| format!("it can't be kept: {error}"))
}

fn serves(state: &ApiServerState) -> Result<(), String> {
    if state.serves() {
        return Ok(());
    }
    Err(format!("/readyz of {} says: {}", state.endpoint, alive::telling(&state.readyz)))
}

/// Checks that the newest container runs, and has run for `LIVED`.
pub(super) async fn lived(node: &Node, component: Component) -> Result<(), String> {
    let all = crictl::containers(&node.host, component.name()).await.map_err(|failure| failure.message)?;
    let newest = all.first().filter(|container| container.running);
    let newest = newest.ok_or_else(|| format!("no container of {component} runs"))?;
    let lived = node.host.clock.now().as_nanosecond() - newest.created;
    match lived >= LIVED.as_nanos().try_into().unwrap_or(i128::MAX) {
        true => Ok(()),
        false => Err(format!(
            "it wants credentials that this node has not, and runs for less than {} s",
            LIVED.as_secs()
        )),
    }
}

/// Id of the etcd cluster behind this manifest; `None` if there is no tool to ask it.
async fn cluster(node: &Node, manifest: &Manifest) -> Result<Option<String>, String> {
    let access = Access::of_manifest(&node.host, &node.config.cluster, manifest, None)
        .ok_or_else(|| "--etcd-servers is empty".to_string())?;
    let before = node.heal.expectations().and_then(|known| known.etcd_cluster);
    match etcd::ask(&node.host, &access).await {
        Answered::One(now) => match before {
            Some(before) if before != now => Err(format!(
                "it runs on etcd cluster {now}, expected {before}; if that is right: podlift heal accept {} {API}",
                node.config.node
            )),
            _ => Ok(Some(now)),
        },
        Answered::Mixed(all) => Err(Answered::mixed(&all)),
        Answered::Silent(why) => Err(format!("its etcd does not answer: {why}")),
        Answered::NoTool(why) => {
            tracing::warn!(
                why,
                "etcd can't be asked which cluster it is; an emptied --etcd-servers is not filled"
            );
            Ok(before)
        }
    }
}

/// Checks that the stores of single resources answer too.
async fn overrides(node: &Node, manifest: &Manifest) -> Result<(), String> {
    for (name, access) in Access::overrides(&node.host, &node.config.cluster, manifest) {
        match etcd::ask(&node.host, &access).await {
            Answered::One(_) | Answered::NoTool(_) => {}
            Answered::Mixed(all) => return Err(format!("store of {name}: {}", Answered::mixed(&all))),
            Answered::Silent(why) => return Err(format!("the etcd of {name} does not answer: {why}")),
        }
    }
    Ok(())
}
