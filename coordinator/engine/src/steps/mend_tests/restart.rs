//! What makes a restart of Run:ai's pods needed, and what ends its wait.

use super::*;
use crate::testing::view;

pub(super) fn rollout(now: Option<RolloutView>) -> Reply {
    let nodes = vec![view("dgx030", false), NodeView { ready: false, ..view("dgx031", false) }];
    let replies = [ClusterReply::Rollout(now), ClusterReply::Nodes(nodes)];
    Reply::All(replies.map(Reply::Cluster).to_vec())
}

fn lost(object: &str) -> Event {
    let (issue, what) = (IssueName::IngressTls, "gone".into());
    Event::ObjectLost { object: object.into(), issue, what, by: None }
}

fn is_needed(state: &RunState) -> bool {
    probe(state, RESTART) != Probe::All(vec![])
}

#[test]
fn a_lost_certificate_of_runai_is_the_evidence_whoever_has_brought_it_back() {
    let state = run(&site());
    for (object, want) in [
        ("secret runai/runai-tls", true),
        ("secret runai-backend/other", true),
        ("secret grafana/grafana-tls", false),
        ("service runai/proxy", false),
    ] {
        assert_eq!(is_needed(&say(Some(state.clone()), lost(object))), want, "{object}");
    }
    let mut with = site();
    with.cluster_survey.as_mut().unwrap().controllers = Ok(vec![crate::survey::IngressController {
        family: crate::survey::IngressFamily::IngressNginx,
        namespace: "ingress-nginx".into(),
        name: "controller".into(),
        default_certificate: Some("ingress-nginx/star".into()),
    }]);
    assert!(is_needed(&say(Some(run(&with)), lost("secret ingress-nginx/star"))));
    // The step that would restore it has failed, and a person has done it.
    for (code, want) in [("sealed-only", true), ("no-copy", true), ("api", false)] {
        let Assess::Blocked(reason) = reply::blocked(code, "gone", "podlift retry") else { panic!() };
        let step = spec(&state, SECRET).id.clone();
        let failed = say(Some(state.clone()), Event::StepFailed { step, reason });
        assert_eq!(is_needed(&failed), want, "{code}");
    }
}

#[test]
fn a_workload_that_went_a_refusal_and_a_node_that_is_down_are_not_waited_for() {
    let state = say(Some(run(&site())), lost("secret runai/runai-tls"));
    assert!(told(judged(&state, RESTART, false, &rollout(None))).contains("is not there any more"));
    let no = refused(state.clone(), "runai-restart");
    assert!(!is_needed(&no), "it needs no look");
    assert!(told(judged(&no, RESTART, false, &Reply::All(vec![]))).starts_with("partly: "));
    let state = acted(approved(state, "runai-restart"), RESTART);
    for (node, wanted) in [("dgx031", "not waited for"), ("dgx030", "wait: ")] {
        let away = vec![podlift_model::NodeName::new(node).unwrap()];
        let seen = RolloutView { observed: true, desired: 2, updated: 1, available: 1, unready_nodes: away };
        let text = told(judged(&state, RESTART, true, &rollout(Some(seen))));
        assert!(text.contains(wanted), "{text}");
    }
}
