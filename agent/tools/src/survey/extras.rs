//! Parts of the live manifests besides flags: environment, volumes, further containers. kubeadm does not write them again by itself.

use super::Site;
use crate::static_pod::{Env, StaticPod};
use podlift_host::paths;
use podlift_model::op::Component;
use podlift_model::survey::ManifestExtras;
use serde_json::Value;
use std::collections::BTreeMap;

/// The parts by component; and for each manifest that can't be read, the reason. The heal reports such a manifest as a finding.
pub fn look(site: &Site<'_>) -> (BTreeMap<String, ManifestExtras>, Vec<(String, String)>) {
    let (mut out, mut strange) = (BTreeMap::new(), Vec::new());
    let mut names: Vec<&str> = Component::ALL.iter().map(|c| c.name()).collect();
    names.push("etcd");
    for name in names {
        let path = format!("{}/{name}.yaml", paths::MANIFESTS);
        let extras = site.text(path.as_ref()).and_then(|text| text.map(|t| of(name, &t)).transpose());
        match extras {
            Ok(extras) => out.extend(extras.map(|e| (name.to_string(), e))),
            Err(why) => strange.push((path, why)),
        }
    }
    (out, strange)
}

fn of(name: &str, text: &str) -> Result<ManifestExtras, String> {
    let pod = StaticPod::read(text)?;
    let env = pod.container(name)?.env().iter().map(shown).collect();
    let others = pod.containers.iter().filter(|c| !c.is(name)).chain(&pod.init_containers);
    Ok(ManifestExtras {
        env,
        containers: others.filter_map(|c| c.name.clone()).collect(),
        volumes: pod.volumes.into_iter().map(|v| (v.name, what(&v.source))).collect(),
    })
}

/// The variable for a report. A value that may be a secret or comes from elsewhere is left out.
fn shown(env: &Env) -> String {
    let upper = env.name.to_uppercase();
    let secret = ["PASS", "SECRET", "TOKEN", "KEY", "CREDENTIAL"].iter().any(|word| upper.contains(word));
    // A proxy's address may contain a password.
    let secret = secret || env.value.as_ref().is_some_and(|v| v.contains("://") && v.contains('@'));
    match env.value.as_ref().filter(|_| !secret) {
        Some(value) => format!("{}={value}", env.name),
        None => env.name.clone(),
    }
}

/// The folder on the node, or the kind of another volume.
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
        let extras = of("kube-apiserver", LIVE_API).unwrap();
        assert_eq!((extras.env.len(), extras.containers.len()), (0, 0));
        assert_eq!(extras.volumes["ca-certs"], "/etc/ssl/certs");
    }

    #[test]
    fn what_somebody_added() {
        let text = "spec:\n  initContainers:\n  - name: wait\n  containers:\n  - name: audit\n    env:\n    - name: NOT_OURS\n      value: x\n  - name: kube-scheduler\n    env:\n    - name: NO_PROXY\n      value: 10.0.0.0/8\n    - name: API_TOKEN\n      value: t0p\n    - name: HTTPS_PROXY\n      value: http://me:t0p@proxy:3128\n    - name: POD_IP\n      valueFrom:\n        fieldRef: {fieldPath: status.podIP}\n  volumes:\n  - name: audit\n    hostPath: {path: /var/log/audit, type: DirectoryOrCreate}\n  - name: scratch\n    emptyDir: {}\n";
        let extras = of("kube-scheduler", text).unwrap();
        assert_eq!(extras.env, ["NO_PROXY=10.0.0.0/8", "API_TOKEN", "HTTPS_PROXY", "POD_IP"]);
        assert_eq!(extras.containers, ["audit", "wait"]);
        assert_eq!(
            (extras.volumes["audit"].as_str(), extras.volumes["scratch"].as_str()),
            ("/var/log/audit", "emptyDir")
        );
        assert!(of("kube-scheduler", "spec: {").is_err());
    }

    #[test]
    fn as_the_kubelet_reads_it() {
        let text = "spec:\n  containers:\n  - name: kube-scheduler\n    env:\n    - {name: A, value: \"1\"}\n    env:\n    - {name: A, value: \"2\"}\n  volumes: null\n---\nspec: [\n";
        let extras = of("kube-scheduler", text).unwrap();
        assert_eq!((extras.env.as_slice(), extras.volumes.len()), (["A=2".to_string()].as_slice(), 0));
        const SIDECAR: &str =
            include_str!("../../../../tests/fixtures/cases/28-m08-second-container/kube-apiserver.yaml");
        let sidecar = of("kube-apiserver", SIDECAR).unwrap();
        assert_eq!(
            (sidecar.containers.as_slice(), sidecar.volumes["kms-sock"].as_str()),
            (["kms-plugin".to_string()].as_slice(), "/var/run/kms")
        );
    }
}
