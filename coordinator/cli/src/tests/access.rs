//! Who may command, and what happens without a coordinator.

use super::{Exit, podlift, site};
use std::path::PathBuf;
use tokio::net::TcpListener;

#[tokio::test]
async fn viewers_read_and_do_not_command() {
    let site = site().await;
    let bob = |line: &'static str| {
        let dir: PathBuf = site.dir.path().into();
        async move { podlift(&format!("podlift --config DIR/bob.toml {line}"), &dir).await }
    };
    assert_eq!(bob("status").await, Exit::Done);
    assert_eq!(bob("plan --to v1.32.9").await, Exit::Done);
    assert_eq!(bob("upgrade --to v1.32.9 --yes").await, Exit::Failed);
    assert_eq!(bob("takeover --yes").await, Exit::Failed);
    assert_eq!(bob("heal apply runai-01 kube-apiserver").await, Exit::Failed);
    assert_eq!(site.eve("takeover --yes").await, Exit::Done);
}

#[tokio::test]
async fn nobody_there_and_nothing_overwritten() {
    let site = site().await;
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let path = site.dir.path().join("eve.toml");
    let text = podlift_common::durable::read_to_string(&path).unwrap();
    let (_, rest) = text.split_once('\n').unwrap();
    let moved = format!("coordinator = \"{free}\"\n{rest}");
    podlift_common::durable::write(&path, moved.as_bytes(), 0o600).unwrap();
    assert_eq!(site.eve("status").await, Exit::Unreachable);
    let again = "podlift cert init --cluster runaicluster --dir DIR/ca";
    assert_eq!(podlift(again, site.dir.path()).await, Exit::Failed);
    assert_eq!(podlift("podlift --config DIR/none.toml status", site.dir.path()).await, Exit::Usage);
}
