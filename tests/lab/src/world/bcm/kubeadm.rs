//! kubeadm's settings as BCM keeps them: it learns them by cm-kubeadm-manage, and may write its own over the cluster's.

use super::super::cast;
use super::super::core::World;
use super::super::effects::What;
use crate::doubles::HEAD;
use crate::objects::Key;

/// How the API server knows CMDaemon as a writer.
pub const WRITER: &str = "cmd";

impl World {
    /// `update_configmap`: the cluster's become BCM's.
    pub fn bcm_learns_config(&self) {
        self.update(|s| {
            let data = s.api.get(&Key::config_map("kubeadm-config")).map(|m| m["data"].clone());
            s.bcm.config = data.unwrap_or_default();
        });
        self.record(HEAD, What::ConfigLearned, None);
    }

    /// CMDaemon writes its own over the cluster's. False: they are the same.
    pub fn bcm_writes_config(&self) -> bool {
        let now = self.clock.now();
        let changed = self.update(|s| {
            let own = s.bcm.config.clone();
            let key = Key::config_map("kubeadm-config");
            let differs = s.api.get(&key).is_some_and(|m| m["data"] != own);
            if differs {
                s.api.change(&key, |v| {
                    v["data"] = own;
                    cast::managed(v, WRITER, now);
                });
            }
            differs
        });
        if changed {
            let what = What::ConfigMapWrite { name: "kubeadm-config".into(), by: WRITER.into() };
            self.record(HEAD, what, None);
        }
        changed
    }

    /// Whether BCM keeps what the cluster has.
    pub fn bcm_knows_config(&self) -> bool {
        let s = self.lock();
        s.api.get(&Key::config_map("kubeadm-config")).is_some_and(|m| m["data"] == s.bcm.config)
    }
}
