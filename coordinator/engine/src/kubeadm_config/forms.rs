//! Converts v1beta3 to v1beta4, as kubeadm itself does on the next upgrade (kubeadm 1.32 `apis/kubeadm/v1beta3/conversion.go`): extraArgs
//! become lists. The conversion is refused if v1beta4's ClusterConfiguration can't express a field.

use super::{ClusterConfiguration, ConfigError, arguments};
use serde_json::{Value, json};

/// The value that kubeadm wrote itself until 1.30, and that it assumes if the field is absent.
const DEFAULT_TIMEOUT: &[&str] = &["4m0s", "4m", "240s"];
const TIMEOUT: &str = "timeoutForControlPlane";

impl ClusterConfiguration {
    /// Whether the text can express a repeated flag, or can be converted so that it can. The error is the field that prevents it.
    pub fn repeats(&self) -> Result<(), &'static str> {
        let timeout = self.value.get("apiServer").and_then(|s| s.get(TIMEOUT));
        let meant = |t: &Value| !t.as_str().is_some_and(|t| DEFAULT_TIMEOUT.contains(&t));
        match timeout.filter(|t| !t.is_null() && meant(t)) {
            Some(_) if !self.v1beta4 => Err("apiServer.timeoutForControlPlane"),
            _ => Ok(()),
        }
    }

    /// `flag` is the flag that needs the conversion.
    pub(super) fn make_v1beta4(&mut self, flag: &str) -> Result<(), ConfigError> {
        if self.v1beta4 {
            return Ok(());
        }
        self.repeats().map_err(|field| ConfigError::NoPlace { flag: flag.into(), field })?;
        for section in ["apiServer", "controllerManager", "scheduler"] {
            listed(self.value.get_mut(section));
        }
        listed(self.value.get_mut("etcd").and_then(|e| e.get_mut("local")));
        if let Some(Value::Object(server)) = self.value.get_mut("apiServer") {
            server.remove(TIMEOUT);
        }
        if let Value::Object(fields) = &mut self.value {
            fields.insert("apiVersion".into(), json!("kubeadm.k8s.io/v1beta4"));
        }
        self.v1beta4 = true;
        Ok(())
    }
}

fn listed(section: Option<&mut Value>) {
    let Some(Value::Object(fields)) = section else { return };
    let args = arguments(fields.get("extraArgs"));
    if !args.is_empty() {
        let list = args.into_iter().map(|(name, value)| json!({"name": name, "value": value}));
        fields.insert("extraArgs".into(), list.collect());
    }
}
