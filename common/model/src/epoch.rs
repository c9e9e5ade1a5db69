//! The fence that decides which coordinator may command agents. Numbers only grow; an agent refuses an equal number from another instance.

use crate::ids::InstanceId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Epoch {
    pub number: u64,
    pub instance: InstanceId,
}

impl Epoch {
    /// Whether a holder of `self` may replace `highest`. The same holder may claim its epoch again.
    pub fn may_follow(&self, highest: Option<&Epoch>) -> bool {
        highest.is_none_or(|h| self.number > h.number || self == h)
    }
}

impl std::fmt::Display for Epoch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.number, self.instance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn e(number: u64, instance: &str) -> Epoch {
        Epoch { number, instance: InstanceId::new(instance).unwrap() }
    }

    #[test]
    fn only_grows() {
        assert!(e(1, "a").may_follow(None));
        assert!(e(2, "b").may_follow(Some(&e(1, "a"))));
        assert!(e(2, "b").may_follow(Some(&e(2, "b"))));
        assert!(!e(2, "a").may_follow(Some(&e(2, "b"))));
        assert!(!e(1, "b").may_follow(Some(&e(2, "b"))));
    }
}
