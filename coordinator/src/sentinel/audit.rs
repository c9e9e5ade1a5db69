//! Who deleted an object, by the audit logs of the API servers, which only the agents of their nodes can read. It is asked for beside the
//! repair, and the repair waits for it a moment at most.

use super::Sentinel;
use super::baseline::Baseline;
use futures_util::future::join_all;
use podlift_engine::issues::Mend;
use podlift_model::deletion::{DeletedKind, DeletedObject, Deletion};
use podlift_model::ids::InvalidId;
use podlift_model::{Look, NodeName, OpOutput};
use std::time::Duration;

/// How long the answers may take.
const LIMIT: Duration = Duration::from_secs(1);

impl Sentinel {
    /// The end of a sentence that names who deleted the object; empty if no log that can be read has it.
    pub(super) async fn deleted_by(&self, baseline: &Baseline, mend: &Mend) -> String {
        let Some(Ok(object)) = object(mend) else { return String::new() };
        let look = Look::Deletion { object };
        let asked = baseline.state().plan.inventory.control_planes().map(|node| {
            let (name, look) = (&node.name, &look);
            async move {
                match tokio::time::timeout(LIMIT, self.performer.agents.observe(name, look)).await {
                    Ok(Ok(OpOutput::Deletion(state))) => Some((state.found?, name)),
                    _ => None,
                }
            }
        });
        let found = join_all(asked).await.into_iter().flatten();
        found
            .max_by_key(|(deletion, _)| deletion.at)
            .map(|(deletion, node)| text(&deletion, node))
            .unwrap_or_default()
    }
}

fn text(deletion: &Deletion, node: &NodeName) -> String {
    let Deletion { at, user, agent, .. } = deletion;
    format!("; {user} deleted it with {agent} at {at}, by the audit log of {node}")
}

fn object(mend: &Mend) -> Option<Result<DeletedObject, InvalidId>> {
    let (kind, namespace, name) = match mend {
        Mend::RestoreService { namespace, name } => (DeletedKind::Services, namespace, name),
        Mend::RestoreSecret { namespace, name } => (DeletedKind::Secrets, namespace, name),
        _ => return None,
    };
    let made = || Ok(DeletedObject { kind, namespace: namespace.parse()?, name: name.parse()? });
    Some(made())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_asked_for_by_its_kind_and_names() {
        let secret = Mend::RestoreSecret { namespace: "runai".into(), name: "ui-tls".into() };
        assert_eq!(object(&secret).unwrap().unwrap().to_string(), "secrets runai/ui-tls");
        let odd = Mend::RestoreService { namespace: "A B".into(), name: "x".into() };
        assert!(object(&odd).unwrap().is_err());
        assert!(object(&Mend::RemoveOperator).is_none());
    }
}
