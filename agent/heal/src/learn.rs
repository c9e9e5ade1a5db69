//! What the heal learns while a component is healthy: a copy of its manifest, and for the API server what the manifest must contain. It
//! learns only from a manifest without findings, and never another etcd cluster than the one that it learned first.

use crate::evidence::{Endpoints, Learned};
use crate::expectations::{self, Expectations, Forbidden};
use crate::healer::Heal;
use crate::read::Look;
use crate::rules::{Finding, MEANT, Situation, judge};
use crate::state::{State, Unlearned};
use crate::why::accept;
use podlift_model::Digest;
use podlift_model::heal::{GoodManifest, HealKind, HealUnlearned};
use podlift_model::op::{Component, FlagLoss};
use std::io;
use std::sync::Arc;

/// Whether this finding forbids learning. An image without a version is unusual, but does not forbid it.
fn is_wrong(finding: &Finding) -> bool {
    let is_meant = finding.why_not.as_deref() == Some(MEANT);
    let is_loss = finding.kind == HealKind::Rescue || finding.rule == "flag-lost";
    finding.fix.is_some() || (is_loss && !is_meant && finding.rule != "image-version")
}

impl Heal {
    /// The manifest if its content has no findings that forbid learning.
    pub fn fit(&self, component: Component) -> Option<Arc<Look>> {
        let look = self.seen(component).ok()?;
        let state = self.state();
        let now = Situation {
            node: self.node.as_str(),
            good: state.good.get(&component),
            expected: state.expectations.as_ref(),
            meant: &state.meant,
            ..Situation::default()
        };
        let is_known = look.manifest().is_some_and(|m| m.opaque().is_none());
        let found = judge(component, &look.seen, &now);
        (is_known && !found.iter().any(is_wrong)).then(|| look.clone())
    }

    /// Whether this manifest of the component was the last one learned.
    pub fn knows(&self, component: Component, hash: &Digest) -> bool {
        let state = self.state();
        let kept = state.ring.newest(component).is_some_and(|good| good.sha256 == *hash);
        let learned = || state.expectations.as_ref().is_some_and(|known| known.learned_from == *hash);
        kept && (component != Component::KubeApiserver || learned())
    }

    /// The API server was Ready with this manifest, and these endpoints answered as this cluster.
    pub fn learned(&self, what: Learned, from: &Digest) -> io::Result<()> {
        if self.kubeadm_running() {
            return Err(io::Error::other("kubeadm runs on this node"));
        }
        let look = self.fit_as(Component::KubeApiserver, from)?;
        let known = self.expectations();
        if let (Some(known), Some(found)) = (&known, &what.cluster)
            && known.etcd_cluster.as_ref().is_some_and(|expected| expected != found)
        {
            self.forbid(Forbidden::AnotherCluster { id: found.clone() });
            let expected = known.etcd_cluster.as_deref().unwrap_or_default();
            return Err(io::Error::other(format!("etcd answers as cluster {found}, expected {expected}")));
        }
        let new = self.new_expectations(known, what, from)?;
        self.keep(Component::KubeApiserver, &look)?;
        self.set_expectations(new)
    }

    /// New expectations. Endpoints that differ from the learned ones must answer as the same cluster.
    fn new_expectations(
        &self,
        known: Option<Expectations>,
        what: Learned,
        from: &Digest,
    ) -> io::Result<Expectations> {
        let same = known.as_ref().is_none_or(|k| k.are_same(&what.servers));
        let proven =
            known.as_ref().is_none_or(|k| k.etcd_cluster.is_some() && k.etcd_cluster == what.cluster);
        if !same && !proven {
            let why = format!("whether {} is the etcd that was learned is not known", what.servers);
            return Err(io::Error::other(format!(
                "{why}; {} says so",
                accept(self.node.as_str(), Component::KubeApiserver)
            )));
        }
        let before = known.as_ref().and_then(|k| k.etcd_cluster.clone());
        Ok(Expectations {
            etcd_servers: what.servers,
            etcd_cluster: what.cluster.or(before),
            etcd_overrides: what.overrides,
            etcd_prefix: what.prefix,
            forbidden: known.and_then(|k| k.forbidden).filter(|_| !proven),
            learned_from: from.clone(),
            at: self.host.clock.now(),
        })
    }

    /// The component was healthy with this manifest, which must be the one on the disk.
    pub fn learned_component(&self, component: Component, from: &Digest) -> io::Result<()> {
        let look = self.fit_as(component, from)?;
        self.keep(component, &look)
    }

    fn fit_as(&self, component: Component, from: &Digest) -> io::Result<Arc<Look>> {
        let fit = self.fit(component).filter(|look| look.hash == *from);
        fit.ok_or_else(|| io::Error::other(format!("{} changed while it was learned from", component.file())))
    }

    /// Records that nothing could be learned of a component, and why. The record stays until something is learned.
    pub fn not_learned(&self, component: Component, why: &str) {
        let (at, since) = (self.host.clock.now(), self.host.clock.since_boot());
        let mut state = self.state();
        let told = || Unlearned { told: HealUnlearned { since: at, why: String::new() }, since };
        let known = state.unlearned.entry(component).or_insert_with(told);
        if known.told.why != why {
            tracing::info!(file = component.file(), why, "not learned");
            known.told.why = why.into();
        }
    }

    /// Puts the manifest into the ring, unless it is the newest there. The losses that a run intended are then permanent.
    pub(crate) fn keep(&self, component: Component, look: &Look) -> io::Result<()> {
        let mut guard = self.state();
        let state: &mut State = &mut guard;
        let files = self.host.files.as_ref();
        if state.ring.newest(component).is_none_or(|good| good.sha256 != look.hash) {
            let version = look.manifest().and_then(|m| m.version);
            let good = GoodManifest { sha256: look.hash.clone(), at: self.host.clock.now(), version };
            state.ring.keep(files, component, &look.bytes, good)?;
            state.parse_newest(files, component);
        }
        state.unlearned.remove(&component);
        let gone = |flag: &str| look.manifest().is_some_and(|m| m.find(flag).is_empty());
        let open = |l: &&FlagLoss| l.component != component || !gone(l.flag.as_str());
        let left = state.meant.iter().filter(open).cloned().collect();
        self.set_meant(state, left)
    }

    /// Writes the expectations to the disk, then replaces them in memory.
    pub fn set_expectations(&self, new: Expectations) -> io::Result<()> {
        expectations::save_expectations(self.host.files.as_ref(), &new)?;
        self.state().expectations = Some(new);
        Ok(())
    }

    /// Takes the cluster that answered at the endpoints. Lifts a prohibition only if the live manifest's own endpoints answered as the
    /// expected cluster; sets one if they answered as another; adds an id that was not known.
    pub fn etcd_answered(&self, endpoints: Endpoints, cluster: &str) {
        let live = self.live_servers();
        let mut state = self.state();
        if state.kubeadm > 0 {
            return;
        }
        let Some(known) = state.expectations.clone() else { return };
        let asked_expected = match (endpoints, live) {
            (Endpoints::Expected, _) => true,
            (Endpoints::Live, Some(live)) => known.are_same(&live),
            (Endpoints::Live, None) => return,
        };
        let new = match &known.etcd_cluster {
            Some(expected) if expected != cluster => Expectations {
                forbidden: Some(Forbidden::AnotherCluster { id: cluster.into() }),
                ..known.clone()
            },
            Some(_) if endpoints == Endpoints::Live => Expectations { forbidden: None, ..known.clone() },
            None if asked_expected => Expectations { etcd_cluster: Some(cluster.into()), ..known.clone() },
            _ => return,
        };
        self.replace(&mut state, &known, new);
    }

    /// Forbids repairs from the expected endpoints.
    pub(crate) fn forbid(&self, why: Forbidden) {
        self.forbid_in(&mut self.state(), why);
    }

    pub(crate) fn forbid_in(&self, state: &mut State, why: Forbidden) {
        let Some(known) = state.expectations.clone().filter(|k| k.forbidden.is_none()) else { return };
        let new = Expectations { forbidden: Some(why), ..known.clone() };
        self.replace(state, &known, new);
    }

    /// Writes the expectations to the disk first. If that fails, they still hold in memory until the agent ends.
    fn replace(&self, state: &mut State, known: &Expectations, new: Expectations) {
        if *known == new {
            return;
        }
        if let Some(why) = &new.forbidden {
            tracing::warn!(
                why = new.prohibition(why, self.node.as_str()),
                "nothing is healed from the expected etcd endpoints"
            );
        }
        let saved = expectations::save_expectations(self.host.files.as_ref(), &new);
        drop(saved.inspect_err(|error| tracing::error!(%error, "expectations can't be kept")));
        state.expectations = Some(new);
    }

    fn live_servers(&self) -> Option<String> {
        let look = self.seen(Component::KubeApiserver).ok()?;
        let servers = look.manifest()?.flags().joined("etcd-servers");
        servers.filter(|servers| !expectations::endpoints(servers).is_empty())
    }
}
