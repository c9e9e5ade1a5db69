//! Repairs of issues: each looks first, creates only what is gone, waits for a person's word where one is needed, and goes on after a refusal.

mod anew;
mod calico;
mod end;
mod restart;
mod services;

use super::*;
use crate::doors::*;
use crate::goals::{PlanInput, build};
use crate::issues::{IssueName, Mend};
use crate::machine::{Event, RunState, apply};
use crate::program::{DIFFERENCES, Evidence, GoalName, StepSpec, StopReason};
use crate::survey::{IngressView, LoadBalancerView};
use crate::testing::input;
use crate::testing::survey::{cluster_survey, pod};
use jiff::Timestamp;
use podlift_model::{OpId, OpOutcome, RunId, StepId};
use serde_json::{Value, json};

const SERVICE: &str = "after/restore-service.ingress.nginx";
const SECRET: &str = "after/restore-secret.runai.runai-tls";
const RESTART: &str = "after/restart-deployment.runai-backend.runai-backend-traefik";

/// A site with an ingress, Run:ai's backend, and an operator beside BCM's Calico.
fn site() -> PlanInput {
    let mut i = input();
    let seen = i.cluster_survey.as_mut().unwrap();
    seen.ingresses = Ok(vec![IngressView {
        namespace: "runai".into(),
        name: "ui".into(),
        hosts: vec!["runai.example".into()],
        tls_secrets: vec!["runai-tls".into()],
        addresses: vec!["10.77.0.90".into()],
    }]);
    let mut backend =
        pod("runai-backend", "runai-backend-traefik-7f9-x", "dgx032", "ReplicaSet/runai-backend-traefik-7f9");
    backend.labels.insert("pod-template-hash".into(), "7f9".into());
    seen.pods.as_mut().unwrap().push(backend);
    seen.calico = Ok(with_operator());
    i
}

fn without_operator() -> CalicoView {
    let rollout = RolloutView { observed: true, desired: 1, updated: 1, available: 1, unready_nodes: vec![] };
    CalicoView {
        nodes: 7,
        daemon_sets: vec![DaemonSetView {
            namespace: "kube-system".into(),
            name: "calico-node".into(),
            desired: 7,
            ready: 7,
            owner: "cmd".into(),
        }],
        kube_controllers: vec![WorkloadView {
            namespace: "kube-system".into(),
            name: "calico-kube-controllers".into(),
            rollout,
        }],
        ..CalicoView::default()
    }
}

fn with_operator() -> CalicoView {
    let operator = OperatorView { namespace: "tigera-operator".into(), ..OperatorView::default() };
    CalicoView { operator: Some(operator), installations: vec!["default".into()], ..without_operator() }
}

fn say(state: Option<RunState>, event: Event) -> RunState {
    apply(state, &RunId::new("r1").unwrap(), Timestamp::UNIX_EPOCH, &event).unwrap()
}

fn run(i: &PlanInput) -> RunState {
    say(None, Event::RunStarted { plan: Box::new(build(i).unwrap()), by: "me".into() })
}

fn spec<'a>(state: &'a RunState, id: &str) -> &'a StepSpec {
    let found = state.plan.steps().find(|s| s.id.as_str() == id);
    found.unwrap_or_else(|| {
        panic!("{id} of {:?}", state.plan.steps().map(|s| s.id.as_str()).collect::<Vec<_>>())
    })
}

fn judged(state: &RunState, id: &str, acted: bool, reply: &Reply) -> Assess {
    let step = spec(state, id);
    step.kind.step().assess(&Cx { state, step, ahead: 0, acted }, reply)
}

fn act(state: &RunState, id: &str, reply: &Reply) -> Option<Act> {
    let step = spec(state, id);
    step.kind.step().act(&Cx { state, step, ahead: 0, acted: false }, reply)
}

fn probe(state: &RunState, id: &str) -> Probe {
    let step = spec(state, id);
    step.kind.step().probe(&Cx { state, step, ahead: 0, acted: false })
}

fn refused(state: RunState, item: &str) -> RunState {
    let event = Event::ItemRefused { item: item.into(), reason: "not tonight".into(), by: "bob".into() };
    say(Some(state), event)
}

fn approved(state: RunState, item: &str) -> RunState {
    say(Some(state), Event::ItemApproved { item: item.into(), by: "jane".into() })
}

/// The run after this step has made its change.
fn acted(mut state: RunState, id: &str) -> RunState {
    let step = spec(&state, id).id.clone();
    let known = state.steps.get_mut(&step).unwrap();
    (known.acted, known.ever_acted, known.attempts) = (true, true, 1);
    state
}

fn stopped(verdict: Assess) -> StopReason {
    match verdict {
        Assess::Blocked(reason) => reason,
        other => panic!("{other:?}"),
    }
}

fn told(verdict: Assess) -> String {
    match verdict {
        Assess::Done(Evidence::Partly { what }) => format!("partly: {what}"),
        Assess::Done(evidence) => evidence.what().to_string(),
        Assess::Wait(why) => format!("wait: {why}"),
        other => panic!("{other:?}"),
    }
}

/// The raw object of the recorded service.
fn raw() -> Value {
    json!({
        "kind": "Service",
        "metadata": {"namespace": "ingress", "name": "nginx", "uid": "1", "annotations": {
            "metallb.io/address-pool": "front",
            "meta.helm.sh/release-name": "nginx",
        }},
        "spec": {"type": "LoadBalancer", "clusterIP": "10.96.7.7", "ports": [{"port": 443, "nodePort": 30443}]},
        "status": {},
    })
}

fn balancer(addresses: &[&str]) -> ServiceView {
    let view = LoadBalancerView {
        addresses: addresses.iter().map(ToString::to_string).collect(),
        ..cluster_survey().load_balancers.unwrap().remove(0)
    };
    ServiceView { view, raw: raw(), release: None }
}

fn service(now: Option<ServiceView>, kept: Option<Value>) -> Reply {
    Reply::All(vec![Reply::Cluster(ClusterReply::Service(now)), Reply::Cluster(ClusterReply::Kept(kept))])
}

#[test]
fn the_plan_has_a_step_for_each_object_before_it_compares_and_validates_last() {
    let plan = build(&site()).unwrap();
    let after: Vec<String> =
        plan.steps().skip_while(|s| s.phase != "after").map(|s| s.id.to_string()).collect();
    let wanted = [
        "after/remove-operator",
        "after/calico-stable",
        SERVICE,
        SECRET,
        RESTART,
        "after/restart-statefulset.runai.train",
        "after/verify-fleet",
        "after/compare",
        "validate/validate",
    ];
    assert_eq!(after, wanted);
    let without = build(&input()).unwrap();
    let mends = without.steps().filter_map(|s| s.kind.step().mend()).collect::<Vec<_>>();
    assert_eq!(mends, [Mend::RestoreService { namespace: "ingress".into(), name: "nginx".into() }]);
}

#[test]
fn a_service_that_is_gone_is_created_from_its_copy_with_its_address() {
    let state = run(&site());
    let gone = service(None, Some(raw()));
    assert_eq!(judged(&state, SERVICE, false, &gone), Assess::Ready);
    let Some(Act::Cluster(ClusterAct::RestoreService { object, run })) = act(&state, SERVICE, &gone) else {
        panic!()
    };
    assert_eq!(run, RunId::new("r1").ok());
    assert_eq!(object["metadata"]["annotations"]["metallb.io/loadBalancerIPs"], "10.77.0.90");
    assert!(object["metadata"].get("uid").is_none() && object["spec"]["clusterIP"] == "10.96.7.7");
    let back = service(Some(balancer(&["10.77.0.90"])), Some(raw()));
    let text = told(judged(&state, SERVICE, true, &back));
    assert_eq!(text, "service ingress/nginx was created again with address 10.77.0.90, as before the run");
    assert_eq!(told(judged(&state, SERVICE, false, &back)), text.replace("was created again", "is there"));
    let empty = service(Some(balancer(&[])), Some(raw()));
    assert!(told(judged(&state, SERVICE, true, &empty)).starts_with("wait: "));
}

#[test]
fn a_service_that_can_not_come_back_as_it_was_stops_the_run_with_both_choices() {
    let state = run(&site());
    let other = service(Some(balancer(&["10.77.0.91"])), Some(raw()));
    let after = stopped(judged(&state, SERVICE, true, &other));
    assert_eq!(after.code, "address-changed");
    assert!(after.message.contains("has address 10.77.0.91, it had address 10.77.0.90"), "{}", after.message);
    let anew = stopped(judged(&state, SERVICE, false, &other));
    assert_eq!(anew.code, "made-anew");
    assert!(
        anew.message.contains("podlift attest differences-accepted")
            && anew.message.contains("kubectl -n ingress delete service nginx")
    );
    let lost = stopped(judged(&state, SERVICE, false, &service(None, None)));
    assert_eq!((lost.code.as_str(), lost.next.as_str()), ("no-copy", "podlift backup list"));
    let bad = stopped(judged(&state, SERVICE, false, &service(None, Some(json!({"kind": "Pod"})))));
    assert!(bad.code == "bad-copy" && bad.message.contains("kind is \"Pod\""), "{}", bad.message);
    let again = stopped(judged(&state, SERVICE, true, &service(None, Some(raw()))));
    assert!(
        again.code == "deleted-again" && again.message.contains("helm -n ingress upgrade nginx"),
        "{}",
        again.message
    );
    let mut other_kind = balancer(&[]);
    other_kind.raw["spec"]["type"] = json!("ClusterIP");
    let kind = stopped(judged(&state, SERVICE, false, &service(Some(other_kind), Some(raw()))));
    assert_eq!(kind.code, "no-load-balancer");
    assert!(kind.message.contains("is of type ClusterIP, it was a LoadBalancer with address 10.77.0.90"));
    assert!(kind.message.contains("to keep it: podlift attest"), "{}", kind.message);
    // A person keeps the new address.
    let step = spec(&state, SERVICE).id.clone();
    let failed = say(Some(state), Event::StepFailed { step, reason: anew });
    let word = Event::Attested { name: DIFFERENCES.into(), by: "jane".into(), note: "new pool".into() };
    let kept = told(judged(&say(Some(failed), word), SERVICE, false, &other));
    assert!(kept.starts_with("partly: ") && kept.ends_with("accepted by jane"), "{kept}");
}

#[test]
fn a_site_that_wants_to_be_asked_is_asked_and_a_refusal_lets_the_run_go_on() {
    let mut i = site();
    i.options.ask_items = vec!["service-restore".into(), "secret-restore".into()];
    let state = run(&i);
    let secret = |kept| {
        Reply::Cluster(ClusterReply::Secret(SecretView { exists: false, sha256: None, copy: None, kept }))
    };
    for (id, item, reply) in [
        (SERVICE, "service-restore", service(None, Some(raw()))),
        (SECRET, "secret-restore", secret(KeptSecret::Memory)),
    ] {
        let asked = stopped(judged(&state, id, false, &reply));
        assert_eq!((asked.code.as_str(), asked.next), ("approval", format!("podlift approve {item}")));
        assert!(
            asked.message.contains(&format!("podlift approve {item} --refuse --reason")),
            "{}",
            asked.message
        );
        assert_eq!(judged(&approved(state.clone(), item), id, false, &reply), Assess::Ready);
        let without = told(judged(&refused(state.clone(), item), id, false, &reply));
        assert!(
            without.starts_with("partly: ") && without.contains("refused by bob (not tonight)"),
            "{without}"
        );
    }
}

#[test]
fn a_secret_comes_from_memory_and_nothing_else_is_guessed() {
    let state = run(&site());
    let secret = |exists, kept| {
        Reply::Cluster(ClusterReply::Secret(SecretView { exists, sha256: None, copy: None, kept }))
    };
    assert_eq!(
        told(judged(&state, SECRET, false, &secret(true, KeptSecret::Nowhere))),
        "secret runai/runai-tls is there"
    );
    assert_eq!(judged(&state, SECRET, false, &secret(false, KeptSecret::Memory)), Assess::Ready);
    let act = act(&state, SECRET, &secret(false, KeptSecret::Memory));
    let Some(Act::Cluster(ClusterAct::RestoreSecret { namespace, name, run })) = act else { panic!() };
    assert_eq!((namespace.as_str(), name.as_str(), run), ("runai", "runai-tls", RunId::new("r1").ok()));
    let sealed = stopped(judged(&state, SECRET, false, &secret(false, KeptSecret::SealedOnly)));
    assert_eq!(sealed.next, "podlift help secret restore");
    // It was absent when the backup was made, so the run has not lost it.
    let absent = told(judged(&state, SECRET, false, &secret(false, KeptSecret::Nowhere)));
    assert!(absent.starts_with("partly: ") && absent.contains("cm-kubernetes-setup"), "{absent}");
    let lost = Event::ObjectLost {
        object: "secret runai/runai-tls".into(),
        issue: IssueName::IngressTls,
        what: "gone".into(),
        by: None,
    };
    let gone = stopped(judged(&say(Some(state), lost), SECRET, false, &secret(false, KeptSecret::Nowhere)));
    assert!(gone.code == "no-copy" && gone.message.contains("Configure Ingress"), "{}", gone.message);
}

#[test]
fn pods_of_runai_restart_only_after_a_certificate_was_restored_and_after_a_word() {
    let state = run(&site());
    assert_eq!(probe(&state, RESTART), Probe::All(vec![]));
    assert!(
        told(judged(&state, RESTART, false, &Reply::All(vec![]))).starts_with("no certificate of Run:ai")
    );
    let by_step = acted(state.clone(), SECRET);
    let mend = Mend::RestoreSecret { namespace: "runai".into(), name: "runai-tls".into() };
    let (object, issue) = (mend.object(), IssueName::IngressTls);
    let ended = Event::MendEnded { object, issue, result: Ok("created again".into()), milliseconds: 900 };
    for needed in [by_step, say(Some(state), ended)] {
        let Probe::All(looks) = probe(&needed, RESTART) else { panic!() };
        assert!(matches!(looks[0], Probe::Cluster(ClusterLook::Rollout { .. })));
        let rollout = |updated, available| {
            let view = RolloutView { observed: true, desired: 2, updated, available, unready_nodes: vec![] };
            restart::rollout(Some(view))
        };
        let asked = stopped(judged(&needed, RESTART, false, &rollout(2, 2)));
        assert_eq!(asked.next, "podlift approve runai-restart", "it is always asked for");
        let word = approved(needed.clone(), "runai-restart");
        assert_eq!(judged(&word, RESTART, false, &rollout(2, 2)), Assess::Ready);
        assert!(told(judged(&word, RESTART, true, &rollout(1, 2))).starts_with("wait: "));
        assert!(told(judged(&word, RESTART, true, &rollout(2, 1))).starts_with("wait: "));
        assert!(told(judged(&word, RESTART, true, &rollout(2, 2))).contains("was restarted"));
        // After a retry it is judged by its pods, and not restarted once more.
        let before = acted(word, RESTART);
        assert!(told(judged(&before, RESTART, false, &rollout(2, 2))).contains("was restarted"));
        let no = told(judged(&refused(needed, "runai-restart"), RESTART, false, &rollout(2, 2)));
        assert!(no.starts_with("partly: "), "{no}");
    }
}

#[test]
fn what_a_repair_is_asked_for_is_mended_with_the_record_of_the_last_run() {
    let mut i = site();
    let whole = build(&i).unwrap();
    i.goal = GoalName::Repair;
    i.earlier.site = whole.recorded.clone();
    i.issues = vec![IssueName::LoadBalancers];
    i.cluster_survey.as_mut().unwrap().load_balancers = Ok(vec![]);
    let plan = build(&i).unwrap();
    let verbs: Vec<String> = plan.steps().map(|s| s.kind.step().verb()).collect();
    let last = ["seal-backup", "restore-service.ingress.nginx", "verify-fleet", "compare", "validate"];
    assert_eq!(verbs[verbs.len() - 5..], last, "and no ConfigMap is written");
    assert_eq!(plan.recorded.load_balancers, whole.recorded.load_balancers);
    let state = run(&i);
    assert_eq!(judged(&state, SERVICE, false, &service(None, Some(raw()))), Assess::Ready);
    i.issues = vec![IssueName::IngressTls];
    let other = build(&i).unwrap();
    assert!(other.steps().all(|s| s.kind.step().mend().is_none()));
    assert_ne!(other.hash, plan.hash, "another request is another plan");
}

/// What only a survey sees does not make another plan of it, because the survey may be late.
#[test]
fn repairs_of_issues_are_no_part_of_the_hash() {
    let (with, mut i) = (build(&site()).unwrap(), input());
    assert_eq!(with.hash, build(&i).unwrap().hash);
    i.cluster_survey = Err("no answer within 30 s".into());
    let late = build(&i).unwrap();
    assert!(late.steps().all(|s| s.kind.step().mend().is_none()));
    assert_eq!(late.hash, with.hash);
    let mut batched = [site(), input()];
    batched.iter_mut().for_each(|i| i.options.batches = Some(Default::default()));
    let [a, b] = batched.map(|i| build(&i).unwrap().hash);
    assert_eq!(a, b);
}

/// The op of a repair that the coordinator has sent and not heard of is judged by the look, as any other.
#[test]
fn a_service_that_the_keeper_has_put_back_meanwhile_is_done() {
    let state = run(&site());
    let step: StepId = spec(&state, SERVICE).id.clone();
    let sealed = Evidence::BackupSealed {
        hash: podlift_model::Digest::of("x"),
        revision: 1,
        what: "sealed".into(),
        backup: None,
    };
    let seal = state.plan.steps().find(|s| s.kind.step().seals()).unwrap().id.clone();
    let state = say(Some(state), Event::StepDone { step: seal, evidence: sealed });
    let op_id = OpId::new("r1-s1-a1").unwrap();
    let begun = say(
        Some(state),
        Event::StepStarted { step: step.clone(), attempt: 1, op_id: op_id.clone(), ledger: None },
    );
    let outcome = OpOutcome::Failed {
        failure: podlift_model::Failure::operator("made-anew", "service ingress/nginx exists"),
    };
    let ended = say(Some(begun), Event::OpEnded { step, op_id, outcome });
    let back = service(Some(balancer(&["10.77.0.90"])), Some(raw()));
    assert!(told(judged(&ended, SERVICE, false, &back)).contains("is there with address 10.77.0.90"));
}
