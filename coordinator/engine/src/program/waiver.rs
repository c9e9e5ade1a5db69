//! Named exceptions to checks. A loss of settings is waived by item, `flag-loss/NODE/FLAG`, or as a whole, `flag-loss`; an item leaves every
//! other repair in force. `devices/NODE` accepts the devices and mounts that an unfinished node has now.

use podlift_model::NodeName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The check that finds settings which kubeadm would take away; its waiver accepts their loss.
pub const FLAG_LOSS: &str = "flag-loss";

/// The check that compares the devices of unfinished nodes with an earlier run's record. It is waived by item only.
/// The check of pods whose owners forbid an interruption.
pub const NEVER_INTERRUPT: &str = "never-interrupt";
pub const DEVICES: &str = "devices";

/// A named exception to a check, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waiver {
    /// A check, or `flag-loss/NODE/FLAG` for one loss, or `devices/NODE`.
    pub check: String,
    pub reason: String,
    /// Identity of the operator.
    pub by: String,
}

impl Waiver {
    /// Node and flag, if the waiver is of one loss.
    pub fn item(&self) -> Option<(&str, &str)> {
        self.check.strip_prefix(FLAG_LOSS)?.strip_prefix('/')?.split_once('/')
    }

    /// The node, if the waiver accepts the devices and mounts that it has now.
    pub fn devices(&self) -> Option<&str> {
        self.check.strip_prefix(DEVICES)?.strip_prefix('/')
    }

    /// Whether the waiver accepts that this node loses this setting.
    pub fn covers(&self, node: &NodeName, name: &str) -> bool {
        self.check == FLAG_LOSS || self.item() == Some((node.as_str(), name))
    }

    /// Whether the waiver accepts that this node loses some setting.
    pub fn is_of_losses_on(&self, node: &NodeName) -> bool {
        self.item().map_or(self.check == FLAG_LOSS, |(of, _)| of == node.as_str())
    }

    /// Whether the waiver accepts any loss of settings.
    pub fn is_of_losses(&self) -> bool {
        self.check == FLAG_LOSS || self.item().is_some()
    }
}

/// The name of the waiver of one loss.
pub fn loss_item(node: &NodeName, name: &str) -> String {
    format!("{FLAG_LOSS}/{node}/{name}")
}

/// The waiver that accepts the loss of this setting on all of these nodes; with several items, the first of them.
pub fn waived_on_all<'a>(waivers: &'a [Waiver], nodes: &[NodeName], name: &str) -> Option<&'a Waiver> {
    let of = |node: &NodeName| waivers.iter().find(|w| w.covers(node, name));
    let all: Option<Vec<&Waiver>> = nodes.iter().map(of).collect();
    all?.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_covers_its_node_and_flag_and_nothing_else() {
        let [a, b] = ["runai-01", "runai-02"].map(|n| NodeName::new(n).unwrap());
        let of = |check: &str| Waiver { check: check.into(), reason: "r".into(), by: "me".into() };
        let items = [of(&loss_item(&a, "profiling"))];
        assert!(waived_on_all(&items, std::slice::from_ref(&a), "profiling").is_some());
        assert!(waived_on_all(&items, &[a.clone(), b.clone()], "profiling").is_none());
        assert!(waived_on_all(&items, std::slice::from_ref(&a), "audit-log-maxsize").is_none());
        assert!(waived_on_all(&[of(FLAG_LOSS)], &[a, b], "anything").is_some());
        assert!(waived_on_all(&[of(FLAG_LOSS)], &[], "anything").is_none());
        assert!(!of("budgets").is_of_losses() && of(FLAG_LOSS).is_of_losses());
    }
}
