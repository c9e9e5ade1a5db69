//! What the heal takes for right: what ran while the API server was Ready (`learned`), and what a person says (`accept`, `apply`). Only here
//! expectations and good copies change.

use crate::expectations::{self, Expectations};
use crate::healer::Heal;
use crate::read::Look;
use crate::rules::{Situation, judge};
use crate::settings::Mode;
use crate::state::State;
use podlift_model::Digest;
use podlift_model::heal::{GoodManifest, HealFinding, HealKind};
use podlift_model::op::Component;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

/// Why the heal does not do what a person asks for.
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
    /// The manifest, if nothing about its content is wrong: fit to be learned from.
    pub fn fit(&self, component: Component) -> Option<Arc<Look>> {
        let look = self.seen(component).ok()?;
        let state = self.state();
        let now = Situation { good: state.good.get(&component), ..Situation::default() };
        let wrong =
            judge(component, &look.seen, &now).iter().any(|f| f.fix.is_some() || f.rule == "flag-lost");
        (look.manifest().is_some() && !wrong).then_some(look.clone())
    }

    /// Whether what is on the disk is known already.
    pub fn knows(&self, api_server: &Digest) -> bool {
        let fresh = |c: &Component| {
            let look = self.fit(*c)?;
            let known = self.state().ring.newest(*c).is_some_and(|good| good.sha256 == look.hash);
            (!known).then_some(())
        };
        let same = self.state().expectations.as_ref().is_some_and(|known| known.learned_from == *api_server);
        same && Component::ALL.iter().all(|c| fresh(c).is_none())
    }

    /// The API server was Ready with this manifest, and these endpoints answered as this cluster.
    pub fn learned(&self, servers: String, cluster: Option<String>, from: &Digest) -> io::Result<()> {
        let fit: Vec<_> = Component::ALL.iter().filter_map(|c| Some((*c, self.fit(*c)?))).collect();
        if !fit.iter().any(|(c, look)| *c == Component::KubeApiserver && look.hash == *from) {
            return Err(io::Error::other("the manifest changed while it was learned from"));
        }
        for (component, look) in fit {
            self.keep(component, &look)?;
        }
        let at = self.host.clock.now();
        let (etcd_servers, etcd_cluster, learned_from) = (servers, cluster, from.clone());
        self.set_expectations(Expectations { etcd_servers, etcd_cluster, learned_from, at })
    }

    /// Into the ring, unless it is its newest.
    fn keep(&self, component: Component, look: &Look) -> io::Result<()> {
        let mut guard = self.state();
        let state: &mut State = &mut guard;
        let files = self.host.files.as_ref();
        if state.ring.newest(component).is_some_and(|good| good.sha256 == look.hash) {
            return Ok(());
        }
        let version = look.manifest().and_then(|m| m.version);
        let good = GoodManifest { sha256: look.hash.clone(), at: self.host.clock.now(), version };
        state.ring.keep(files, component, &look.bytes, good)?;
        state.parse_newest(files, component);
        Ok(())
    }

    /// Takes over what `learned` found out.
    pub fn set_expectations(&self, new: Expectations) -> io::Result<()> {
        expectations::save_expectations(self.host.files.as_ref(), &new)?;
        let mut state = self.state();
        state.expectations = Some(new);
        state.other_etcd = None;
        Ok(())
    }

    /// A legitimate change: this manifest, which must be the one on the disk, is what is expected from now on.
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
            (Component::KubeApiserver, known) => {
                let etcd_servers = manifest.flags().joined("etcd-servers").unwrap_or_default();
                // The same endpoints are the cluster that answers there now; others are asked before they are known.
                let same = known.filter(|k| k.etcd_servers == etcd_servers);
                let etcd_cluster = same.and_then(|k| self.state().other_etcd.clone().or(k.etcd_cluster));
                Some(Expectations {
                    etcd_servers,
                    etcd_cluster,
                    learned_from: hash.clone(),
                    at: self.host.clock.now(),
                })
            }
            (_, Some(_)) => None,
            (_, None) => return Err(Refused::Ignorant),
        };
        self.keep(component, &look)?;
        new.map_or(Ok(()), |new| self.set_expectations(new))?;
        self.history.forgive()?;
        tracing::info!(file, %hash, "accepted as what is expected");
        Ok(())
    }

    /// Hygiene acts on this manifest now, though no guard is armed; budgets begin anew.
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
