//! A heal whose folder can't be used: it only observes, and reports that.

use super::*;

fn without(b: &Bench) -> Heal {
    let (name, boot) = ("runai-01".parse().unwrap(), BOOT.parse().unwrap());
    Heal::without_memory(b.host.clone(), b.settings.clone(), name, boot)
}

#[tokio::test(start_paused = true)]
async fn without_memory_it_knows_what_is_on_the_disk_and_writes_nothing() {
    let b = bench();
    drop(knowing(&b));
    b.files.put(api(), EMPTY_API.as_bytes());
    b.files.fail_after(0);
    let heal = without(&b);
    heal.look_at_all();
    assert_eq!(b.files.text(api()), EMPTY_API);
    let found = heal.findings().remove(0);
    assert_eq!(
        (found.rule.as_str(), found.report_only.as_deref()),
        ("etcd-servers-empty", Some("heal.mode is observe"))
    );
    assert_eq!(heal.facts().mode, podlift_model::heal::HealMode::Observe);
    b.files.works_again();
    assert!(heal.arm(&run(), 60, &[]).is_err());
    assert!(heal.exempt(&Digest::of("x")).is_err());
    assert!(b.files.read(&paths::heal("guard.json")).is_err());
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_read_is_not_known() {
    let b = bench();
    b.files.put(paths::heal("expectations.json"), b"{");
    b.files.put(paths::heal("good.json"), b"{");
    b.files.put(paths::heal("history.jsonl"), b"\xff\n");
    let heal = without(&b);
    heal.look_at_all();
    assert_eq!((heal.expectations(), heal.pending()), (None, vec![]));
}
