//! Repairs ConfigMap kubelet-config: adds keys that all nodes have and it lacks. Every change is by name.

use crate::kubeadm_config::{ConfigError, ConfigRepair, canonical};
use serde_json::Value;

/// The text with the repairs; unchanged if it has them already.
pub fn mend_kubelet_config(text: &str, repairs: &[ConfigRepair]) -> Result<String, ConfigError> {
    let mut value: Value = serde_saphyr::from_str(text).map_err(|e| ConfigError::Kubelet(e.to_string()))?;
    let before = value.clone();
    let Value::Object(fields) = &mut value else {
        return Err(ConfigError::Kubelet("it is no mapping".into()));
    };
    for repair in repairs {
        if let ConfigRepair::SetKubelet { key, value } = repair {
            fields.insert(key.clone(), value.clone());
        }
    }
    if value == before {
        return Ok(text.into());
    }
    let mended = canonical(&value)?;
    match serde_saphyr::from_str::<Value>(&mended).is_ok_and(|read| read == value) {
        true => Ok(mended),
        false => Err(ConfigError::Kubelet("the repaired text does not read back as what was meant".into())),
    }
}
