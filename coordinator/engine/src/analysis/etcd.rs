//! Problems of etcd, as seen from one member.

use podlift_model::facts::EtcdState;

/// Problems of etcd, each in a sentence.
pub(crate) fn problems(state: &EtcdState) -> Vec<String> {
    let sick = state.members.iter().filter(|m| !m.healthy);
    let mut out: Vec<String> = sick
        .map(|m| {
            format!(
                "member {} ({}) is not healthy: {}",
                m.name,
                m.endpoint,
                m.error.as_deref().unwrap_or("no reason given")
            )
        })
        .collect();
    out.extend(state.alarms.iter().map(|a| format!("alarm {a}")));
    let leaders = state.members.iter().filter(|m| m.leader).count();
    if leaders != 1 {
        out.push(format!("members that say that they lead: {leaders}, expected exactly one"));
    }
    out.extend(state.overrides.iter().flat_map(|(resource, store)| of_override(resource, store)));
    out
}

/// Problems of the store of one resource (`--etcd-servers-overrides`). The API server does not start without that store either.
fn of_override(resource: &str, store: &Result<EtcdState, String>) -> Vec<String> {
    match store {
        Ok(state) => problems(state).into_iter().map(|p| format!("store of {resource}: {p}")).collect(),
        Err(why) => vec![format!("store of {resource}: it can't be asked: {why}")],
    }
}
