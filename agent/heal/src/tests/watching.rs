//! Notices, lost notices, and a replaced folder.

use super::*;
use crate::watch;
use podlift_host::Change;
use std::sync::Arc;

/// Watches until the first look is over.
async fn watched(b: &Bench, heal: Heal) -> (Arc<Heal>, tokio::task::JoinHandle<()>) {
    let heal = Arc::new(heal);
    let inner = heal.clone();
    let task = tokio::spawn(async move { watch(&inner, None, || {}).await });
    while b.watch.subscriptions() == 0 {
        tokio::task::yield_now().await;
    }
    (heal, task)
}

#[tokio::test(start_paused = true)]
async fn a_notice_a_rescan_and_the_tick_each_lead_to_a_repair() {
    let mut b = bench();
    b.settings.fight_limit = 100;
    let (heal, task) = watched(&b, knowing(&b)).await;
    assert!(heal.facts().watching);
    let notices = [Some(Change::File("kube-apiserver.yaml".into())), Some(Change::Rescan), None];
    for (n, notice) in notices.into_iter().enumerate() {
        b.files.put(api(), EMPTY_API.as_bytes());
        let told = notice.is_some();
        notice.into_iter().for_each(|n| b.watch.tell(n));
        let started = b.host.clock.since_boot();
        heal.healed.notified().await;
        let waited = b.host.clock.since_boot() - started;
        assert!(!told || waited.is_zero(), "round {n} waited {waited:?}");
        assert!(waited <= b.settings.tick * 4);
        assert!(b.files.text(api()).contains(SERVERS));
    }
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_stray_that_comes_within_a_run_is_noticed_at_once() {
    let b = bench();
    let (heal, task) = watched(&b, knowing(&b)).await;
    heal.arm(&run(), 3600, &[]).unwrap();
    let stray = std::path::Path::new(paths::MANIFESTS).join("x.bak");
    b.files.put(&stray, LIVE_API.as_bytes());
    b.watch.tell(Change::File("x.bak".into()));
    heal.healed.notified().await;
    assert!(b.files.read(&stray).is_err());
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn the_tick_is_longer_while_nothing_is_pending() {
    let b = bench();
    let heal = Arc::new(knowing(&b));
    let (inner, ticks) = (heal.clone(), Arc::new(std::sync::atomic::AtomicU32::new(0)));
    let counted = ticks.clone();
    let task = tokio::spawn(async move {
        let pulse = || {
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        };
        watch(&inner, None, pulse).await;
    });
    let in_a_minute = async || {
        tokio::time::sleep(Duration::from_secs(10)).await;
        let before = ticks.load(std::sync::atomic::Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(60)).await;
        ticks.load(std::sync::atomic::Ordering::Relaxed) - before
    };
    let calm = in_a_minute().await;
    assert!((7..=8).contains(&calm), "{calm} ticks of 8 s in a minute");
    heal.arm(&run(), 300, &[]).unwrap();
    let armed = in_a_minute().await;
    assert!((29..=31).contains(&armed), "{armed} ticks of 2 s in a minute");
    heal.disarm().unwrap();
    // Nothing can be learned of it, so the heal waits for a person.
    b.files.put(api(), b"spec: [");
    b.watch.tell(Change::File("kube-apiserver.yaml".into()));
    let wrong = in_a_minute().await;
    assert!((29..=31).contains(&wrong), "{wrong} ticks of 2 s in a minute");
    task.abort();
}
