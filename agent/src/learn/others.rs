//! kube-controller-manager and kube-scheduler, each independently: learned when their container runs with exactly the manifest on the disk
//! and their healthz is good.

use super::api_server::lived;
use super::runtime::runs_exactly;
use crate::look::{address, alive, component as look_at};
use crate::node::Node;
use podlift_heal::Look;
use podlift_model::op::Component;

pub(super) async fn learn(node: &Node, component: Component, look: &Look) -> Result<(), String> {
    let Some(manifest) = look.manifest() else { return Err("it can't be read".into()) };
    let endpoint = address::health(manifest)?;
    let answer = alive::ask(node, &endpoint, "/healthz", &look_at::tls(&endpoint, manifest)).await;
    if !answer.serves() {
        return Err(format!("/healthz of {endpoint} says: {}", answer.line()));
    }
    runs_exactly(&node.host, &node.heal, component, look).await?;
    if !answer.ready {
        lived(node, component).await?;
    }
    node.heal.learned_component(component, &look.hash).map_err(|error| format!("it can't be kept: {error}"))
}
