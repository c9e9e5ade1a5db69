//! The agent's metrics after various events.

use super::Attempt;
use crate::agent::Agent;
use crate::config::{Mode, Role};
use crate::executor::{Answer, Executor, OpState};
use crate::testing::{Bench, EMPTY_API, exited};
use podlift_host::paths;
use podlift_model::op::Component;
use podlift_model::{Epoch, HostOp, InstanceId};
use std::sync::Arc;
use std::time::Duration;

fn has(page: &str, line: &str) {
    assert!(page.lines().any(|l| l == line), "no line {line:?} in\n{page}");
}

fn bench() -> Bench {
    Bench::new(|_| exited(1, "nothing here")).control_plane()
}

fn open(bench: &Bench) -> Arc<Agent> {
    Agent::open(bench.host.clone(), bench.config.clone()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_read_at_the_scrape() {
    let agent = open(&bench());
    let page = agent.metrics().unwrap();
    for line in [
        "podlift_agent_epoch 0.0",
        "podlift_agent_ledger_records 0.0",
        "podlift_agent_guard_mode{mode=\"steady\"} 1.0",
        "podlift_agent_guard_mode{mode=\"armed\"} 0.0",
        "podlift_agent_session_connected 0",
        "podlift_agent_heals_total{rule=\"etcd-servers-empty\"} 0",
        "podlift_agent_heals_held_back_total{file=\"kube-apiserver.yaml\",why=\"budget\"} 0",
    ] {
        has(&page, line);
    }
    assert!(
        page.contains(&format!("podlift_agent_build_info{{version=\"{}\"}} 1\n", env!("CARGO_PKG_VERSION"))),
        "{page}"
    );
    assert!(page.ends_with("# EOF\n"), "{page}");
    let epoch = Epoch { number: 3, instance: InstanceId::new("a").unwrap() };
    assert!(agent.node.ledger.claim(&epoch).unwrap());
    agent.node.heal.arm(&"r1".parse().unwrap(), 60, &[]).unwrap();
    let page = agent.metrics().unwrap();
    has(&page, "podlift_agent_epoch 3.0");
    has(&page, "podlift_agent_ledger_records 1.0");
    has(&page, "podlift_agent_guard_mode{mode=\"armed\"} 1.0");
    has(&page, "podlift_agent_guard_mode{mode=\"steady\"} 0.0");
}

#[tokio::test(start_paused = true)]
async fn an_op_is_counted_when_it_ended() {
    let agent = open(&bench());
    let epoch = Epoch { number: 1, instance: InstanceId::new("a").unwrap() };
    agent.node.ledger.claim(&epoch).unwrap();
    let executor = Executor::new(agent.node.clone());
    let op = HostOp::GuardArm { allow: vec![], run: "r1".parse().unwrap(), seconds: 60 };
    let Answer::Follow(mut state) = executor.submit(&"r1-s0001-a1".parse().unwrap(), &epoch, &op) else {
        panic!("it was not accepted");
    };
    state.wait_for(|s| matches!(s, OpState::Ended(_))).await.unwrap();
    let page = agent.metrics().unwrap();
    has(&page, "podlift_agent_ops_total{op=\"guard-arm\",outcome=\"done\"} 1");
    has(&page, "podlift_agent_op_duration_seconds_count{op=\"guard-arm\"} 1");
    has(&page, "podlift_agent_ledger_records 3.0");
    has(&page, "podlift_agent_ops_running 0.0");
}

#[tokio::test(start_paused = true)]
async fn sessions_are_counted_and_end() {
    let agent = open(&bench());
    let meters = &agent.node.meters;
    let connected = meters.connected();
    meters.attempt(Attempt::Welcomed);
    has(&agent.metrics().unwrap(), "podlift_agent_session_connected 1");
    drop(connected);
    let page = agent.metrics().unwrap();
    has(&page, "podlift_agent_session_connected 0");
    has(&page, "podlift_agent_session_attempts_total{result=\"welcomed\"} 1");
    has(&page, "podlift_agent_session_attempts_total{result=\"unreachable\"} 0");
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_and_stays_so_is_shown() {
    let mut bench = bench();
    bench.config.heal.mode = Mode::Observe;
    bench.config.heal.site_gates.clear();
    let agent = open(&bench);
    has(&agent.metrics().unwrap(), "podlift_agent_heal_findings 0.0");
    bench.files.put(paths::manifest(Component::KubeApiserver), EMPTY_API.as_bytes());
    let page = agent.metrics().unwrap();
    has(&page, "podlift_agent_guard_mode{mode=\"observe\"} 1.0");
    assert!(!page.contains("podlift_agent_heal_findings 0.0"), "{page}");
}

#[tokio::test(start_paused = true)]
async fn heals_are_counted_by_rule_with_their_latency() {
    let agent = open(&bench());
    let rules = ["etcd-servers-empty".to_string(), "site-gate".to_string()];
    agent.node.heal.meters.healed(&rules, Duration::from_micros(300));
    agent.node.heal.meters.held_back(Component::KubeScheduler, true);
    let page = agent.metrics().unwrap();
    has(&page, "podlift_agent_heals_total{rule=\"etcd-servers-empty\"} 1");
    has(&page, "podlift_agent_heals_total{rule=\"site-gate\"} 1");
    has(&page, "podlift_agent_heal_latency_seconds_bucket{le=\"0.00025\"} 0");
    has(&page, "podlift_agent_heal_latency_seconds_bucket{le=\"0.0005\"} 1");
    has(&page, "podlift_agent_heals_held_back_total{file=\"kube-scheduler.yaml\",why=\"fight\"} 1");
}

#[tokio::test(start_paused = true)]
async fn a_head_node_tells_of_no_heal() {
    let mut bench = Bench::new(|_| exited(1, "nothing here"));
    bench.config.role = Some(Role::Head);
    let page = open(&bench).metrics().unwrap();
    has(&page, "podlift_agent_ledger_records 0.0");
    for family in ["guard_mode", "watch_active", "heals_total"] {
        assert!(!page.contains(&format!("podlift_agent_{family}")), "{family} in\n{page}");
    }
}
