//! What kubeadm would write: its defaults, `--etcd-servers` among them, and extraArgs over them
//! (kubeadm 1.31 and 1.32 `phases/controlplane/manifests.go:166-240`, the same but for a comment; `util/arguments.go:37-64`: a name in
//! extraArgs removes every default of that name).

use super::ClusterConfiguration;
use podlift_model::FlagSet;
use podlift_model::op::Component;
use serde_json::Value;

const LOCAL: &str = "https://127.0.0.1:2379";

impl ClusterConfiguration {
    /// The flags of `component`, as kubeadm would render them, without those that are the node's own.
    pub fn rendered(&self, component: Component) -> FlagSet {
        let mut flags = FlagSet::default();
        for (name, value) in self.defaults(component) {
            flags.0.insert(name.into(), vec![value]);
        }
        let extra = self.extra_args(component);
        for (name, _) in &extra {
            flags.0.remove(name);
        }
        for (name, value) in extra {
            flags.0.entry(name).or_default().push(value);
        }
        flags
    }

    /// `external` that is present, even as `{}`, wins over local; null or absent is local.
    pub(super) fn external_etcd(&self) -> Option<&Value> {
        self.value.get("etcd")?.get("external").filter(|v| !v.is_null())
    }

    /// `--etcd-servers` before extraArgs.
    pub(super) fn etcd_servers(&self) -> String {
        let Some(external) = self.external_etcd() else { return self.local_servers() };
        let endpoints = external.get("endpoints").and_then(Value::as_array);
        let texts = endpoints.into_iter().flatten().filter_map(Value::as_str);
        texts.collect::<Vec<_>>().join(",")
    }

    fn local_servers(&self) -> String {
        let args = self.value.get("etcd").and_then(|e| e.get("local")).and_then(|l| l.get("extraArgs"));
        let urls = match args {
            Some(Value::Array(items)) => {
                items.iter().find(|i| i["name"] == "advertise-client-urls").and_then(|i| i["value"].as_str())
            }
            Some(Value::Object(map)) => map.get("advertise-client-urls").and_then(Value::as_str),
            _ => None,
        };
        urls.unwrap_or(LOCAL).to_string()
    }
}
