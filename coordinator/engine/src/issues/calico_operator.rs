//! Issue: Tigera's operator beside the Calico that BCM applies from manifests.

use super::{Fact, IssueName, Mend, Observed, Page, Sighting, Writer, WriterSource};
use crate::doors::CalicoView;
use crate::program::{Recorded, Severity};
use crate::survey::TigeraStatus;
use jiff::{SignedDuration, Timestamp};
use podlift_model::count;
use podlift_model::survey::Seen;

pub(super) const PAGE: Page = Page {
    explains: "BCM applies Calico from manifests of its own. Tigera's operator, if a person has installed it beside that, brings the same objects to another state, and both write in turn.",
    means: "calico-kube-controllers comes and goes, and pods get addresses late or not at all. Running pods keep their network.",
    repairs: "After approval, the run saves the operator and its Installation objects in the sealed backup, deletes them, and watches until calico-kube-controllers and one calico-node on each node are stable for a minute. Where BCM itself offers the operator, nothing is deleted.",
    asks: Some("tigera-removal"),
};

/// So many pods of calico-kube-controllers that were made within this time mean that two writers fight.
const CYCLES: usize = 3;
const WITHIN: SignedDuration = SignedDuration::from_mins(10);

const STATUS: &str = "kubectl get tigerastatus";

pub(super) fn seen(_before: &Recorded, now: &Observed) -> Vec<Sighting> {
    let calico = &now.survey.calico;
    let parts = now.survey.tigera.iter().flatten().filter_map(|part| self::part(part, calico));
    parts.chain(operator(now)).chain(cycling(now)).collect()
}

fn sighting(object: String, what: String, severity: Severity, next: &str) -> Sighting {
    Sighting {
        issue: IssueName::CalicoOperator,
        object,
        since: None,
        what,
        evidence: vec![],
        by: None,
        severity,
        mend: None,
        next: next.into(),
    }
}

/// A part of Calico as the operator reports it. The operator calls Calico degraded as soon as one pod is away; the numbers of the DaemonSets
/// say whether it is one.
fn part(part: &TigeraStatus, calico: &Seen<CalicoView>) -> Option<Sighting> {
    // Calico runs without the operator, which is the only one that writes these objects.
    let gone = calico.as_ref().is_ok_and(|c| c.operator.is_none() && !c.daemon_sets.is_empty());
    let (severity, state) = match (part.available, part.degraded, part.progressing) {
        (_, true, _) => (Severity::Blocker, "is degraded"),
        (false, _, _) => (Severity::Blocker, "is not available"),
        (true, false, true) => (Severity::Warning, "is being changed"),
        (true, false, false) => return None,
    };
    let object = format!("tigerastatus {}", part.name);
    let what = format!("{} {state}: {}", part.name, part.message);
    if gone {
        let what = format!("{what}: the last word of an operator that is gone");
        let next = format!("kubectl delete tigerastatus {}", part.name);
        return Some(sighting(object, what, Severity::Note, &next));
    }
    let one = calico.as_ref().ok().filter(|_| severity == Severity::Blocker).and_then(by_one_pod);
    match one {
        None => Some(sighting(object, what, severity, STATUS)),
        Some((numbers, source)) => {
            let what = format!("{what} (by one pod: {numbers}, which hurts no other node)");
            let next = "kubectl get pods -A -o wide -l k8s-app=calico-node";
            let evidence = vec![Fact::new(numbers, source)];
            Some(Sighting { evidence, ..sighting(object, what, Severity::Warning, next) })
        }
    }
}

/// The numbers and the DaemonSet, if exactly one calico-node is away and calico-kube-controllers is there.
fn by_one_pod(calico: &CalicoView) -> Option<(String, String)> {
    let away: Vec<_> = calico.daemon_sets.iter().filter(|set| set.ready < set.desired).collect();
    let [set] = away[..] else { return None };
    // A single node without its pod is the whole cluster where there is only one.
    let controllers = calico.kube_controllers.iter();
    let gone = |w: &crate::doors::WorkloadView| w.rollout.available == 0;
    if set.desired - set.ready != 1 || set.desired < 2 || controllers.clone().any(gone) {
        return None;
    }
    let numbers = format!("{} of {} Ready", set.ready, set.desired);
    Some((numbers, format!("daemonset {}/{}", set.namespace, set.name)))
}

/// The operator, if it is installed.
fn operator(now: &Observed) -> Option<Sighting> {
    let calico = now.survey.calico.as_ref().ok()?;
    let operator = calico.operator.as_ref()?;
    let object = Mend::RemoveOperator.object();
    let mut evidence = vec![Fact::new(format!("image {}", operator.image), object.clone())];
    let list = |what: &str, all: &[String], source: &str| {
        (!all.is_empty()).then(|| Fact::new(format!("{what} {}", all.join(", ")), source))
    };
    evidence.extend(list("Installation", &calico.installations, "installations.operator.tigera.io"));
    evidence.extend(list("Helm release", &calico.releases, "labels and annotations"));
    evidence.extend(list("BCM applies", &calico.applications, "BCM's applications of the cluster"));
    evidence.extend(list("written by", &calico.managers, "managedFields of Calico's workloads"));
    let owner = |set: &crate::doors::DaemonSetView| {
        let owner = if set.owner.is_empty() { "nobody known" } else { set.owner.as_str() };
        Fact::new(format!("owned by {owner}"), format!("daemonset {}/{}", set.namespace, set.name))
    };
    evidence.extend(calico.daemon_sets.iter().map(owner));
    let by = operator.owners.first().map(|name| Writer {
        name: name.clone(),
        at: None,
        source: WriterSource::ManagedFields,
    });
    let silent = if calico.status.is_empty() { ", and it reports no status" } else { "" };
    let base = |what: String, severity, next: &str| Sighting {
        evidence: evidence.clone(),
        by: by.clone(),
        ..sighting(object.clone(), what, severity, next)
    };
    if calico.offered_by_bcm {
        let what = format!("tigera-operator is installed, and BCM itself offers it: it may be meant{silent}");
        return Some(base(what, Severity::Note, STATUS));
    }
    if !calico.has_manifests() {
        return None;
    }
    if let Err(why) = &now.survey.applications {
        let what = format!(
            "tigera-operator is installed beside the Calico that BCM applies{silent}, and it is not known whether BCM itself offers it: {why}"
        );
        return Some(base(what, Severity::Warning, STATUS));
    }
    if let Some(why) = calico.held_by_operator() {
        let what = format!("tigera-operator is taking over the Calico that BCM applies{silent}: {why}");
        let next = "kubectl get nodes -L projectcalico.org/operator-node-migration";
        return Some(base(what, Severity::Warning, next));
    }
    let what = format!(
        "tigera-operator is installed beside the Calico that BCM applies{silent}: both write the same objects"
    );
    let next = "podlift repair --issue calico-operator";
    Some(Sighting { mend: Some(Mend::RemoveOperator), ..base(what, Severity::Warning, next) })
}

/// Pods of calico-kube-controllers that come and go.
fn cycling(now: &Observed) -> Option<Sighting> {
    let since = now.now.saturating_sub(WITHIN).ok()?;
    let controllers = now.calico_pods.iter().filter(|(pod, _)| pod.contains("/calico-kube-controllers"));
    let made: Vec<&Timestamp> = controllers.map(|(_, at)| at).filter(|at| **at >= since).collect();
    let first = made.iter().min()?;
    (made.len() >= CYCLES).then(|| {
        let what = format!(
            "calico-kube-controllers was made anew {} within {}: two writers take it from each other",
            count(made.len(), "time"),
            count(WITHIN.as_mins(), "minute")
        );
        let next = "kubectl get deployments,daemonsets -A -l k8s-app=calico-kube-controllers -o yaml";
        Sighting {
            since: Some(**first),
            evidence: vec![Fact::new(count(made.len(), "pod"), "pods by their creation")],
            ..sighting("calico-kube-controllers".into(), what, Severity::Blocker, next)
        }
    })
}
