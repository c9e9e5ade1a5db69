//! This node's own API server, for coordinators that ask for it alone.

use super::component;
use crate::node::Node;
use podlift_model::Failure;
use podlift_model::facts::ApiServerState;
use podlift_model::op::Component;

pub async fn state(node: &Node) -> Result<ApiServerState, Failure> {
    component::state(node, Component::KubeApiserver).await.map(Into::into)
}
