//! What kubeadm would write for the flags that decide whether a component starts: `--etcd-servers` and `--feature-gates`
//! (kubeadm 1.31 and 1.32 `phases/controlplane/manifests.go:166-240`, the same but for a comment; `util/arguments.go:37-64`: a name in
//! extraArgs removes every default of that name).

use super::ClusterConfiguration;
use podlift_model::FlagSet;
use podlift_model::op::Component;
use serde_json::Value;

const LOCAL: &str = "https://127.0.0.1:2379";

impl ClusterConfiguration {
    /// The flags of `component` that this configuration decides, as kubeadm would render them.
    pub fn rendered(&self, component: Component) -> FlagSet {
        let mut flags = FlagSet::default();
        if component == Component::KubeApiserver {
            flags.0.insert("etcd-servers".into(), vec![self.etcd_servers()]);
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

    /// `--etcd-servers` before extraArgs. `external` that is present, even as `{}`, wins over local; null or absent is local.
    fn etcd_servers(&self) -> String {
        let etcd = self.value.get("etcd");
        let Some(external) = etcd.and_then(|e| e.get("external")).filter(|v| !v.is_null()) else {
            return self.local_servers();
        };
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
