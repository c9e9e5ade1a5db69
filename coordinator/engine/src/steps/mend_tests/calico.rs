//! The removal of Calico's operator, and the watch after it.

use super::*;
use std::time::Duration;

fn soak(state: &RunState, id: &str) -> Duration {
    let step = spec(state, id);
    step.kind.step().policy(&Cx { state, step, ahead: 0, acted: false }).soak
}

const OPERATOR: &str = "after/remove-operator";
const STABLE: &str = "after/calico-stable";

fn calico(view: CalicoView) -> Reply {
    Reply::Cluster(ClusterReply::Calico(view))
}

#[test]
fn the_operator_is_removed_only_after_a_word_and_only_beside_a_calico_of_manifests() {
    let state = run(&site());
    let asked = stopped(judged(&state, OPERATOR, false, &calico(with_operator())));
    assert_eq!((asked.code.as_str(), asked.next.as_str()), ("approval", "podlift approve tigera-removal"));
    let word = approved(state.clone(), "tigera-removal");
    assert_eq!(judged(&word, OPERATOR, false, &calico(with_operator())), Assess::Ready);
    assert!(matches!(
        act(&word, OPERATOR, &calico(with_operator())),
        Some(Act::Cluster(ClusterAct::RemoveOperator { run: Some(_) }))
    ));
    assert!(told(judged(&word, OPERATOR, true, &calico(with_operator()))).starts_with("wait: "));
    assert!(told(judged(&word, OPERATOR, true, &calico(without_operator()))).contains("are removed"));
    assert!(told(judged(&state, OPERATOR, false, &calico(without_operator()))).contains("not installed"));
    let offered = CalicoView { offered_by_bcm: true, ..with_operator() };
    assert!(told(judged(&word, OPERATOR, false, &calico(offered))).contains("BCM itself offers"));
    let mut only = with_operator();
    only.daemon_sets[0].owner = "Installation/default".into();
    assert_eq!(stopped(judged(&word, OPERATOR, false, &calico(only.clone()))).code, "calico-from-operator");
    // The operator is taking over the Calico of the manifests.
    let mut both = with_operator();
    let taken = DaemonSetView { namespace: "calico-system".into(), ..only.daemon_sets[0].clone() };
    both.daemon_sets.push(DaemonSetView { desired: 3, ..taken });
    let why = stopped(judged(&word, OPERATOR, false, &calico(both.clone())));
    assert!(why.message.contains("daemonset calico-system/calico-node of Installation/default brings"));
    both.daemon_sets[1].desired = 0;
    assert_eq!(judged(&word, OPERATOR, false, &calico(both)), Assess::Ready, "no node was moved yet");
    let no = refused(state, "tigera-removal");
    for view in [with_operator(), only] {
        let without = told(judged(&no, OPERATOR, false, &calico(view)));
        assert!(without.starts_with("partly: ") && without.contains("refused by bob"), "{without}");
    }
}

#[test]
fn calico_is_watched_for_a_minute_after_its_operator_was_removed() {
    let state = run(&site());
    assert_eq!((soak(&state, STABLE), probe(&state, STABLE)), (Duration::ZERO, Probe::All(vec![])));
    assert!(told(judged(&state, STABLE, false, &Reply::All(vec![]))).contains("removed nothing"));
    let removed = acted(state, OPERATOR);
    assert_eq!(soak(&removed, STABLE), Duration::from_secs(60));
    assert!(
        told(judged(&removed, STABLE, false, &calico(without_operator())))
            .starts_with("calico-kube-controllers is available")
    );
    let cases: [fn(&mut CalicoView); 5] = [
        |c| c.daemon_sets[0].ready = 6,
        |c| c.kube_controllers[0].rollout.available = 0,
        |c| c.kube_controllers.clear(),
        |c| c.daemon_sets.clear(),
        |c| (c.daemon_sets[0].desired, c.daemon_sets[0].ready) = (3, 3),
    ];
    for change in cases {
        let mut view = without_operator();
        change(&mut view);
        assert!(told(judged(&removed, STABLE, false, &calico(view))).starts_with("wait: "));
    }
}
