//! Taints that keep pods from a node, and tolerations (`api/core/v1/toleration.go`, `ToleratesTaint`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Taint {
    pub key: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule`, `NoExecute`.
    pub effect: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Toleration {
    /// Empty for every key.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// `Exists`, or `Equal`, which is also meant by an empty one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub operator: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// Empty for every effect.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub effect: String,
}

impl Taint {
    /// Whether it keeps pods away that do not tolerate it. A soft taint does not.
    pub fn is_hard(&self) -> bool {
        matches!(self.effect.as_str(), "NoSchedule" | "NoExecute")
    }

    pub(super) fn is_tolerated(&self, tolerations: &[Toleration]) -> bool {
        !self.is_hard() || tolerations.iter().any(|t| t.covers(self))
    }
}

impl Toleration {
    fn covers(&self, taint: &Taint) -> bool {
        let any_or = |own: &str, of: &str| own.is_empty() || own == of;
        let value = match self.operator.as_str() {
            "" | "Equal" => self.value == taint.value,
            "Exists" => true,
            _ => false,
        };
        any_or(&self.effect, &taint.effect) && any_or(&self.key, &taint.key) && value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_covers_which_taint() {
        let taint = |text: &str| {
            let (left, effect) = text.split_once(':').unwrap();
            let (key, value) = left.split_once('=').unwrap_or((left, ""));
            Taint { key: key.into(), value: value.into(), effect: effect.into() }
        };
        let toleration = |key: &str, operator: &str, value: &str, effect: &str| Toleration {
            key: key.into(),
            operator: operator.into(),
            value: value.into(),
            effect: effect.into(),
        };
        let gpu = "nvidia.com/gpu=present:NoSchedule";
        for (of, given, want) in [
            (gpu, None, false),
            (gpu, Some(toleration("nvidia.com/gpu", "Exists", "", "")), true),
            (gpu, Some(toleration("nvidia.com/gpu", "Exists", "", "NoExecute")), false),
            (gpu, Some(toleration("nvidia.com/gpu", "", "present", "NoSchedule")), true),
            (gpu, Some(toleration("nvidia.com/gpu", "Equal", "absent", "NoSchedule")), false),
            (gpu, Some(toleration("", "Exists", "", "")), true),
            (gpu, Some(toleration("other", "Exists", "", "")), false),
            (gpu, Some(toleration("nvidia.com/gpu", "Near", "present", "")), false),
            ("runai=drain:NoExecute", None, false),
            ("podlift.io/to-come=r:PreferNoSchedule", None, true),
        ] {
            let given: Vec<Toleration> = given.into_iter().collect();
            assert_eq!(taint(of).is_tolerated(&given), want, "{of} {given:?}");
        }
    }
}
