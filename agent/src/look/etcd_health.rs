//! Health of every etcd member: leader, revision, alarms. An endpoint that does not answer is a member with an error, and does not fail the
//! look. A store of single resources that does not answer is reported beside the others.

use crate::node::Node;
use crate::ops::etcd_access;
use podlift_model::Failure;
use podlift_model::facts::{EtcdMember, EtcdState};
use podlift_tools::etcdctl::{Access, EndpointHealth, EndpointStatus, Member};
use std::collections::BTreeMap;

pub async fn state(node: &Node) -> Result<EtcdState, Failure> {
    let main = store(node, &etcd_access::of(node)?).await?;
    let mut overrides = BTreeMap::new();
    for (name, access) in etcd_access::overrides(node) {
        overrides.insert(name, store(node, &access).await.map_err(|failure| failure.message));
    }
    Ok(EtcdState { overrides, ..main })
}

async fn store(node: &Node, access: &Access) -> Result<EtcdState, Failure> {
    let members = access.members(&node.host).await?;
    let status = access.status(&node.host).await.unwrap_or_default();
    let health = access.health(&node.host).await.unwrap_or_default();
    let alarms = access.alarms(&node.host).await?;
    let name =
        |id: u64| members.members.iter().find(|m| m.id == id).map_or(format!("{id:x}"), |m| m.name.clone());
    let address = super::facts::advertise(node);
    let local = |m: &Member| m.name == node.config.node.as_str() || same_host(m, address.as_deref());
    Ok(EtcdState {
        overrides: BTreeMap::new(),
        cluster: format!("{:x}", members.header.cluster_id),
        alarms: alarms.into_iter().map(|(id, alarm)| format!("{}: {alarm}", name(id))).collect(),
        members: members.members.iter().map(|m| member(m, &status, &health, local(m))).collect(),
    })
}

fn member(member: &Member, status: &[EndpointStatus], health: &[EndpointHealth], local: bool) -> EtcdMember {
    let mine = |endpoint: &String| member.client_urls.contains(endpoint);
    let status = status.iter().find(|s| mine(&s.endpoint)).map(|s| &s.status);
    let health = health.iter().find(|h| mine(&h.endpoint));
    let silent = || Some("it does not answer".to_string());
    let error = match health {
        None => silent(),
        Some(h) if !h.health => h.error.clone().filter(|e| !e.is_empty()).or_else(silent),
        Some(_) if member.is_learner => Some("it is a learner, not a voting member".into()),
        Some(_) => None,
    };
    EtcdMember {
        name: member.name.clone(),
        id: Some(format!("{:x}", member.id)),
        endpoint: member.client_urls.first().cloned().unwrap_or_default(),
        healthy: error.is_none(),
        leader: status.is_some_and(|s| s.leader == member.id),
        local,
        revision: status.map_or(0, |s| s.header.revision),
        version: status.map(|s| s.version.clone()).unwrap_or_default(),
        error,
        db_size_bytes: status.map(|s| s.db_size).filter(|bytes| *bytes > 0),
        latency_ms: health.and_then(EndpointHealth::millis),
    }
}

/// Whether a client URL of the member has the host of this node's API server.
fn same_host(member: &Member, advertise: Option<&str>) -> bool {
    let host_of =
        |text: &str| text.rsplit_once(':').map(|(host, _)| host.trim_start_matches("https://").to_string());
    let own = advertise.and_then(host_of);
    own.is_some_and(|own| member.client_urls.iter().any(|url| host_of(url).as_deref() == Some(own.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    #[test]
    fn size_and_latency_are_the_members_own_and_a_silent_one_has_none() {
        let one: Member =
            from_value(json!({"ID": 7, "name": "a", "clientURLs": ["https://a:2379"]})).unwrap();
        let status: Vec<EndpointStatus> = from_value(json!([
            {"Endpoint": "https://b:2379", "Status": {"header": {"cluster_id": 1}, "dbSize": 9}},
            {"Endpoint": "https://a:2379", "Status": {"header": {"cluster_id": 1}, "dbSize": 3_145_728, "leader": 7}},
        ]))
        .unwrap();
        let health: Vec<EndpointHealth> =
            from_value(json!([{"endpoint": "https://a:2379", "health": true, "took": "9.184912ms"}]))
                .unwrap();
        let seen = member(&one, &status, &health, true);
        assert_eq!(seen.id.as_deref(), Some("7"));
        assert_eq!((seen.db_size_bytes, seen.latency_ms, seen.leader), (Some(3_145_728), Some(10), true));
        let silent = member(&one, &[], &[], true);
        assert_eq!((silent.db_size_bytes, silent.latency_ms, silent.healthy), (None, None, false));
    }
}
