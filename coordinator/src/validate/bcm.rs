//! What BCM's books say, from the agent of the head node, one question after another.

use super::{ValidateAsk, Validator};
use crate::dispatch::Progress;
use podlift_engine::validate::BcmSeen;
use podlift_model::survey::Seen;
use podlift_model::{KubeVersion, Look, NodeName, OpOutput};
use std::collections::{BTreeMap, BTreeSet};

impl Validator {
    /// `Ok(None)` without BCM.
    pub(super) async fn bcm(&self, ask: &ValidateAsk, told: &Progress) -> Seen<Option<BcmSeen>> {
        let Some(head) = &self.head else { return Ok(None) };
        if !ask.wants("bcm") {
            return Err("it was not asked for".into());
        }
        told("BCM".into());
        let version = self.ask(head, &Look::BcmClusterVersion, |output| match output {
            OpOutput::BcmClusterVersion(version) => Some(version.kube),
            _ => None,
        });
        let version = version.await;
        let applications = self.ask(head, &Look::BcmApplications, |output| match output {
            OpOutput::BcmApplications(all) => Some(all),
            _ => None,
        });
        let applications = applications.await;
        Ok(Some(BcmSeen { version, applications, images: self.images(head).await }))
    }

    /// The images of the cluster's nodes, with the version of their kubelet's package.
    async fn images(&self, head: &NodeName) -> Seen<BTreeMap<String, Option<KubeVersion>>> {
        let nodes = self.ask(head, &Look::BcmNodes, |output| match output {
            OpOutput::BcmNodes(all) => Some(all),
            _ => None,
        });
        let mine: BTreeSet<NodeName> = self.agents.seen().into_iter().map(|n| n.facts.node.clone()).collect();
        let used = nodes.await?.into_iter().filter(|n| mine.contains(&n.name)).filter_map(|n| n.image);
        let mut images = BTreeMap::new();
        for image in used.collect::<BTreeSet<_>>() {
            let look = Look::BcmImage { image: image.clone() };
            let seen = self.ask(head, &look, |output| match output {
                OpOutput::BcmImage(seen) => Some(seen),
                _ => None,
            });
            let seen = seen.await?;
            let version = seen.and_then(|i| Some(i.packages.get("kubelet")?.version.as_ref()?.kube));
            images.insert(image.to_string(), version);
        }
        Ok(images)
    }
}
