//! The text about the heal, as goldens: an armed node with a finding, one with a fight, one whose agent is gone and old, a worker.

use super::*;
use crate::render::tests::on_screens;
use jiff::Timestamp;
use podlift_engine::view::{Heal, HealNode, HealRecord};
use podlift_model::heal::*;
use podlift_model::op::{Component, FlagLoss};
use podlift_model::{ClusterName, Digest, FlagName, NodeName, RunId};

fn at(text: &str) -> Timestamp {
    format!("2026-11-22T{text}Z").parse().unwrap()
}

fn run() -> RunId {
    RunId::new("20261122-020000-demo").unwrap()
}

fn file(left: u32, fight: Option<HealFight>) -> HealFile {
    HealFile {
        opaque: None,
        unlearned: None,
        component: Component::KubeApiserver,
        file: "kube-apiserver.yaml".into(),
        sha256: Some(Digest::of("now")),
        budget: 6,
        budget_left: left,
        fight,
        last: (left < 6).then(|| LastHeal {
            id: "heal-7f3a".into(),
            at: at("02:10:11"),
            rules: vec!["etcd-servers-empty".into()],
        }),
        good: vec![GoodManifest { sha256: Digest::of("good"), at: at("01:00:00"), version: None }],
    }
}

fn facts(left: u32, fight: Option<HealFight>) -> HealFacts {
    HealFacts {
        mode: HealMode::Enforce,
        guard: None,
        watching: true,
        expectations: Some(HealExpectations {
            etcd_overrides: None,
            etcd_prefix: None,
            forbidden: None,
            etcd_servers: vec!["https://10.77.0.11:2379".into(), "https://10.77.0.12:2379".into()],
            etcd_cluster: Some("eed5f7f8a2ce3bef".into()),
            other_etcd: None,
            learned_from: Digest::of("good"),
            at: at("01:00:00"),
        }),
        findings: vec![],
        files: vec![file(left, fight)],
    }
}

fn node(name: &str, heal: Option<HealFacts>) -> HealNode {
    HealNode { node: NodeName::new(name).unwrap(), connected: true, age_seconds: 2, stale: false, heal }
}

fn record(seq: u64, id: &str, run: Option<RunId>) -> HealRecord {
    let heal = HealEvent {
        id: id.into(),
        node: NodeName::new("runai-01").unwrap(),
        file: "kube-apiserver.yaml".into(),
        rules: vec!["etcd-servers-empty".into()],
        at: at("02:10:11"),
        latency_us: 812,
        before: Digest::of("a"),
        after: Digest::of("b"),
        diff: "@@ -17,1 +17,1 @@\n-    - --etcd-servers=\n+    - --etcd-servers=https://10.77.0.11:2379\n"
            .into(),
    };
    HealRecord { seq, run, heal }
}

fn seen() -> Heal {
    let mut armed = facts(5, None);
    let flag = FlagName::new("audit-log-path").unwrap();
    let allow = vec![FlagLoss { component: Component::KubeApiserver, flag }];
    armed.guard = Some(HealGuard { allow, run: run(), until: Some(at("03:00:00")) });
    armed.findings = vec![HealFinding {
        file: "kube-apiserver.yaml".into(),
        rule: "site-gate".into(),
        kind: HealKind::Hygiene,
        what: "gate MaxUnavailableStatefulSet is not wanted here".into(),
        report_only: Some("it was there when the guard was armed".into()),
    }];
    let fight = HealFight { since: at("02:11:00"), by: "puppet (pid 4711)".into() };
    let mut observing = facts(0, Some(fight));
    observing.mode = HealMode::Observe;
    let worker = HealFacts { expectations: None, files: vec![], ..facts(6, None) };
    let mut moved = facts(6, None);
    let learned = moved.expectations.as_mut().unwrap();
    learned.forbidden = Some("etcd cluster 5e0f answers at the endpoints of the manifest; `podlift heal accept runai-04 kube-apiserver` lifts it".into());
    learned.etcd_prefix = Some("/site/prod".into());
    moved.files[0].opaque = Some("opaque: sh -c".into());
    let unlearned = HealUnlearned { since: at("01:30:00"), why: "crictl can't be run".into() };
    moved.files.push(HealFile {
        component: Component::KubeScheduler,
        file: "kube-scheduler.yaml".into(),
        unlearned: Some(unlearned),
        ..file(6, None)
    });
    let mut gone = node("runai-03", None);
    (gone.connected, gone.stale, gone.age_seconds) = (false, true, 3720);
    Heal {
        schema: "podlift.heal/v1".into(),
        cluster: ClusterName::new("runaicluster").unwrap(),
        at: at("02:14:07"),
        nodes: vec![
            node("dgx030", Some(worker)),
            node("runai-01", Some(armed)),
            node("runai-02", Some(observing)),
            gone,
            node("runai-04", Some(moved)),
        ],
        history: vec![record(40, "heal-7f39", None), record(41, "heal-7f3a", Some(run()))],
        heals: 12,
    }
}

#[test]
fn the_heal_of_the_fleet() {
    insta::assert_snapshot!(on_screens(|s| status(&seen(), s)));
}

#[test]
fn the_heal_of_one_node() {
    let of = |i: usize| Heal { nodes: vec![seen().nodes.swap_remove(i)], ..seen() };
    insta::assert_snapshot!(on_screens(|s| format!(
        "{}\n{}\n{}\n{}",
        super::node(&of(1), s),
        super::node(&of(2), s),
        super::node(&of(3), s),
        super::node(&of(4), s)
    )));
}

#[test]
fn past_heals_and_what_they_changed() {
    insta::assert_snapshot!(on_screens(|s| format!("{}\n\n{}", history(&seen(), s), diff(&seen(), s))));
    let none = Heal { history: vec![], heals: 0, ..seen() };
    let screen = crate::out::Screen { width: None, height: None, colour: false };
    assert!(history(&none, screen).starts_with("No heal"));
}
