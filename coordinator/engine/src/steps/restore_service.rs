//! Creates a LoadBalancer service of the record again if it is gone, from its raw copy. A service that exists is never replaced: with
//! another address than before, a person decides.

use super::object_verb::verb_of;
use super::reply::{all, blocked, done, odd, partly};
use super::{Assess, Cx, Step, Touches, approved};
use crate::doors::{Act, ClusterAct, ClusterLook, ClusterReply, Probe, Reply, ServiceView};
use crate::inventory::NodeRole;
use crate::issues::{Mend, helm, raw};
use crate::program::{DIFFERENCES, Item};
use crate::survey::LoadBalancerView;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RestoreService {
    namespace: String,
    name: String,
}

impl RestoreService {
    pub fn of(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    fn object(&self) -> String {
        self.mend().object()
    }

    fn mend(&self) -> Mend {
        Mend::RestoreService { namespace: self.namespace.clone(), name: self.name.clone() }
    }

    fn recorded<'a>(&self, cx: &'a Cx) -> Option<&'a LoadBalancerView> {
        let all = cx.program().recorded.load_balancers.as_ref().ok()?;
        all.iter().find(|s| s.namespace == self.namespace && s.name == self.name)
    }

    /// The object to create; `None` without a copy of it.
    fn cleaned(&self, cx: &Cx, kept: Option<&Value>) -> Option<Result<Value, raw::RawError>> {
        let pin = self.recorded(cx).map(|s| s.addresses.clone()).unwrap_or_default();
        kept.map(|kept| raw::cleaned_service(kept, &pin))
    }

    fn present(&self, cx: &Cx, service: &ServiceView) -> Assess {
        let (object, now) = (self.object(), &service.view);
        let restored =
            cx.acted || cx.state.steps[&cx.step.id].ever_acted || by_keeper(cx, &object, &service.raw);
        let how = if restored { "was created again" } else { "is there" };
        let Some(before) = self.recorded(cx) else {
            return done(format!("{object} {how} with {}", text(&now.addresses)));
        };
        let set = |list: &[String]| list.iter().cloned().collect::<BTreeSet<_>>();
        if set(&now.addresses) == set(&before.addresses) {
            return done(format!("{object} {how} with {}, as before the run", text(&now.addresses)));
        }
        let kind = service.raw["spec"]["type"].as_str().unwrap_or_default();
        let balances = kind == "LoadBalancer";
        let late = balances && set(&now.addresses).is_subset(&set(&before.addresses));
        let what = if late {
            let due = before.addresses.iter().filter(|address| !now.addresses.contains(address));
            let due: Vec<String> = due.cloned().collect();
            format!("{object} {how}, and its provider has not given it {} yet", text(&due))
        } else if balances {
            format!("{object} has {}, it had {}", text(&now.addresses), text(&before.addresses))
        } else {
            format!("{object} is of type {kind}, it was a LoadBalancer with {}", text(&before.addresses))
        };
        if let Some(word) = cx.state.accepted(&cx.step.id, &what) {
            return partly(format!("{what}; accepted by {}", word.by));
        }
        if approved::is_refused(cx, Item::ServiceRestore)
            && let Some(verdict) = approved::awaited(cx, Item::ServiceRestore, &what)
        {
            return verdict;
        }
        if late {
            let (namespace, name) = (&self.namespace, &self.name);
            return Assess::Wait(format!(
                "{what}: kubectl -n {namespace} describe service {name} shows what it says about it; to go on without it: podlift attest {DIFFERENCES} --note WHY && podlift retry{}",
                helm::hint(&service.raw).unwrap_or_default()
            ));
        }
        let (code, whose) = match (balances, restored) {
            (false, _) => ("no-load-balancer", "podlift does not replace an object that exists"),
            (true, true) => ("address-changed", "podlift asked its provider for the old address"),
            (true, false) => ("made-anew", "podlift does not replace an object that exists"),
        };
        blocked(
            code,
            format!(
                "{what}: {whose}; to keep it: podlift attest {DIFFERENCES} --note WHY && podlift retry; to have the old one back: kubectl -n {} delete service {} && podlift retry",
                self.namespace, self.name
            ),
            format!("kubectl -n {} get service {} -o yaml", self.namespace, self.name),
        )
    }

    fn absent(&self, cx: &Cx, kept: Option<&Value>) -> Assess {
        let object = self.object();
        if approved::is_refused(cx, Item::ServiceRestore) {
            let what = format!("{object} is gone");
            return approved::awaited(cx, Item::ServiceRestore, &what).unwrap_or(Assess::Ready);
        }
        match self.cleaned(cx, kept) {
            None => blocked(
                "no-copy",
                format!("{object} is gone, and podlift has no copy of it"),
                "podlift backup list",
            ),
            Some(Err(error)) => blocked(
                "bad-copy",
                format!("{object} is gone, and its copy can't be used: {error}"),
                "podlift backup list",
            ),
            Some(Ok(_)) if cx.acted => blocked(
                "deleted-again",
                format!(
                    "{object} was created again and is gone once more: find out what deletes it{}",
                    kept.and_then(helm::hint).unwrap_or_default()
                ),
                "podlift retry",
            ),
            Some(Ok(_)) => {
                let what = format!("{object} is gone and would be created again from its copy");
                approved::awaited(cx, Item::ServiceRestore, &what).unwrap_or(Assess::Ready)
            }
        }
    }
}

/// Whether the coordinator's keeper has created it in this run. A person may have been faster than its repair, so the writer counts, too.
fn by_keeper(cx: &Cx, object: &str, raw: &Value) -> bool {
    let mut lost = cx.state.lost_objects.iter();
    let mut fields = raw["metadata"]["managedFields"].as_array().into_iter().flatten();
    lost.any(|lost| lost.object == object && lost.mend.is_some())
        && fields.any(|entry| entry["manager"] == "podlift")
}

fn text(addresses: &[String]) -> String {
    if addresses.is_empty() { "no address".into() } else { format!("address {}", addresses.join(", ")) }
}

impl Step for RestoreService {
    fn verb(&self) -> String {
        verb_of("restore-service", &self.namespace, &self.name)
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn sign_off(&self, _role: NodeRole) -> Option<&'static str> {
        Some("load-balancers")
    }
    fn mend(&self) -> Option<Mend> {
        Some(self.mend())
    }
    fn remains(&self) -> Option<String> {
        Some("services that were gone are there again".into())
    }
    fn sample() -> Self {
        Self::of("ingress-nginx", "ingress-nginx-controller")
    }

    fn probe(&self, _cx: &Cx) -> Probe {
        let (namespace, name) = (self.namespace.clone(), self.name.clone());
        let kept = ClusterLook::KeptService { namespace: namespace.clone(), name: name.clone() };
        Probe::All(vec![Probe::Cluster(ClusterLook::Service { namespace, name }), Probe::Cluster(kept)])
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        match parts(reply) {
            None => odd(reply),
            Some((Some(service), _)) => self.present(cx, service),
            Some((None, kept)) => self.absent(cx, kept),
        }
    }

    fn act(&self, cx: &Cx, reply: &Reply) -> Option<Act> {
        let (_, kept) = parts(reply)?;
        let object = self.cleaned(cx, kept)?.ok()?;
        let run = Some(cx.state.run.clone());
        Some(Act::Cluster(ClusterAct::RestoreService { object: Box::new(object), run }))
    }
}

fn parts(reply: &Reply) -> Option<(Option<&ServiceView>, Option<&Value>)> {
    match all(reply) {
        [Reply::Cluster(ClusterReply::Service(now)), Reply::Cluster(ClusterReply::Kept(kept))] => {
            Some((now.as_ref(), kept.as_ref()))
        }
        _ => None,
    }
}
