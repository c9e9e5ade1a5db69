//! Calico's operator and Calico's state.

use super::*;
use crate::doors::{CalicoView, DaemonSetView, OperatorView, RolloutView, WorkloadView};
use crate::survey::TigeraStatus;
use jiff::SignedDuration;

fn whole() -> CalicoView {
    CalicoView {
        daemon_sets: vec![nodes(72, 72)],
        kube_controllers: vec![controllers(1)],
        applications: vec!["calico".into()],
        ..CalicoView::default()
    }
}

fn nodes(desired: u32, ready: u32) -> DaemonSetView {
    DaemonSetView {
        namespace: "kube-system".into(),
        name: "calico-node".into(),
        desired,
        ready,
        owner: "cmd".into(),
    }
}

fn controllers(available: u32) -> WorkloadView {
    let rollout = RolloutView { observed: true, desired: 1, updated: 1, available, unready_nodes: vec![] };
    WorkloadView { namespace: "kube-system".into(), name: "calico-kube-controllers".into(), rollout }
}

fn operator() -> Option<OperatorView> {
    Some(OperatorView {
        namespace: "tigera-operator".into(),
        image: "quay.io/tigera/operator:v1.34.3".into(),
        ready: true,
        owners: vec!["helm".into()],
    })
}

fn degraded() -> TigeraStatus {
    TigeraStatus {
        name: "calico".into(),
        available: true,
        degraded: true,
        progressing: false,
        message: "Pod calico-node-x is not Ready".into(),
    }
}

fn told(calico: CalicoView) -> Vec<Sighting> {
    let survey = ClusterSurvey { tigera: Ok(calico.status.clone()), calico: Ok(calico), ..cluster_survey() };
    seen_of(IssueName::CalicoOperator, &Recorded::default(), &at(&survey))
}

#[test]
fn an_operator_beside_the_calico_of_bcm_is_a_sighting_with_its_owners() {
    let seen = told(CalicoView { operator: operator(), installations: vec!["default".into()], ..whole() });
    let [found] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!((found.severity, &found.mend), (Severity::Warning, &Some(Mend::RemoveOperator)));
    assert!(found.what.contains("and it reports no status"), "{}", found.what);
    assert_eq!(found.by.as_ref().unwrap().name, "helm");
    let facts: Vec<&str> = found.evidence.iter().map(|fact| fact.what.as_str()).collect();
    assert_eq!(
        facts,
        [
            "image quay.io/tigera/operator:v1.34.3",
            "Installation default",
            "BCM applies calico",
            "owned by cmd"
        ]
    );
}

#[test]
fn an_operator_that_is_meant_is_not_to_be_removed() {
    let offered = told(CalicoView { operator: operator(), offered_by_bcm: true, ..whole() });
    assert!(
        matches!(&offered[..], [one] if one.severity == Severity::Note && one.mend.is_none()),
        "{offered:?}"
    );
    // The only Calico is the operator's own.
    let own = DaemonSetView { owner: "Installation/default".into(), ..nodes(4, 4) };
    assert_eq!(told(CalicoView { operator: operator(), daemon_sets: vec![own], ..whole() }), []);
    assert_eq!(told(whole()), []);
    // It takes the Calico of the manifests over.
    let own = DaemonSetView { owner: "Installation/default".into(), ..nodes(3, 3) };
    let sets = vec![nodes(69, 69), own];
    let taking = told(CalicoView { operator: operator(), daemon_sets: sets, ..whole() });
    assert!(
        matches!(&taking[..], [one] if one.mend.is_none() && one.what.contains("is taking over")),
        "{taking:?}"
    );
}

#[test]
fn an_operator_is_not_offered_for_removal_while_bcm_does_not_say_what_it_offers() {
    let calico = CalicoView { operator: operator(), ..whole() };
    let survey = ClusterSurvey {
        tigera: Ok(vec![]),
        calico: Ok(calico),
        applications: Err("no answer".into()),
        ..cluster_survey()
    };
    let seen = seen_of(IssueName::CalicoOperator, &Recorded::default(), &at(&survey));
    assert!(
        matches!(&seen[..], [one] if one.mend.is_none() && one.what.ends_with("offers it: no answer")),
        "{seen:?}"
    );
}

#[test]
fn degraded_by_one_pod_is_a_warning_and_by_more_a_blocker() {
    let severity = |change: &dyn Fn(&mut CalicoView)| {
        let mut calico =
            CalicoView { status: vec![degraded()], operator: operator(), offered_by_bcm: true, ..whole() };
        change(&mut calico);
        let mut seen = told(calico);
        seen.retain(|sighting| sighting.object == "tigerastatus calico");
        assert_eq!(seen.len(), 1, "{seen:?}");
        (seen[0].severity, seen[0].what.clone())
    };
    let (one, what) = severity(&|c| c.daemon_sets = vec![nodes(72, 71)]);
    assert_eq!(one, Severity::Warning);
    assert!(what.contains("71 of 72 Ready"), "{what}");
    let blockers: [&dyn Fn(&mut CalicoView); 5] = [
        &|c| c.daemon_sets = vec![nodes(72, 70)],
        // All pods are there: the numbers do not explain it.
        &|c| c.daemon_sets = vec![nodes(72, 72)],
        &|c| c.daemon_sets = vec![nodes(1, 0)],
        &|c| (c.daemon_sets, c.kube_controllers) = (vec![nodes(72, 71)], vec![controllers(0)]),
        &|c| c.daemon_sets.clear(),
    ];
    for change in blockers {
        assert_eq!(severity(change).0, Severity::Blocker);
    }
}

#[test]
fn the_last_word_of_an_operator_that_is_gone_is_a_note() {
    let seen = told(CalicoView { status: vec![degraded()], ..whole() });
    let [found] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!((found.severity, found.next.as_str()), (Severity::Note, "kubectl delete tigerastatus calico"));
}

#[test]
fn pods_that_come_and_go_are_counted_over_time() {
    let survey = ClusterSurvey { tigera: Ok(vec![]), calico: Ok(whole()), ..cluster_survey() };
    let cycling = |name: &str, minutes: &[i64]| {
        let mut now = at(&survey);
        for (i, ago) in minutes.iter().enumerate() {
            let made = now.now - SignedDuration::from_mins(*ago);
            now.calico_pods.insert(format!("kube-system/{name}-{i}"), made);
        }
        seen_of(IssueName::CalicoOperator, &Recorded::default(), &now)
    };
    let seen = cycling("calico-kube-controllers", &[9, 5, 1]);
    assert!(matches!(&seen[..], [one] if one.what.contains("made anew 3 times")), "{seen:?}");
    assert_eq!(cycling("calico-kube-controllers", &[9, 1]), [], "a rollout is no fight");
    assert_eq!(cycling("calico-kube-controllers", &[60, 40, 20]), []);
    assert_eq!(cycling("calico-node", &[3, 2, 1]), [], "one of each node");
}
