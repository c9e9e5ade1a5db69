//! The heal runs despite any failure of the other parts.

use super::*;
use crate::config::Config;
use crate::testing::{Bench, EMPTY_API, LIVE_API, exited};
use crate::{Agent, OpenError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use podlift_heal::Learned;
use podlift_model::Digest;
use podlift_model::heal::HealMode;
use podlift_model::op::Component;

const SERVERS: &str = "https://10.77.0.11:2379,https://10.77.0.12:2379,https://10.77.0.13:2379";

/// A node that has learned its manifest, which was damaged afterwards.
fn broken() -> Bench {
    let bench = Bench::new(|_| exited(1, "nothing here")).control_plane();
    let learned = Learned { servers: SERVERS.into(), cluster: Some("abc".into()), ..Learned::default() };
    bench.node().heal.learned(learned, &Digest::of(LIVE_API)).unwrap();
    bench.files.put(paths::manifest(Component::KubeApiserver), EMPTY_API.as_bytes());
    bench
}

fn kubelet_of(bench: &Bench, name: &str) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, format!("system:node:{name}"));
    let data = STANDARD.encode(params.self_signed(&key).unwrap().pem());
    let text = format!("users:\n- name: me\n  user: {{client-certificate-data: {data}}}\n");
    bench.files.put(KUBELET_CONF, text.as_bytes());
}

fn keeper(bench: &Bench, config: &Config) -> Arc<Keeper> {
    Keeper::open(bench.host.clone(), config.heal.clone(), &config.node, config.allow_other_filesystem)
}

/// Whether it repairs, and whether the other parts open.
fn opened(bench: &Bench, config: &Config) -> (bool, Option<&'static str>, Option<OpenError>) {
    let keeper = keeper(bench, config);
    keeper.heal.look_at_all();
    let healed = bench.files.text(paths::manifest(Component::KubeApiserver)).contains(SERVERS);
    let observes = keeper.downs.why(Part::HealMemory).map(|down| down.why);
    assert_eq!(observes.is_some(), keeper.heal.facts().mode == HealMode::Observe);
    (healed, observes, Agent::beside(keeper, config.clone(), crate::Seams::default()).err())
}

#[tokio::test(start_paused = true)]
async fn a_damaged_ledger_keeps_ops_down_and_nothing_else() {
    let bench = broken();
    let text = bench.files.text(paths::LEDGER);
    bench.files.put(paths::LEDGER, format!("{text}garbage\n").as_bytes());
    let (healed, observes, rest) = opened(&bench, &bench.config);
    assert!(healed && observes.is_none());
    assert_eq!(Down::from(rest.unwrap()).why, "ledger-damaged");
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_came_back_with_another_id_is_known_by_its_kubelet() {
    let bench = broken();
    bench.files.put(paths::MACHINE_ID, b"machine-2\n");
    kubelet_of(&bench, "runai-01");
    let (healed, observes, rest) = opened(&bench, &bench.config);
    assert!(healed && observes.is_none(), "{observes:?}");
    let rest = Down::from(rest.unwrap());
    assert!(rest.why == "machine-id" && rest.message.contains("machine-1"), "{rest}");
}

#[tokio::test(start_paused = true)]
async fn a_cloned_disk_is_observed_only() {
    for kubelet in [None, Some("runai-02")] {
        let bench = broken();
        bench.files.put(paths::MACHINE_ID, b"machine-2\n");
        if let Some(name) = kubelet {
            kubelet_of(&bench, name);
        }
        let (healed, observes, _) = opened(&bench, &bench.config);
        assert_eq!((healed, observes), (false, Some("machine-id")), "{kubelet:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_state_that_can_not_be_written_is_observed_only() {
    let bench = broken();
    bench.files.fail_after(0);
    let keeper = keeper(&bench, &bench.config);
    let down = keeper.downs.why(Part::HealMemory).unwrap();
    assert!(down.why == "state" && down.message.contains("only observes"), "{down}");
    keeper.heal.look_at_all();
    let api = paths::manifest(Component::KubeApiserver);
    assert_eq!(bench.files.text(&api), EMPTY_API);
    let findings = keeper.heal.findings();
    assert!(!findings.is_empty(), "it says what is wrong all the same");
}

#[tokio::test(start_paused = true)]
async fn the_name_of_the_kubelet_is_compared_and_both_are_told() {
    for theirs in ["runai-01.site.example", "runai-02"] {
        let bench = broken();
        kubelet_of(&bench, theirs);
        let (healed, observes, rest) = opened(&bench, &bench.config);
        assert!(healed && observes.is_none(), "the heal goes on");
        let rest = Down::from(rest.unwrap());
        assert_eq!(rest.why, "node-name");
        for part in ["\"runai-01\"", &format!("\"{theirs}\""), "kubelet.conf", "podlift cert issue"] {
            assert!(rest.message.contains(part), "no {part} in {rest}");
        }
    }
    let bench = broken();
    kubelet_of(&bench, "runai-01");
    assert!(opened(&bench, &bench.config).2.is_none());
}
