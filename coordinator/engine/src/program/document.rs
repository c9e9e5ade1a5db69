//! `podlift.plan/v1`: a program as a document, in the journal and for people. The document is flat, and its fields keep their order.
//! Because the hash of a journal record covers its text, a field that is added is omitted when it is empty. Steps without their own
//! parameters take the goal's when they are read.

use super::*;
use crate::doors::KubeadmConfigView;
use crate::issues::IssueName;
use crate::kubeadm_config::ConfigRepair;
use podlift_model::PackageVersion;
use podlift_model::op::{Addon, FlagLoss, Package, Preflight};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Plan")]
struct Document<'a> {
    schema: Cow<'a, str>,
    cluster: Cow<'a, ClusterName>,
    from: KubeVersion,
    to: KubeVersion,
    made_at: jiff::Timestamp,
    /// Exact package versions to install.
    packages: Cow<'a, BTreeMap<Package, PackageVersion>>,
    options: Cow<'a, PlanOptions>,
    /// The nodes that were requested; empty for all nodes.
    #[serde(default, skip_serializing_if = "none")]
    nodes: Cow<'a, [NodeName]>,
    /// Nodes of the request that take no part: they are deferred from the start.
    #[serde(default, skip_serializing_if = "none")]
    left_out: Cow<'a, [LeftOut]>,
    waivers: Cow<'a, [Waiver]>,
    addons: Cow<'a, [Addon]>,
    /// What the run prevents from going wrong, and how.
    prevented: Cow<'a, [Prevention]>,
    repairs: Cow<'a, [ConfigRepair]>,
    kubeadm_config: Cow<'a, KubeadmConfigView>,
    /// ConfigMap kubelet-config as it was; absent if the run does not repair it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kubelet_config: Option<Cow<'a, str>>,
    /// Ids of the checks that were made.
    checked: Cow<'a, [String]>,
    findings: Cow<'a, [Finding]>,
    /// Addons that kubeadm would deploy although the cluster does not use them: `addon/kube-proxy`.
    #[serde(default, skip_serializing_if = "none")]
    skip_phases: Cow<'a, [String]>,
    /// All settings that the upgrade would take away or change, repaired or not, with their origin.
    #[serde(default, skip_serializing_if = "none")]
    losses: Cow<'a, [Loss]>,
    /// Settings that kubeadm-config can't express: files for `kubeadm --patches`, on their nodes and at every later run.
    #[serde(default, skip_serializing_if = "none")]
    patches: Cow<'a, [PatchFile]>,
    /// Flags whose loss an operator has waived, so that the guards do not put them back.
    #[serde(default, skip_serializing_if = "none")]
    meant: Cow<'a, [FlagLoss]>,
    /// Preflight errors of `kubeadm upgrade apply` that an operator has waived.
    #[serde(default, skip_serializing_if = "none")]
    ignore: Cow<'a, [Preflight]>,
    /// What the work on each node affects: pods, their owners, GPUs and jobs.
    #[serde(default, skip_serializing_if = "no_entry")]
    blast: Cow<'a, BTreeMap<NodeName, Blast>>,
    /// Images of the target: which are on each node, and which the run pulls.
    #[serde(default, skip_serializing_if = "no_entry")]
    images: Cow<'a, BTreeMap<NodeName, NodeImages>>,
    /// Values from before the run, compared with those after it.
    #[serde(default, skip_serializing_if = "Recorded::is_default")]
    recorded: Cow<'a, Recorded>,
    #[serde(default, skip_serializing_if = "none")]
    attestations: Cow<'a, [Attestation]>,
    phases: Cow<'a, [Phase]>,
    /// Jobs that the run will interrupt, as they were when the plan was made; the most costly first.
    #[serde(default, skip_serializing_if = "none")]
    jobs: Cow<'a, [JobRow]>,
    /// What the run does with BCM: software images, assignments, BCM's own books. Absent if BCM is not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bcm: Option<Cow<'a, BcmPlan>>,
    inventory: Cow<'a, Inventory>,
    /// Name of a fact to its hash: the facts that the plan depends on.
    fingerprints: Cow<'a, BTreeMap<String, Digest>>,
    hash: Cow<'a, Digest>,
    /// The goal of the run; absent if it is an upgrade.
    #[serde(default, skip_serializing_if = "GoalName::is_upgrade")]
    goal: GoalName,
    /// The issues whose repairs were asked for; absent for all, and in an upgrade.
    #[serde(default, skip_serializing_if = "none")]
    issues: Cow<'a, [IssueName]>,
    /// Hash over all other content, in a document that is handed out (`contract.rs`); the journal's records have their own hashes.
    #[serde(default, skip_serializing)]
    #[allow(dead_code)] // for the schema
    digest: Option<Digest>,
}

fn none<T>(list: &[T]) -> bool {
    list.is_empty()
}

fn no_entry<K, V>(map: &BTreeMap<K, V>) -> bool {
    map.is_empty()
}

/// A list that only an upgrade has; empty for another goal.
fn list<'a, T: Clone>(part: Option<&'a Vec<T>>) -> Cow<'a, [T]> {
    Cow::Borrowed(part.map_or(&[], Vec::as_slice))
}

fn map<'a, K: Clone + Ord, V: Clone>(part: Option<&'a BTreeMap<K, V>>) -> Cow<'a, BTreeMap<K, V>> {
    part.map_or_else(|| Cow::Owned(BTreeMap::new()), Cow::Borrowed)
}

impl<'a> Document<'a> {
    fn of(p: &'a Program) -> Self {
        use Cow::Borrowed as B;
        let (upgrade, mends) = (p.goal.upgrade(), &p.mends);
        Self {
            schema: B(SCHEMA),
            cluster: B(&p.cluster),
            from: p.from(),
            to: p.to(),
            made_at: p.made_at,
            packages: map(upgrade.map(|u| &u.packages)),
            options: B(&p.options),
            nodes: B(&p.nodes),
            left_out: B(&p.left_out),
            waivers: B(&p.waivers),
            addons: list(upgrade.map(|u| &u.addons)),
            prevented: B(&mends.prevented),
            repairs: B(&mends.repairs),
            kubeadm_config: B(&mends.kubeadm_config),
            kubelet_config: mends.kubelet_config.as_deref().map(B),
            checked: B(&p.checked),
            findings: B(&p.findings),
            skip_phases: list(upgrade.map(|u| &u.skip_phases)),
            losses: list(upgrade.map(|u| &u.losses)),
            patches: B(&mends.patches),
            meant: B(&mends.meant),
            ignore: list(upgrade.map(|u| &u.ignore)),
            blast: map(upgrade.map(|u| &u.blast)),
            images: map(upgrade.map(|u| &u.images)),
            recorded: B(&p.recorded),
            attestations: B(&p.attestations),
            phases: B(&p.phases),
            jobs: B(&p.jobs),
            bcm: p.bcm.as_ref().map(B),
            inventory: B(&p.inventory),
            fingerprints: B(&p.fingerprints),
            hash: B(&p.hash),
            goal: p.goal.name(),
            issues: list(match &p.goal {
                Goal::Repair(repair) => Some(&repair.issues),
                Goal::Upgrade(_) => None,
            }),
            digest: None,
        }
    }

    fn program(self) -> Program {
        let goal = match self.goal {
            GoalName::Repair => Goal::Repair(Repair { version: self.to, issues: self.issues.into_owned() }),
            GoalName::Upgrade => Goal::Upgrade(Upgrade {
                from: self.from,
                to: self.to,
                packages: self.packages.into_owned(),
                addons: self.addons.into_owned(),
                skip_phases: self.skip_phases.into_owned(),
                ignore: self.ignore.into_owned(),
                losses: self.losses.into_owned(),
                blast: self.blast.into_owned(),
                images: self.images.into_owned(),
            }),
        };
        let (shared, mut phases) = (goal.shared(), self.phases.into_owned());
        let steps = phases.iter_mut().flat_map(|p| &mut p.lanes).flat_map(|l| &mut l.steps);
        steps.for_each(|step| step.kind.complete(&shared));
        Program {
            cluster: self.cluster.into_owned(),
            goal,
            made_at: self.made_at,
            options: self.options.into_owned(),
            nodes: self.nodes.into_owned(),
            left_out: self.left_out.into_owned(),
            waivers: self.waivers.into_owned(),
            mends: Mends {
                prevented: self.prevented.into_owned(),
                repairs: self.repairs.into_owned(),
                patches: self.patches.into_owned(),
                meant: self.meant.into_owned(),
                kubeadm_config: self.kubeadm_config.into_owned(),
                kubelet_config: self.kubelet_config.map(Cow::into_owned),
            },
            checked: self.checked.into_owned(),
            findings: self.findings.into_owned(),
            recorded: self.recorded.into_owned(),
            attestations: self.attestations.into_owned(),
            phases,
            jobs: self.jobs.into_owned(),
            bcm: self.bcm.map(Cow::into_owned),
            inventory: self.inventory.into_owned(),
            fingerprints: self.fingerprints.into_owned(),
            hash: self.hash.into_owned(),
        }
    }
}

impl Serialize for Program {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Document::of(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Program {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Document::deserialize(deserializer).map(Document::program)
    }
}

impl JsonSchema for Program {
    fn schema_name() -> Cow<'static, str> {
        Document::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        Document::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Document::json_schema(generator)
    }
}
