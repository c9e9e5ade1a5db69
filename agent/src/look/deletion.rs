//! Who deleted an object, by the audit log of this node's API server. Each API server has the requests that it served itself, so all
//! control-plane nodes have to be asked.

use super::alive::{api_server, on_node};
use crate::node::Node;
use podlift_model::Failure;
use podlift_model::deletion::{DeletedObject, DeletionState};
use podlift_tools::audit_log;
use podlift_tools::files::file_failure;

/// The manifest's value for a log on the standard output.
const STDOUT: &str = "-";

pub fn state(node: &Node, object: &DeletedObject) -> Result<DeletionState, Failure> {
    crate::ops::shared::control_plane(node)?;
    let manifest = api_server(node);
    let named = manifest.as_ref().and_then(|m| Some((m, m.flags().joined("audit-log-path")?)));
    let Some((manifest, path)) = named.filter(|(_, path)| path != STDOUT) else {
        return Ok(DeletionState::default());
    };
    let log = on_node(manifest, &path);
    let (found, since) =
        audit_log::deletion(node.host.files.as_ref(), &log, object).map_err(|e| file_failure(&log, &e))?;
    Ok(DeletionState { log: Some(log.display().to_string()), since, found })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, LIVE_API, exited};
    use podlift_host::paths;
    use podlift_model::op::Component;

    const EVENT: &str = r#"{"stage":"ResponseComplete","verb":"delete","user":{"username":"kubernetes-admin"},"userAgent":"kubectl/v1.32.9","objectRef":{"resource":"secrets","namespace":"ingress-nginx","name":"ingress-server-default-tls"},"responseStatus":{"code":200},"requestReceivedTimestamp":"2026-11-22T03:00:01.000000Z"}"#;

    fn object() -> DeletedObject {
        DeletedObject {
            kind: "secrets".parse().unwrap(),
            namespace: "ingress-nginx".parse().unwrap(),
            name: "ingress-server-default-tls".parse().unwrap(),
        }
    }

    fn bench(log: Option<&str>) -> Bench {
        let bench = Bench::new(|_| exited(1, "not asked here")).control_plane();
        if let Some(log) = log {
            let flag = format!("    - --audit-log-path={log}\n    - --authorization-mode=");
            let text = LIVE_API.replacen("    - --authorization-mode=", &flag, 1);
            assert_ne!(text, LIVE_API);
            bench.files.put(paths::manifest(Component::KubeApiserver), text.as_bytes());
        }
        bench
    }

    #[tokio::test(start_paused = true)]
    async fn the_log_that_the_manifest_names_is_read() {
        for log in [None, Some("-")] {
            let node = bench(log).node();
            node.heal.look_at_all();
            assert_eq!(state(&node, &object()), Ok(DeletionState::default()), "{log:?}");
        }
        let b = bench(Some("/var/log/audit.log"));
        b.files.put("/var/log/audit.log", EVENT.as_bytes());
        let node = b.node();
        node.heal.look_at_all();
        let seen = state(&node, &object()).unwrap();
        assert_eq!(seen.log.as_deref(), Some("/var/log/audit.log"));
        let found = seen.found.unwrap();
        assert_eq!((found.user.as_str(), found.agent.as_str()), ("kubernetes-admin", "kubectl/v1.32.9"));
        assert_eq!(seen.since, Some(found.at));
    }

    #[tokio::test(start_paused = true)]
    async fn a_log_that_is_not_there_and_a_worker_are_said() {
        let node = bench(Some("/var/log/audit.log")).node();
        node.heal.look_at_all();
        let missing = state(&node, &object()).unwrap_err();
        assert!(missing.message.starts_with("/var/log/audit.log: "), "{}", missing.message);
        let worker = Bench::new(|_| exited(1, "not asked here")).node();
        assert_eq!(state(&worker, &object()).unwrap_err().code, "not-control-plane");
    }
}
