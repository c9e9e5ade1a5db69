//! Creates a TLS secret of the record again if it is gone. The coordinator takes the bytes from its memory; they are in no plan, act or
//! event. A secret that exists is never replaced. Whether the wire serves the recorded certificate again is seen by `compare`.

use super::object_verb::verb_of;
use super::reply::{blocked, cluster, done, odd, partly};
use super::{Assess, Cx, Step, Touches, approved};
use crate::doors::{Act, ClusterAct, ClusterLook, ClusterReply, KeptSecret, Probe, Reply, SecretView};
use crate::inventory::NodeRole;
use crate::issues::{Mend, bcm_steps};
use crate::machine::StepStatus;
use crate::program::{DIFFERENCES, Evidence, Item};
use podlift_model::Digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RestoreSecret {
    namespace: String,
    name: String,
}

impl RestoreSecret {
    pub fn of(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    fn mend(&self) -> Mend {
        Mend::RestoreSecret { namespace: self.namespace.clone(), name: self.name.clone() }
    }

    fn command(&self, set: &str) -> String {
        format!("podlift secret restore {}/{} --set {set} --identity FILE", self.namespace, self.name)
    }

    /// Whether the secret is known to have gone: the keeper has seen it, or a repair was made for it.
    fn was_there(&self, cx: &Cx) -> bool {
        let object = self.mend().object();
        cx.program().goal.upgrade().is_none()
            || cx.state.lost_objects.iter().any(|lost| lost.object == object)
    }

    /// It holds another certificate than the copy from the time before it was made anew.
    fn anew(&self, cx: &Cx, secret: &SecretView) -> Assess {
        let text = |digest: Option<&Digest>| match digest {
            Some(digest) => format!("SHA-256 {digest}"),
            None => "no certificate".into(),
        };
        let (object, now, was) =
            (self.mend().object(), text(secret.sha256.as_ref()), text(secret.copy.as_ref()));
        let what = format!("{object} was made anew with {now} in tls.crt, it had {was}");
        if let Some(word) = cx.state.accepted(&cx.step.id, &what) {
            return partly(format!("{what}; accepted by {}", word.by));
        }
        let Self { namespace, name } = self;
        blocked(
            "made-anew",
            format!(
                "{what}: podlift does not replace an object that exists; to keep it: podlift attest {DIFFERENCES} --note WHY && podlift retry; to have the old one back: kubectl -n {namespace} delete secret {name} && podlift retry"
            ),
            format!("kubectl -n {namespace} describe secret {name}"),
        )
    }

    fn absent(&self, cx: &Cx, kept: KeptSecret) -> Assess {
        let object = self.mend().object();
        let what = format!("{object} is gone and would be created again from its copy");
        if approved::is_refused(cx, Item::SecretRestore) {
            return approved::awaited(cx, Item::SecretRestore, &format!("{object} is gone"))
                .unwrap_or(Assess::Ready);
        }
        if cx.acted {
            let message =
                format!("{object} was created again and is gone once more: find out what deletes it");
            return blocked("deleted-again", message, "podlift retry");
        }
        match kept {
            KeptSecret::Memory => approved::awaited(cx, Item::SecretRestore, &what).unwrap_or(Assess::Ready),
            KeptSecret::SealedOnly => blocked(
                "sealed-only",
                format!(
                    "{object} is gone, and its only copy is encrypted in a sealed backup: restore it with the operator's identity ({}), then podlift retry; podlift approve {} --refuse --reason TEXT lets the run go on without it",
                    self.command(&sealed(cx)),
                    Item::SecretRestore
                ),
                "podlift help secret restore",
            ),
            // What no backup has was not there before the run.
            KeptSecret::Nowhere if !self.was_there(cx) => partly(format!(
                "{object} is absent, and was absent when the backup was made; if an ingress needs it: {}",
                bcm_steps(&self.namespace, &self.name)
            )),
            KeptSecret::Nowhere => blocked(
                "no-copy",
                format!(
                    "{object} is gone, and podlift has no copy of it: {}",
                    bcm_steps(&self.namespace, &self.name)
                ),
                "cm-kubernetes-setup",
            ),
        }
    }
}

/// The name of the run's sealed set. That of a repair was sealed after the secret had gone, and does not have it.
fn sealed(cx: &Cx) -> String {
    if cx.program().goal.upgrade().is_none() {
        return "SET of podlift backup list".into();
    }
    let set = cx.state.steps.values().find_map(|step| match &step.status {
        StepStatus::Done { evidence: Evidence::BackupSealed { backup: Some(set), .. } } => {
            Some(set.set.clone())
        }
        _ => None,
    });
    set.unwrap_or_else(|| cx.state.run.to_string())
}

impl Step for RestoreSecret {
    fn verb(&self) -> String {
        verb_of("restore-secret", &self.namespace, &self.name)
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn sign_off(&self, _role: NodeRole) -> Option<&'static str> {
        Some("ingress-tls")
    }
    fn mend(&self) -> Option<Mend> {
        Some(self.mend())
    }
    fn remains(&self) -> Option<String> {
        Some("TLS secrets that were gone are there again".into())
    }
    fn sample() -> Self {
        Self::of("ingress-nginx", "ingress-server-default-tls")
    }

    fn probe(&self, _cx: &Cx) -> Probe {
        let (namespace, name) = (self.namespace.clone(), self.name.clone());
        Probe::Cluster(ClusterLook::Secret { namespace, name })
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(ClusterReply::Secret(secret)) = cluster(reply) else { return odd(reply) };
        match (secret.exists, cx.acted) {
            (true, false) if secret.copy.is_some() && secret.copy != secret.sha256 => self.anew(cx, secret),
            (true, true) => done(format!("{} was created again", self.mend().object())),
            (true, false) => done(format!("{} is there", self.mend().object())),
            (false, _) => self.absent(cx, secret.kept),
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        let (namespace, name) = (self.namespace.clone(), self.name.clone());
        let run = Some(cx.state.run.clone());
        Some(Act::Cluster(ClusterAct::RestoreSecret { namespace, name, run }))
    }
}
