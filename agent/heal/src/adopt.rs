//! Requests of a person: `accept` declares the manifest on the disk right, `apply` lets hygiene act now.

use crate::expectations::{Expectations, Forbidden};
use crate::healer::Heal;
use crate::manifest::Manifest;
use crate::rules::{Situation, judge};
use crate::settings::Mode;
use podlift_model::Digest;
use podlift_model::heal::{HealFinding, HealKind};
use podlift_model::op::Component;
use std::collections::BTreeSet;
use std::io;

/// Why the heal refuses a person's request.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(
        "{file} has hash {found}, not {asked}: it changed since it was looked at; see podlift heal status"
    )]
    OtherHash { file: String, found: Digest, asked: Digest },
    #[error("{file} can't be accepted: {why}; repair that first")]
    Unfit { file: String, why: String },
    #[error("nothing is known of this node's API server yet; accept kube-apiserver first")]
    Ignorant,
    #[error(
        "heal.mode is {0}; nothing is repaired. Set it to \"enforce\" in agent.toml and restart the agent"
    )]
    Mode(&'static str),
    #[error("kubeadm runs on this node; try again when it has ended")]
    Kubeadm,
    #[error("the heal's memory can't be written: {0}")]
    Io(#[from] io::Error),
}

/// What `apply` did, and what is still wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Ids of the heals.
    pub healed: Vec<String>,
    pub left: Vec<HealFinding>,
}

impl Heal {
    /// Accepts a legitimate change: this manifest, which must be the one on the disk, is the expected one from now on.
    pub fn accept(&self, component: Component, hash: &Digest) -> Result<(), Refused> {
        let (file, look) = (component.file(), self.seen(component)?);
        if look.hash != *hash {
            return Err(Refused::OtherHash { file, found: look.hash.clone(), asked: hash.clone() });
        }
        let wrong = judge(component, &look.seen, &Situation::default());
        if let Some(wrong) = wrong.into_iter().find(|f| f.kind == HealKind::Rescue) {
            return Err(Refused::Unfit { file, why: wrong.what });
        }
        let Some(manifest) = look.manifest() else {
            return Err(Refused::Unfit { file, why: "it is missing".into() });
        };
        let new = match (component, self.expectations()) {
            (Component::KubeApiserver, known) => Some(self.accepted(manifest, known, hash)),
            (_, Some(_)) => None,
            (_, None) => return Err(Refused::Ignorant),
        };
        self.keep(component, &look)?;
        new.map_or(Ok(()), |new| self.set_expectations(new))?;
        self.history.forgive()?;
        tracing::info!(file, %hash, "accepted as what is expected");
        Ok(())
    }

    /// Unchanged endpoints keep the cluster that answers there now. Other endpoints have no known cluster until the agent has asked them. A
    /// prohibition ends.
    fn accepted(&self, manifest: &Manifest, known: Option<Expectations>, hash: &Digest) -> Expectations {
        let flags = manifest.flags();
        let etcd_servers = flags.joined("etcd-servers").unwrap_or_default();
        let etcd_cluster = known.filter(|k| k.are_same(&etcd_servers)).and_then(|k| match k.forbidden {
            Some(Forbidden::AnotherCluster { id }) => Some(id),
            Some(Forbidden::OtherEndpoints { .. }) | None => k.etcd_cluster,
        });
        Expectations {
            etcd_servers,
            etcd_cluster,
            etcd_overrides: flags.joined("etcd-servers-overrides"),
            etcd_prefix: flags.joined("etcd-prefix"),
            forbidden: None,
            learned_from: hash.clone(),
            at: self.host.clock.now(),
        }
    }

    /// Lets hygiene act on this manifest now without an armed guard. Budgets begin anew.
    pub fn apply(&self, component: Component) -> Result<Applied, Refused> {
        match self.config.mode {
            Mode::Enforce => {}
            Mode::Observe => return Err(Refused::Mode("observe")),
            Mode::Off => return Err(Refused::Mode("off")),
        }
        if self.kubeadm_running() {
            return Err(Refused::Kubeadm);
        }
        self.history.forgive()?;
        let before: BTreeSet<String> = self.pending().into_iter().map(|e| e.id).collect();
        let now = self.host.clock.since_boot();
        self.look_for(component, now, true);
        self.look_at_strays(now, Some(component));
        let healed = self.pending().into_iter().map(|e| e.id).filter(|id| !before.contains(id)).collect();
        let left =
            self.findings_of(component).into_iter().chain(self.stray_findings(Some(component))).collect();
        Ok(Applied { healed, left })
    }
}
