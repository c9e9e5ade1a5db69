//! Collects the facts besides the file on which a verdict depends, and detects the first sign that etcd was moved.

use crate::evidence::kubelet;
use crate::expectations::{Forbidden, endpoints};
use crate::healer::Heal;
use crate::manifest::Manifest;
use crate::read::Look;
use crate::ring::Choice;
use crate::rules::{Access, Situation};
use crate::state::State;
use podlift_model::command::is_expanded;
use podlift_model::op::Component;

impl Heal {
    pub(crate) fn situation<'a>(
        &'a self,
        state: &'a State,
        component: Component,
        look: &Look,
        by_hand: bool,
    ) -> Situation<'a> {
        let guard = self.armed_guard(state);
        let own_uid = self.host.files.own_uid();
        let copy = state.ring.choose(component);
        Situation {
            node: self.node.as_str(),
            expected: state.expectations.as_ref(),
            good: state.good.get(&component),
            no_copy: look.manifest().is_none().then(|| self.no_copy(state, component, &copy)).flatten(),
            copy,
            kubelet: kubelet(state, component, look),
            access: look.stat.as_ref().map(|s| Access { mode: s.mode, uid: s.uid, own_uid }),
            kubeadm_running: state.kubeadm > 0,
            kubeadm_ended: state.ended.contains(&component),
            settled: self.is_settled(look),
            armed: by_hand || guard.is_some(),
            as_armed: !by_hand && guard.is_some_and(|g| g.as_armed.get(&component) == Some(&look.hash)),
            site_gates: &self.config.site_gates,
            meant: &state.meant,
        }
    }

    pub(crate) fn is_settled(&self, look: &Look) -> bool {
        self.host.clock.since_boot().saturating_sub(look.since) >= self.config.tick
    }

    /// Why a copy of the API server's manifest must not come back: it would lead to another etcd than the expected one, or to one from
    /// which a person moved away. `None` if it may.
    fn no_copy(&self, state: &State, component: Component, copy: &Choice) -> Option<String> {
        let (Component::KubeApiserver, Choice::Copy(hash)) = (component, copy) else { return None };
        let Some(known) = &state.expectations else {
            return Some("which etcd it must lead to is not known".into());
        };
        if let Err(why) = known.may_heal(self.node.as_str()) {
            return Some(why);
        }
        let bytes = self.good_copy(component, hash)?;
        let flags = Manifest::parse(component, &bytes).ok()?.flags();
        // Expectations from before podlift kept these two lack them; only the last good manifest has them then.
        let good = state.good.get(&component).map(Manifest::flags).unwrap_or_default();
        let leads =
            |flag: &str, to: &Option<String>| flags.joined(flag) == to.clone().or_else(|| good.joined(flag));
        let same = known.are_same(&flags.joined("etcd-servers").unwrap_or_default())
            && leads("etcd-prefix", &known.etcd_prefix)
            && leads("etcd-servers-overrides", &known.etcd_overrides);
        (!same).then(|| "the copy that is kept leads to another etcd than what was learned last".into())
    }

    /// Forbids repairs from the learned endpoints if the manifest names others: etcd counts as moved or restored until evidence shows
    /// otherwise. A manifest that kubeadm writes is judged after kubeadm has ended.
    pub(crate) fn notice_other_etcd(&self, state: &mut State, look: &Look) {
        let Some(manifest) = look.manifest().filter(|m| m.component == Component::KubeApiserver) else {
            return;
        };
        let Some(known) = state.expectations.as_ref().filter(|k| state.kubeadm == 0 && k.forbidden.is_none())
        else {
            return;
        };
        let named = manifest.flag_set().joined("etcd-servers").unwrap_or_default();
        let other = !is_expanded(&named) && !endpoints(&named).is_empty() && !known.are_same(&named);
        if other {
            self.forbid_in(state, Forbidden::OtherEndpoints { named });
        }
    }
}
