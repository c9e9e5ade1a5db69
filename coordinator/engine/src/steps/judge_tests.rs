//! How single steps judge their replies: the three components, a store of single resources, a difference right before
//! kubeadm writes.

use super::{Assess, Cx};
use crate::doors::{ClusterReply, KubeadmConfigView, Reply};
use crate::goals::{PlanInput, build};
use crate::machine::{Event, RunState, apply};
use crate::program::{Evidence, Waiver};
use crate::testing::{config_text, endpoints, input};
use jiff::Timestamp;
use podlift_model::components::ComponentState;
use podlift_model::facts::EtcdState;
use podlift_model::flags::FlagChange;
use podlift_model::op::Component;
use podlift_model::{OpOutput, RunId};

fn judged(i: &PlanInput, verb: &str, reply: &Reply) -> Assess {
    let event = Event::RunStarted { plan: Box::new(build(i).unwrap()), by: "me".into() };
    let state: RunState = apply(None, &RunId::new("r1").unwrap(), Timestamp::UNIX_EPOCH, &event).unwrap();
    let spec = state.plan.steps().find(|s| s.kind.step().verb() == verb).unwrap();
    spec.kind.step().assess(&Cx { state: &state, step: spec, ahead: 0, acted: false }, reply)
}

fn text(assess: Assess) -> String {
    match assess {
        Assess::Done(Evidence::Partly { what }) => format!("partly: {what}"),
        Assess::Done(evidence) => format!("done: {}", evidence.what()),
        Assess::Wait(why) => format!("wait: {why}"),
        Assess::Blocked(reason) => format!("blocked: {} {}", reason.code, reason.message),
        Assess::Ready => "ready".into(),
        Assess::Again { verbs, why } => format!("again: {} {why}", verbs.join(",")),
    }
}

/// etcd, with nothing wrong at the other API servers.
fn etcd_ready(state: EtcdState) -> Reply {
    let others = [ClusterReply::Probes(vec![]), ClusterReply::Nodes(vec![])].map(Reply::Cluster);
    Reply::All(std::iter::once(Reply::Node(Box::new(OpOutput::Etcd(state)))).chain(others).collect())
}

fn healthy(component: &Component) -> ComponentState {
    ComponentState {
        component: *component,
        endpoint: "10.77.0.11:6443".into(),
        ready: true,
        answer: "ok".into(),
        running: "v1.32.9".parse().ok(),
        wants_credentials: false,
        object_read: None,
        object_answer: String::new(),
        flags_match: true,
        hash_matches: Some(true),
        container: Some("c1".into()),
        restarts: 0,
        last_exit: None,
        last_exit_at: None,
        log_tail: String::new(),
        kubeadm_running: false,
    }
}

/// All three components are healthy, except for this change of one of them.
fn components(which: Component, change: fn(&mut ComponentState)) -> String {
    let mut states: Vec<ComponentState> = Component::ALL.iter().map(healthy).collect();
    states.iter_mut().filter(|s| s.component == which).for_each(change);
    text(judged(&input(), "verify-api", &Reply::Node(Box::new(OpOutput::Components(states)))))
}

#[test]
fn each_of_the_three_components_is_verified() {
    for which in Component::ALL {
        let of = |change| components(*which, change);
        assert!(of(|_| ()).ends_with("flags on disk"), "{which}");
        // Alive, and not seen as a whole: the line of the sign-off stays open.
        let unseen = of(|s| s.hash_matches = None);
        assert!(unseen.starts_with("partly: ") && unseen.contains("could not be seen"), "{unseen}");
        let closed = of(|s| (s.ready, s.wants_credentials) = (false, true));
        assert!(closed.starts_with("partly: ") && closed.contains("requires credentials"), "{closed}");
        let other = of(|s| s.hash_matches = Some(false));
        assert!(other.starts_with("wait: ") && other.contains("another manifest"), "{other}");
        assert!(of(|s| s.running = "v1.31.9".parse().ok()).starts_with("wait: "), "{which}");
        // The component is alive, however often its container has ended before.
        assert!(of(|s| (s.restarts, s.flags_match) = (9, false)).starts_with("wait: "));
        let dead = of(|s| (s.ready, s.restarts, s.log_tail) = (false, 9, "no such flag".into()));
        assert!(dead.starts_with("blocked: ") && dead.contains(which.name()), "{dead}");
        assert!(dead.ends_with("no such flag"), "{dead}");
        assert!(of(|s| (s.ready, s.answer) = (false, "500".into())).contains("not ready: 500"));
    }
    let absent = OpOutput::Components(vec![]);
    let told = text(judged(&input(), "verify-api", &Reply::Node(Box::new(absent))));
    assert!(told.starts_with("wait: kube-apiserver"), "{told}");
}

#[test]
fn a_retry_waits_for_the_kubelets_next_start_of_a_component_that_had_ended() {
    let event = Event::RunStarted { plan: Box::new(build(&input()).unwrap()), by: "me".into() };
    let run = RunId::new("r1").unwrap();
    let mut state = apply(None, &run, Timestamp::UNIX_EPOCH, &event).unwrap();
    let spec = state.plan.steps().find(|s| s.kind.step().verb() == "verify-api").unwrap().clone();
    let dead = |s: &mut ComponentState| (s.ready, s.restarts, s.log_tail) = (false, 9, "no such flag".into());
    let states: Vec<ComponentState> = Component::ALL
        .iter()
        .map(healthy)
        .map(|mut s| {
            dead(&mut s);
            s
        })
        .collect();
    let reply = Reply::Node(Box::new(OpOutput::Components(states)));
    let judge = |state: &RunState| {
        let cx = Cx { state, step: &spec, ahead: 0, acted: false };
        (text(spec.kind.step().assess(&cx, &reply)), spec.kind.step().policy(&cx).wait.as_secs())
    };
    let (first, wait) = judge(&state);
    assert!(first.starts_with("blocked: api-server-down"), "{first}");
    assert_eq!(wait, 900);
    state.steps.get_mut(&spec.id).unwrap().retried = true;
    let (second, wait) = judge(&state);
    assert!(second.starts_with("wait: ") && second.contains("no such flag"), "{second}");
    assert_eq!(wait, 330, "the kubelet's longest pause and the start");
}

#[test]
fn a_store_of_single_resources_is_waited_for_like_the_main_one() {
    let with = |events: Result<bool, &str>| {
        let mut state: EtcdState = input().etcd.into_values().next().unwrap().unwrap();
        let mut other = state.clone();
        other.members[2].healthy = events == Ok(true);
        state.overrides.insert("/events".into(), events.map(|_| other).map_err(String::from));
        text(judged(&input(), "etcd-ready", &etcd_ready(state)))
    };
    assert!(with(Ok(true)).starts_with("done: 3 members healthy"));
    assert!(with(Ok(false)).contains("store of /events: member runai-03"));
    assert!(with(Err("connection refused")).contains("it can't be asked: connection refused"));
}

fn difference(i: &PlanInput, config: &str, flag: &str, live: Option<&str>, rendered: Option<&str>) -> String {
    let change = FlagChange {
        component: "kube-apiserver".into(),
        flag: flag.into(),
        live: live.map(String::from),
        rendered: rendered.map(String::from),
    };
    let config = KubeadmConfigView {
        resource_version: "1".into(),
        cluster_configuration: config.into(),
        managers: vec!["kubectl-edit".into()],
    };
    let reply = Reply::All(vec![
        Reply::Node(Box::new(OpOutput::Diff(vec![change]))),
        Reply::Cluster(ClusterReply::KubeadmConfig(config)),
    ]);
    text(judged(i, "flag-diff", &reply))
}

#[test]
fn right_before_kubeadm_writes_another_store_is_never_waived_and_the_same_member_is_no_change() {
    let (mut i, good) = (input(), config_text("good"));
    let facts = i.inventory.nodes.iter_mut().filter_map(|n| n.facts.as_mut());
    for m in facts.flat_map(|f| &mut f.manifests) {
        m.flags.0.insert("profiling".into(), vec!["false".into()]);
        m.flags.0.insert("etcd-prefix".into(), vec!["/site".into()]);
    }
    assert!(difference(&i, &good, "profiling", Some("false"), None).starts_with("blocked: flag-loss"));
    i.waivers = vec![Waiver { check: "flag-loss".into(), reason: "meant".into(), by: "jane".into() }];
    assert!(difference(&i, &good, "profiling", Some("false"), None).starts_with("done: waived"));
    for (live, rendered) in [(Some("/site"), None), (Some("/site"), Some("/other")), (None, Some("/other"))] {
        let told = difference(&i, &good, "etcd-prefix", live, rendered);
        assert!(told.starts_with("blocked: flag-loss"), "{told}");
    }
    i.waivers.clear();
    let slash = endpoints().iter().map(|e| format!("{e}/")).collect::<Vec<_>>().join(",");
    let plain = endpoints().join(",");
    assert!(difference(&i, &good, "etcd-servers", Some(&slash), Some(&plain)).starts_with("done: "));
    assert!(difference(&i, &good, "etcd-servers", Some(&slash), Some("")).starts_with("blocked: "));
    let local = Some("https://127.0.0.1:2379");
    let loopback = Some("https://[::1]:2379");
    assert!(difference(&i, &good, "etcd-servers", loopback, local).starts_with("blocked: "));
    let stacked = "apiVersion: kubeadm.k8s.io/v1beta4\netcd: {local: {}}\n";
    assert!(difference(&i, stacked, "etcd-servers", loopback, local).starts_with("done: "));
}
