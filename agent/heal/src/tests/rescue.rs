//! Rescue goes first and separately: a hygiene repair that fails does not delay it.

use super::*;

/// A gate that hygiene can't remove, because of the form of its line.
fn unspliceable(text: &str) -> String {
    text.replace(
        "    - --feature-gates=MaxUnavailableStatefulSet=true\n",
        "    - >-\n      --feature-gates=MaxUnavailableStatefulSet=true\n",
    )
}

fn healed(b: &Bench) -> bool {
    b.files.text(api()).contains(&format!("--etcd-servers={SERVERS}"))
}

#[tokio::test(start_paused = true)]
async fn hygiene_that_can_not_be_spliced_is_reported_and_holds_nothing_up() {
    let b = bench();
    let heal = knowing(&b);
    heal.arm(&run(), 60, &[]).unwrap();
    b.files.put(api(), unspliceable(EMPTY_API).as_bytes());
    look(&heal);
    assert!(healed(&b));
    assert_eq!(heal.pending()[0].rules, ["etcd-servers-empty"]);
    let [gate] = heal.findings().try_into().unwrap();
    assert_eq!(gate.rule, "site-gate");
    assert!(gate.report_only.unwrap().contains("does not stand on a line of its own"));
}

#[tokio::test(start_paused = true)]
async fn one_rescue_edit_never_holds_up_another() {
    let b = bench();
    let heal = knowing(&b);
    let folded = EMPTY_API.replace(
        "    - --feature-gates=MaxUnavailableStatefulSet=true\n",
        "    - >-\n      --feature-gates=KMSv2=true\n",
    );
    b.files.put(api(), folded.as_bytes());
    look(&heal);
    assert!(healed(&b));
    let fatal = heal.findings().into_iter().find(|f| f.rule == "gate-fatal").unwrap();
    assert!(fatal.report_only.unwrap().contains("does not stand on a line of its own"));
    look(&heal);
    assert_eq!(heal.pending().len(), 1, "and what can't be done is not tried into a fight");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_others_may_write_is_rescued_first() {
    let b = bench();
    let heal = knowing(&b);
    heal.arm(&run(), 60, &[]).unwrap();
    b.files.put(api(), EMPTY_API.as_bytes());
    b.files.restat(api(), |s| s.mode = 0o666);
    look(&heal);
    assert!(healed(&b));
    assert_eq!(heal.pending()[0].rules, ["etcd-servers-empty"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_store_comes_back_also_without_a_guard() {
    let b = bench();
    let with = LIVE_API.replace("    - --etcd-servers=", "    - --etcd-prefix=/site/prod\n    - --etcd-servers-overrides=/events#https://10.77.0.31:2379\n    - --etcd-servers=");
    b.files.put(api(), with.as_bytes());
    let heal = open(&b);
    learn(&heal, Some("abc".into()), &Digest::of(&with)).unwrap();
    b.files.put(api(), EMPTY_API.as_bytes());
    look(&heal);
    let text = b.files.text(api());
    assert!(healed(&b) && text.contains("--etcd-prefix=/site/prod\n"), "{text}");
    assert!(text.contains("--etcd-servers-overrides=/events#https://10.77.0.31:2379\n"), "{text}");
    let kept = open(&b).expectations().unwrap();
    assert_eq!(kept.etcd_prefix.as_deref(), Some("/site/prod"));
    // Never during a prohibition.
    heal.etcd_answered(Endpoints::Live, "def");
    let without = with.replace("    - --etcd-prefix=/site/prod\n", "");
    b.files.put(api(), without.as_bytes());
    look(&heal);
    assert_eq!(b.files.text(api()), without);
}

#[tokio::test(start_paused = true)]
async fn a_changed_store_is_told_and_never_learned() {
    let b = bench();
    let heal = knowing(&b);
    let other =
        LIVE_API.replace("    - --etcd-servers=", "    - --etcd-prefix=/other\n    - --etcd-servers=");
    b.files.put(api(), other.as_bytes());
    look(&heal);
    assert_eq!(b.files.text(api()), other);
    assert!(heal.findings().iter().any(|f| f.rule == "etcd-store-changed" && f.report_only.is_some()));
    assert!(heal.fit(API).is_none());
    heal.accept(API, &Digest::of(&other)).unwrap();
    assert!(heal.fit(API).is_some());
}

#[tokio::test(start_paused = true)]
async fn what_can_not_start_is_never_fit_to_be_learned() {
    let b = bench();
    let heal = open(&b);
    b.files.put(api(), EMPTY_API.as_bytes());
    assert!(heal.fit(API).is_none());
}
