//! /metrics of one API server, as far as the product reads it: which APIs it was asked for that will go away. Each server tells of itself
//! alone, since it started.

use super::rbac::Asked;
use super::{Caller, Reply, rbac, status};
use crate::world::World;
use std::collections::BTreeMap;
use std::sync::Arc;

const HEAD: &str = "# HELP apiserver_requested_deprecated_apis [STABLE] Gauge of deprecated APIs that have been requested, broken out by API group, version, resource, subresource, and removed_release.\n\
    # TYPE apiserver_requested_deprecated_apis gauge\n";

const STORED: &str = "# HELP apiserver_storage_objects [STABLE] Number of stored objects at the time of last check split by kind. In case of a fetching error, the value will be -1.\n\
    # TYPE apiserver_storage_objects gauge\n";

pub fn answer(world: &Arc<World>, front: &str, caller: &Caller) -> Reply {
    let user = caller.0.as_deref().unwrap_or("system:anonymous");
    if caller.0.is_none() || !rbac::allows(world, user, &Asked::path("/metrics")) {
        return status::forbidden_path("/metrics", user);
    }
    let asked = world.lock().deprecated.get(front).cloned().unwrap_or_default();
    let lines = asked.iter().map(|d| {
        format!(
            "apiserver_requested_deprecated_apis{{group=\"{}\",removed_release=\"{}\",resource=\"{}\",subresource=\"\",version=\"{}\"}} 1\n",
            d.group, d.removed, d.resource, d.version
        )
    });
    let lines: String = lines.collect();
    // A gauge that was never set is not there.
    let text = if lines.is_empty() { String::new() } else { format!("{HEAD}{lines}") };
    let text = format!("{text}{}", stored(world));
    let text = format!(
        "# HELP go_goroutines Number of goroutines that currently exist.\n# TYPE go_goroutines gauge\ngo_goroutines 1894\n{text}"
    );
    status::reply_text(200, "text/plain; version=0.0.4; charset=utf-8", text)
}

/// How many objects of each resource etcd has.
fn stored(world: &World) -> String {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for (key, _) in world.lock().api.everything() {
        let name = if key.group.is_empty() {
            key.resource.clone()
        } else {
            format!("{}.{}", key.resource, key.group)
        };
        *count.entry(name).or_default() += 1;
    }
    let lines: String =
        count.iter().map(|(r, n)| format!("apiserver_storage_objects{{resource=\"{r}\"}} {n}\n")).collect();
    format!("{STORED}{lines}")
}
