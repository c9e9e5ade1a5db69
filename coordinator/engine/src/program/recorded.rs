//! Values that are recorded before the run and compared with those after it: served certificates, addresses of load balancers and what
//! assigned them, hardware, mounts, Calico's state. Each part keeps whether it was seen, so that a part that could not be seen never counts
//! as absent.

use crate::survey::{BcmApplication, Hardware, LoadBalancerView, ServedCertificate, TigeraStatus};
use podlift_model::survey::Seen;
use podlift_model::{NodeName, RunId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Document", into = "Document")]
pub struct Recorded {
    pub served: Seen<Vec<ServedCertificate>>,
    pub load_balancers: Seen<Vec<LoadBalancerView>>,
    pub hardware: Seen<BTreeMap<NodeName, Hardware>>,
    pub runtime_classes: Seen<Vec<String>>,
    pub tigera: Seen<Vec<TigeraStatus>>,
    pub applications: Seen<Vec<BcmApplication>>,
    /// Node to mount point to source. A node that was not asked is absent.
    pub mounts: BTreeMap<NodeName, Seen<BTreeMap<String, String>>>,
    pub infiniband: BTreeMap<NodeName, Seen<Vec<String>>>,
    /// Namespace to the number of its pods that were not Ready and had not ended. Records of older versions do not have it.
    pub not_ready: Seen<BTreeMap<String, u32>>,
    /// TLS secrets, `namespace/name`, that ingresses and the default certificates of their controllers name.
    pub tls_secrets: BTreeSet<String>,
    /// Nodes whose values are those of an earlier run, which recorded them before it began work on the node and has not finished it.
    pub since: BTreeMap<NodeName, RunId>,
}

impl Default for Recorded {
    /// Everything was seen, and nothing was there.
    fn default() -> Self {
        Self {
            served: Ok(vec![]),
            load_balancers: Ok(vec![]),
            hardware: Ok(BTreeMap::new()),
            runtime_classes: Ok(vec![]),
            tigera: Ok(vec![]),
            applications: Ok(vec![]),
            mounts: BTreeMap::new(),
            infiniband: BTreeMap::new(),
            not_ready: Err(NOT_RECORDED.into()),
            tls_secrets: BTreeSet::new(),
            since: BTreeMap::new(),
        }
    }
}

/// Why a record of an older version has no part.
const NOT_RECORDED: &str = "it was not recorded";

impl Recorded {
    /// Nothing of the cluster could be seen.
    pub fn unseen(why: &str) -> Self {
        Self {
            served: Err(why.into()),
            load_balancers: Err(why.into()),
            hardware: Err(why.into()),
            runtime_classes: Err(why.into()),
            tigera: Err(why.into()),
            applications: Err(why.into()),
            not_ready: Err(why.into()),
            ..Self::default()
        }
    }

    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether nothing was recorded that could be compared.
    pub fn is_empty(&self) -> bool {
        let none = |of: &dyn Fn(&Self) -> bool| of(self);
        none(&|r| r.served.as_ref().map_or(true, Vec::is_empty))
            && none(&|r| r.load_balancers.as_ref().map_or(true, Vec::is_empty))
            && none(&|r| r.runtime_classes.as_ref().map_or(true, Vec::is_empty))
            && none(&|r| r.tigera.as_ref().map_or(true, Vec::is_empty))
            && none(&|r| r.applications.as_ref().map_or(true, Vec::is_empty))
            && !self.has_hardware()
            && !self.has_devices()
    }

    pub fn has_hardware(&self) -> bool {
        self.hardware.as_ref().is_ok_and(|all| !all.is_empty())
    }

    /// Whether mounts or InfiniBand devices of a node are recorded.
    pub fn has_devices(&self) -> bool {
        self.mounts.values().flatten().any(|m| !m.is_empty())
            || self.infiniband.values().flatten().any(|d| !d.is_empty())
    }

    /// What is recorded of one node.
    pub fn of_node(&self, node: &NodeName) -> Self {
        let mut out = Self::default();
        if let Ok(all) = &self.hardware {
            out.hardware = Ok(all.get(node).map(|h| (node.clone(), h.clone())).into_iter().collect());
        }
        out.mounts = self.mounts.get(node).map(|m| (node.clone(), m.clone())).into_iter().collect();
        out.infiniband = self.infiniband.get(node).map(|d| (node.clone(), d.clone())).into_iter().collect();
        out.since = self.since.get(node).map(|run| (node.clone(), run.clone())).into_iter().collect();
        out
    }

    /// What could not be seen of one node when the record was made, each part with the reason.
    pub fn unseen_of_node(&self, node: &NodeName) -> Vec<String> {
        let parts = [
            ("hardware", self.hardware.as_ref().err()),
            ("mounts", self.mounts.get(node).and_then(|m| m.as_ref().err())),
            ("InfiniBand devices", self.infiniband.get(node).and_then(|d| d.as_ref().err())),
        ];
        parts.into_iter().filter_map(|(what, why)| Some(format!("{what}: {}", why?))).collect()
    }

    /// The record without the nodes for which `keep` is false.
    pub fn retain_nodes(&mut self, keep: impl Fn(&NodeName) -> bool) {
        if let Ok(all) = &mut self.hardware {
            all.retain(|node, _| keep(node));
        }
        self.mounts.retain(|node, _| keep(node));
        self.infiniband.retain(|node, _| keep(node));
        self.since.retain(|node, _| keep(node));
    }

    /// Takes over what an earlier run recorded of the nodes that it has not finished. Values of now would hide what the node has lost since.
    /// A part that the earlier run could not see stays as it is seen now.
    pub fn carry(&mut self, earlier: &Recorded) {
        for (node, run) in &earlier.since {
            if let (Ok(now), Ok(before)) = (&mut self.hardware, &earlier.hardware)
                && let Some(hardware) = before.get(node)
            {
                now.insert(node.clone(), hardware.clone());
            }
            if let Some(mounts) = earlier.mounts.get(node).filter(|seen| seen.is_ok()) {
                self.mounts.insert(node.clone(), mounts.clone());
            }
            if let Some(devices) = earlier.infiniband.get(node).filter(|seen| seen.is_ok()) {
                self.infiniband.insert(node.clone(), devices.clone());
            }
            self.since.insert(node.clone(), run.clone());
        }
    }
}

/// The document: the values as older versions wrote them, and besides them the parts that could not be seen.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "Recorded")]
struct Document {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    served: Vec<ServedCertificate>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    load_balancers: Vec<LoadBalancerView>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    hardware: BTreeMap<NodeName, Hardware>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    runtime_classes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tigera: Vec<TigeraStatus>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    applications: Vec<BcmApplication>,
    /// Node to mount point to source.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    mounts: BTreeMap<NodeName, BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    infiniband: BTreeMap<NodeName, Vec<String>>,
    /// Namespace to the number of its pods that were not Ready. Absent if it was not recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_ready: Option<BTreeMap<String, u32>>,
    /// TLS secrets, `namespace/name`, that ingresses and their controllers name.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    tls_secrets: BTreeSet<String>,
    /// Nodes whose values an earlier run recorded before it began work on them, with that run.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    since: BTreeMap<NodeName, RunId>,
    /// Part to the reason why it could not be seen: `tigera`, `mounts of dgx030`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    unseen: BTreeMap<String, String>,
}

const MOUNTS: &str = "mounts of ";
const INFINIBAND: &str = "infiniband of ";

impl From<Document> for Recorded {
    fn from(mut d: Document) -> Self {
        fn part<T>(unseen: &mut BTreeMap<String, String>, name: &str, value: T) -> Seen<T> {
            unseen.remove(name).map_or(Ok(value), Err)
        }
        fn nodes<T>(
            unseen: &BTreeMap<String, String>,
            prefix: &str,
            seen: BTreeMap<NodeName, T>,
        ) -> BTreeMap<NodeName, Seen<T>> {
            let of = |(name, why): (&String, &String)| {
                Some((NodeName::new(name.strip_prefix(prefix)?).ok()?, Err(why.clone())))
            };
            let unseen = unseen.iter().filter_map(of);
            seen.into_iter().map(|(node, value)| (node, Ok(value))).chain(unseen).collect()
        }
        Self {
            served: part(&mut d.unseen, "served", d.served),
            load_balancers: part(&mut d.unseen, "load-balancers", d.load_balancers),
            hardware: part(&mut d.unseen, "hardware", d.hardware),
            runtime_classes: part(&mut d.unseen, "runtime-classes", d.runtime_classes),
            tigera: part(&mut d.unseen, "tigera", d.tigera),
            applications: part(&mut d.unseen, "applications", d.applications),
            mounts: nodes(&d.unseen, MOUNTS, d.mounts),
            infiniband: nodes(&d.unseen, INFINIBAND, d.infiniband),
            not_ready: match (d.not_ready, d.unseen.remove("not-ready")) {
                (_, Some(why)) => Err(why),
                (Some(counts), None) => Ok(counts),
                (None, None) => Err(NOT_RECORDED.into()),
            },
            tls_secrets: d.tls_secrets,
            since: d.since,
        }
    }
}

impl From<Recorded> for Document {
    fn from(r: Recorded) -> Self {
        let mut unseen = BTreeMap::new();
        fn part<T: Default>(unseen: &mut BTreeMap<String, String>, name: &str, part: Seen<T>) -> T {
            part.unwrap_or_else(|why| {
                unseen.insert(name.into(), why);
                T::default()
            })
        }
        fn nodes<T>(
            unseen: &mut BTreeMap<String, String>,
            prefix: &str,
            all: BTreeMap<NodeName, Seen<T>>,
        ) -> BTreeMap<NodeName, T> {
            let mut seen = BTreeMap::new();
            for (node, value) in all {
                match value {
                    Ok(value) => drop(seen.insert(node, value)),
                    Err(why) => drop(unseen.insert(format!("{prefix}{node}"), why)),
                }
            }
            seen
        }
        Self {
            served: part(&mut unseen, "served", r.served),
            load_balancers: part(&mut unseen, "load-balancers", r.load_balancers),
            hardware: part(&mut unseen, "hardware", r.hardware),
            runtime_classes: part(&mut unseen, "runtime-classes", r.runtime_classes),
            tigera: part(&mut unseen, "tigera", r.tigera),
            applications: part(&mut unseen, "applications", r.applications),
            mounts: nodes(&mut unseen, MOUNTS, r.mounts),
            infiniband: nodes(&mut unseen, INFINIBAND, r.infiniband),
            not_ready: match r.not_ready {
                Ok(counts) => Some(counts),
                Err(why) if why == NOT_RECORDED => None,
                Err(why) => {
                    unseen.insert("not-ready".into(), why);
                    None
                }
            },
            tls_secrets: r.tls_secrets,
            since: r.since,
            unseen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_older_record_is_read_and_written_as_it_was() {
        let old = json!({"runtime_classes": ["nvidia"], "infiniband": {"dgx030": ["mlx5_0"]}});
        let read: Recorded = serde_json::from_value(old.clone()).unwrap();
        assert_eq!(read.runtime_classes, Ok(vec!["nvidia".to_string()]));
        assert_eq!(serde_json::to_value(&read).unwrap(), old);
    }

    #[test]
    fn what_could_not_be_seen_keeps_its_reason() {
        let node = NodeName::new("dgx031").unwrap();
        let mut record = Recorded::unseen("the API is away");
        record.mounts.insert(node.clone(), Err("its agent is away".into()));
        let text = serde_json::to_string(&record).unwrap();
        let read: Recorded = serde_json::from_str(&text).unwrap();
        assert_eq!(read, record);
        assert!(read.is_empty() && !read.is_default());
        assert_eq!(read.of_node(&node).mounts[&node], Err("its agent is away".into()));
    }
}
