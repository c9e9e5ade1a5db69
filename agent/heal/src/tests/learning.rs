//! Learning by component, losses that a run intends, and how long nothing was learned.

use super::*;
use podlift_model::op::FlagLoss;

const SCHEDULER: Component = Component::KubeScheduler;

fn loss(flag: &str) -> FlagLoss {
    FlagLoss { component: API, flag: flag.parse().unwrap() }
}

#[tokio::test(start_paused = true)]
async fn each_component_is_learned_for_itself() {
    let b = bench();
    let heal = open(&b);
    let hash = heal.seen(SCHEDULER).unwrap().hash.clone();
    heal.not_learned(SCHEDULER, "crictl can't be run");
    tokio::time::advance(Duration::from_secs(600)).await;
    heal.not_learned(SCHEDULER, "/healthz answers 500");
    let file = |heal: &Heal| heal.facts().files.into_iter().find(|f| f.component == SCHEDULER).unwrap();
    let unlearned = file(&heal).unlearned.unwrap();
    assert_eq!(unlearned.why, "/healthz answers 500");
    assert_eq!(unlearned.since, "2026-11-22T00:00:00Z".parse().unwrap());
    learn(&heal, Some("abc".into()), &Digest::of(LIVE_API)).unwrap();
    assert!(heal.knows(API, &Digest::of(LIVE_API)) && !heal.knows(SCHEDULER, &hash), "only the API server");
    assert!(heal.learned_component(SCHEDULER, &Digest::of("other")).is_err());
    heal.learned_component(SCHEDULER, &hash).unwrap();
    assert!(heal.knows(SCHEDULER, &hash));
    assert_eq!((file(&heal).unlearned, file(&heal).good.len()), (None, 1));
}

#[tokio::test(start_paused = true)]
async fn a_loss_that_is_meant_is_not_healed_and_not_afterwards_either() {
    let b = bench();
    let with = LIVE_API.replace(
        "    - --etcd-servers=",
        "    - --audit-log-path=/var/log/audit.log\n    - --etcd-prefix=/site/prod\n    - --etcd-servers=",
    );
    b.files.put(api(), with.as_bytes());
    let heal = open(&b);
    learn(&heal, Some("abc".into()), &Digest::of(&with)).unwrap();
    let allow = [loss("audit-log-path"), loss("etcd-prefix"), loss("etcd-servers")];
    heal.arm(&run(), 60, &allow).unwrap();
    assert_eq!(heal.facts().guard.unwrap().allow, allow);
    let gone = LIVE_API.replace("v1.31.14", "v1.31.15");
    b.files.put(api(), gone.replace(SERVERS, "").as_bytes());
    look(&heal);
    let healed = b.files.text(api());
    assert!(healed.contains(SERVERS), "without endpoints it would not start");
    assert!(!healed.contains("audit-log-path") && !healed.contains("etcd-prefix"), "{healed}");
    let meant = |heal: &Heal| {
        let all = heal
            .findings()
            .into_iter()
            .filter(|f| f.report_only.as_deref() == Some("meant: the run allows its loss"));
        all.map(|f| f.rule).collect::<Vec<_>>()
    };
    assert_eq!(meant(&heal), ["etcd-store-lost", "flag-lost"]);
    // The guard is disarmed before anything was learned, and the heal restarts.
    heal.disarm().unwrap();
    let again = open(&b);
    look(&again);
    assert_eq!(b.files.text(api()), healed);
    learn(&again, Some("abc".into()), &Digest::of(&healed)).unwrap();
    assert_eq!((meant(&again), again.expectations().unwrap().etcd_prefix), (vec![], None));
    again.arm(&run(), 60, &[]).unwrap();
    assert_eq!(b.files.text(api()), healed, "nothing brings it back");
}

#[tokio::test(start_paused = true)]
async fn an_allowance_that_was_not_used_ends_with_the_guard() {
    let b = bench();
    let heal = knowing(&b);
    heal.arm(&run(), 60, &[loss("authorization-mode")]).unwrap();
    heal.disarm().unwrap();
    let lossy = LIVE_API.replace("    - --authorization-mode=Node,RBAC\n", "");
    b.files.put(api(), lossy.as_bytes());
    look(&heal);
    let lost = heal.findings().into_iter().find(|f| f.rule == "flag-lost").unwrap();
    assert!(lost.report_only.unwrap().contains("no guard is armed"));
}
