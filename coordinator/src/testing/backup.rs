//! The small fleet's data for backups: files of its nodes, objects of its API.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use podlift_model::facts::SnapshotState;
use podlift_model::survey::{BackupFile, FilePart};
use podlift_model::{Digest, Failure, NodeName, RunId};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Bytes of a part. It is small, so that files have several parts.
const PART: usize = 700;

/// Content by (node, path).
#[derive(Default)]
pub struct Files(pub BTreeMap<(String, String), Vec<u8>>, Sealed);

/// Encrypted contents with their sources, so that every part comes from the same bytes.
type Sealed = BTreeMap<(String, String), (Vec<u8>, Vec<u8>)>;

impl Files {
    pub fn add(&mut self, node: &str, plane: bool) {
        let mut put = |path: &str| {
            let text = format!("{path} of {node}\n");
            self.0.insert((node.into(), path.into()), text.into_bytes());
        };
        for path in
            ["/etc/kubernetes/kubelet.conf", "/etc/kubernetes/pki/ca.crt", "/var/lib/kubelet/config.yaml"]
        {
            put(path);
        }
        let planes = [
            "/etc/kubernetes/admin.conf",
            "/etc/kubernetes/manifests/kube-apiserver.yaml",
            "/etc/kubernetes/pki/ca.key",
            "/etc/systemd/system/etcd.service",
        ];
        planes.into_iter().filter(|_| plane).for_each(&mut put);
        self.0.insert((node.into(), "/etc/default/kubelet".into()), vec![]);
    }

    /// Adds a file to a node.
    pub fn put(&mut self, node: &str, path: &str, content: &[u8]) {
        self.0.insert((node.into(), path.into()), content.into());
    }

    pub fn remove(&mut self, node: &str, path: &str) {
        self.0.remove(&(node.into(), path.into()));
    }

    pub fn snapshot(&mut self, node: &NodeName, run: &RunId) -> SnapshotState {
        let mut bytes = vec![7; 2048];
        let trailer = Sha256::digest(&bytes);
        bytes.extend_from_slice(&trailer);
        let state = SnapshotState {
            sha256: Digest::of(&bytes),
            bytes: bytes.len() as u64,
            revision: 4107,
            verified: true,
        };
        self.put(node.as_str(), &format!("/var/lib/podlift/backup/{run}/etcd.db"), &bytes);
        state
    }

    pub(super) fn listed(&self, node: &NodeName) -> Vec<BackupFile> {
        let mine = self.0.iter().filter(|((n, _), _)| n == node.as_str());
        mine.map(|((_, path), content)| BackupFile {
            path: path.clone(),
            bytes: content.len() as u64,
            mode: 0o600,
            secret: secret(path),
        })
        .collect()
    }

    /// One part as an agent sends it. A secret file is encrypted to the node's own recipients, or not given out at all.
    pub(super) fn part(
        &mut self,
        node: &NodeName,
        path: &str,
        offset: u64,
        to: &[String],
    ) -> Result<FilePart, Failure> {
        let key = (node.to_string(), path.to_string());
        let plain = self.0.get(&key).cloned().unwrap_or_default();
        let content = match secret(path) {
            false => plain,
            true if to.is_empty() => return Err(Failure::operator("no-recipients", "no recipients here")),
            true => {
                let made = |(of, sealed): &(Vec<u8>, Vec<u8>)| (*of == plain).then(|| sealed.clone());
                let sealed = self.1.get(&key).and_then(made).unwrap_or_else(|| encrypted(&plain, to));
                self.1.insert(key, (plain, sealed.clone()));
                sealed
            }
        };
        Ok(cut(path, offset, &content))
    }

    pub(super) fn in_clear(&self, node: &NodeName, path: &str, offset: u64) -> FilePart {
        let content = self.0.get(&(node.to_string(), path.to_string())).map_or(&[][..], Vec::as_slice);
        cut(path, offset, content)
    }
}

fn cut(path: &str, offset: u64, content: &[u8]) -> FilePart {
    let from = (offset as usize).min(content.len());
    let end = (from + PART).min(content.len());
    let (path, last) = (path.to_string(), end == content.len());
    FilePart { path, offset, base64: STANDARD.encode(&content[from..end]), last }
}

fn secret(path: &str) -> bool {
    path.ends_with(".key") || path.ends_with(".conf") || path.ends_with(".db")
}

fn encrypted(plain: &[u8], to: &[String]) -> Vec<u8> {
    use std::io::Write as _;
    let to: Vec<age::x25519::Recipient> = to.iter().map(|r| r.parse().unwrap()).collect();
    let all = to.iter().map(|r| r as &dyn age::Recipient);
    let mut sealed = Vec::new();
    let mut out = age::Encryptor::with_recipients(all).unwrap().wrap_output(&mut sealed).unwrap();
    out.write_all(plain).unwrap();
    out.finish().unwrap();
    sealed
}

/// Lists by their path, and single objects by their own path.
pub struct Objects {
    pub lists: BTreeMap<String, Vec<Value>>,
    pub single: BTreeMap<String, Value>,
    /// Paths that the API refuses.
    pub forbidden: Vec<String>,
}

impl Default for Objects {
    fn default() -> Self {
        let config = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {}});
        let path = |name: &str| format!("/api/v1/namespaces/kube-system/configmaps/{name}");
        let single = ["kubeadm-config", "kubelet-config"].map(|name| (path(name), config(name)));
        let pod = json!({"metadata": {"namespace": "ingress-nginx", "name": "controller"}, "spec": {"containers": [
            {"args": ["/nginx-ingress-controller", "--default-ssl-certificate=ingress-nginx/star"]}]}});
        let service = |name: &str, kind: &str| json!({"metadata": {"namespace": "ingress-nginx", "name": name}, "spec": {"type": kind, "unknownField": 1.50}});
        let ingress = json!({"metadata": {"namespace": "runai-backend", "name": "ui"}, "spec": {"tls": [{"secretName": "ui-tls"}]}});
        let workload = |namespace: &str| json!({"metadata": {"namespace": namespace, "name": "trainer"}});
        let installation = json!({"apiVersion": "operator.tigera.io/v1", "kind": "Installation", "metadata": {"name": "default"}});
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "data": {"tls.key": "S0VZ"}});
        let lists = [
            ("/api/v1/nodes", vec![]),
            ("/api/v1/pods", vec![pod]),
            (
                "/api/v1/services",
                vec![service("controller", "LoadBalancer"), service("metrics", "ClusterIP")],
            ),
            ("/apis/networking.k8s.io/v1/ingresses", vec![ingress]),
            ("/apis/operator.tigera.io/v1/installations", vec![installation]),
            ("/apis/apps/v1/statefulsets", vec![workload("runai-team-a"), workload("kube-system")]),
        ];
        let mut single: BTreeMap<String, Value> = single.into();
        for (namespace, name) in [("ingress-nginx", "star"), ("runai-backend", "ui-tls")] {
            single.insert(format!("/api/v1/namespaces/{namespace}/secrets/{name}"), secret.clone());
        }
        let lists = lists.into_iter().map(|(path, items)| (path.to_string(), items)).collect();
        Self { lists, single, forbidden: vec![] }
    }
}

impl Objects {
    pub fn add_node(&mut self, node: &str, plane: bool) {
        let labels = if plane { json!({"node-role.kubernetes.io/control-plane": ""}) } else { json!({}) };
        let node = json!({"metadata": {"name": node, "labels": labels}});
        self.lists.entry("/api/v1/nodes".into()).or_default().push(node);
    }

    /// Pages have two objects.
    pub(super) fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<Bytes>, Failure> {
        if self.forbidden.iter().any(|p| p == path) {
            return Err(Failure::transient("api-forbidden", "the API server answered 403"));
        }
        if let Some(object) = self.single.get(path) {
            return Ok(Some(object.to_string().into()));
        }
        let Some(items) = self.lists.get(path) else { return Ok(None) };
        let from: usize =
            query.iter().find(|(k, _)| *k == "continue").and_then(|(_, v)| v.parse().ok()).unwrap_or(0);
        let to = (from + 2).min(items.len());
        let next = if to < items.len() { to.to_string() } else { String::new() };
        let kind = match path.rsplit('/').next().unwrap_or_default() {
            "services" => "ServiceList",
            "statefulsets" => "StatefulSetList",
            "pods" => "PodList",
            "nodes" => "NodeList",
            _ => "IngressList",
        };
        let list = json!({"kind": kind, "apiVersion": "v1", "metadata": {"continue": next}, "items": items[from..to]});
        Ok(Some(list.to_string().into()))
    }
}
