//! What the live manifests hold besides flags: environment, volumes, further containers. kubeadm writes none of it again by itself.

use super::Site;
use podlift_host::paths;
use podlift_model::op::Component;
use podlift_model::survey::ManifestExtras;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Pod {
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default)]
    containers: Vec<Container>,
    #[serde(default)]
    init_containers: Option<Vec<Container>>,
    #[serde(default)]
    volumes: Option<Vec<Volume>>,
}

#[derive(Deserialize)]
struct Container {
    name: String,
    #[serde(default)]
    env: Option<Vec<Env>>,
}

#[derive(Deserialize)]
struct Env {
    name: String,
    #[serde(default)]
    value: Option<String>,
}

#[derive(Deserialize)]
struct Volume {
    name: String,
    #[serde(flatten)]
    source: BTreeMap<String, Value>,
}

/// A manifest that can't be read is the heal's finding, and here a reason.
pub fn look(site: &Site<'_>) -> Result<BTreeMap<String, ManifestExtras>, String> {
    let mut out = BTreeMap::new();
    for component in Component::ALL {
        let path = paths::manifest(*component);
        if let Some(text) = site.text(&path)? {
            let extras = of(*component, &text).map_err(|why| format!("{}: {why}", path.display()))?;
            out.insert(component.name().to_string(), extras);
        }
    }
    Ok(out)
}

fn of(component: Component, text: &str) -> Result<ManifestExtras, String> {
    let first = |e: String| e.lines().next().unwrap_or_default().to_string();
    let pod: Pod = serde_saphyr::from_str(text).map_err(|e| first(e.to_string()))?;
    let (own, others): (Vec<_>, Vec<_>) =
        pod.spec.containers.into_iter().partition(|c| c.name == component.name());
    let env = own.into_iter().flat_map(|c| c.env.unwrap_or_default()).map(shown);
    let others = others.into_iter().chain(pod.spec.init_containers.unwrap_or_default());
    Ok(ManifestExtras {
        env: env.collect(),
        volumes: pod
            .spec
            .volumes
            .unwrap_or_default()
            .into_iter()
            .map(|v| (v.name, what(&v.source)))
            .collect(),
        containers: others.map(|c| c.name).collect(),
    })
}

/// A value that may be a secret, or comes from elsewhere, is left out.
fn shown(env: Env) -> String {
    let upper = env.name.to_uppercase();
    let secret = ["PASS", "SECRET", "TOKEN", "KEY", "CREDENTIAL"].iter().any(|word| upper.contains(word));
    // A proxy's address can hold a password.
    let secret = secret || env.value.as_ref().is_some_and(|v| v.contains("://") && v.contains('@'));
    match env.value.filter(|_| !secret) {
        Some(value) => format!("{}={value}", env.name),
        None => env.name,
    }
}

/// A folder of the node, or the kind of what else it is.
fn what(source: &BTreeMap<String, Value>) -> String {
    match source.get("hostPath").and_then(|h| h.get("path")?.as_str()) {
        Some(path) => path.into(),
        None => source.keys().next().cloned().unwrap_or_else(|| "emptyDir".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::LIVE_API;

    #[test]
    fn kubeadms_own_manifest_holds_its_volumes_and_nothing_else() {
        let extras = of(Component::KubeApiserver, LIVE_API).unwrap();
        assert_eq!((extras.env.len(), extras.containers.len()), (0, 0));
        assert_eq!(extras.volumes["ca-certs"], "/etc/ssl/certs");
    }

    #[test]
    fn what_somebody_added() {
        let text = "spec:\n  initContainers:\n  - name: wait\n  containers:\n  - name: audit\n    env:\n    - name: NOT_OURS\n      value: x\n  - name: kube-scheduler\n    env:\n    - name: NO_PROXY\n      value: 10.0.0.0/8\n    - name: API_TOKEN\n      value: t0p\n    - name: HTTPS_PROXY\n      value: http://me:t0p@proxy:3128\n    - name: POD_IP\n      valueFrom:\n        fieldRef: {fieldPath: status.podIP}\n  volumes:\n  - name: audit\n    hostPath: {path: /var/log/audit, type: DirectoryOrCreate}\n  - name: scratch\n    emptyDir: {}\n";
        let extras = of(Component::KubeScheduler, text).unwrap();
        assert_eq!(extras.env, ["NO_PROXY=10.0.0.0/8", "API_TOKEN", "HTTPS_PROXY", "POD_IP"]);
        assert_eq!(extras.containers, ["audit", "wait"]);
        assert_eq!(
            (extras.volumes["audit"].as_str(), extras.volumes["scratch"].as_str()),
            ("/var/log/audit", "emptyDir")
        );
        assert!(of(Component::KubeScheduler, "spec: {").is_err());
    }
}
