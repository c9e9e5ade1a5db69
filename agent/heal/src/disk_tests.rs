//! The heal on a real disk with real notices, against kubeadm's changes of the folder.
#![allow(clippy::disallowed_methods)] // moves files as kubeadm does

use super::{Heal, watch};
use crate::settings;
use podlift_host::paths;
use podlift_host::real;
use podlift_host::testing::{EMPTY_API, LIVE_API};
use podlift_model::op::Component;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Ends in a different gate that is fatal on 1.32, so its repair needs nothing learned.
fn fatal(n: usize) -> String {
    EMPTY_API
        .replace("--etcd-servers=", "--etcd-servers=https://10.77.0.11:2379")
        .replace("MaxUnavailableStatefulSet=true", "KMSv2=true")
        .replace("priority: 2000001000", &format!("priority: {n}"))
}

#[tokio::test]
async fn a_manifest_that_is_moved_in_is_repaired_at_once_and_nothing_is_left_behind() {
    const ROUNDS: usize = 20;
    let root = tempfile::tempdir().unwrap();
    let host = real::host(root.path(), &[]).unwrap();
    let api = paths::manifest(Component::KubeApiserver);
    host.files.write(&api, LIVE_API.as_bytes(), 0o600).unwrap();
    let settings = settings::Heal {
        // Only notices may find the change, not the tick.
        tick: Duration::from_secs(3600),
        budget_per_hour: 1000,
        fight_limit: 1000,
        ..settings::Heal::default()
    };
    let heal = Heal::open(host.clone(), settings, "runai-01".parse().unwrap(), "b".parse().unwrap()).unwrap();
    let heal = Arc::new(heal);
    let watched = heal.clone();
    let (pulse, pulsed) = tokio::sync::oneshot::channel();
    let pulse = std::sync::Mutex::new(Some(pulse));
    let ticked = move || {
        if let Some(first) = pulse.lock().unwrap().take() {
            first.send(()).unwrap();
        }
    };
    let task = tokio::spawn(async move { watch(&watched, None, ticked).await });
    pulsed.await.unwrap();
    let below = |path: &Path| root.path().join(path.strip_prefix("/").unwrap());
    for n in 0..ROUNDS {
        let upgraded = Path::new(paths::SCRATCH).join("kubeadm-upgraded-manifests1/kube-apiserver.yaml");
        host.files.write(&upgraded, fatal(n).as_bytes(), 0o600).unwrap();
        let backup = Path::new(paths::SCRATCH).join(format!("kubeadm-backup-{n}.yaml"));
        std::fs::rename(below(&api), below(&backup)).unwrap();
        std::fs::rename(below(&upgraded), below(&api)).unwrap();
        heal.healed.notified().await;
        let now = String::from_utf8(host.files.read(&api).unwrap()).unwrap();
        assert_eq!(now, fatal(n).replace("    - --feature-gates=KMSv2=true\n", ""));
    }
    task.abort();
    assert_eq!(host.files.list(Path::new(paths::MANIFESTS)).unwrap(), ["kube-apiserver.yaml"]);
    let litter = host.files.list(Path::new(paths::SCRATCH)).unwrap();
    assert!(litter.iter().all(|name| name.starts_with("kubeadm-")), "{litter:?}");
    let events = heal.pending();
    assert_eq!(events.len(), ROUNDS);
    assert!(events.iter().all(|e| e.rules == ["gate-fatal"] && e.latency_us > 0));
}
