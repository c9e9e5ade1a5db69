//! Stores of single resources (`--etcd-servers-overrides`).

use super::*;

/// A node whose API server keeps its events in a separate etcd.
fn with_events(answer: fn(&Invocation) -> Result<Output, CommandError>) -> Bench {
    let b = bench(answer);
    let text = LIVE_API.replace(
        "    - --etcd-servers=",
        "    - --etcd-servers-overrides=/events#https://10.77.0.21:2379;https://10.77.0.22:2379\n    - --etcd-servers=",
    );
    b.files.put(paths::manifest(Component::KubeApiserver), text.as_bytes());
    b
}

#[tokio::test(start_paused = true)]
async fn the_stores_of_single_resources_are_asked_beside_the_main_one() {
    let b = with_events(etcd);
    let Ok(OpOutput::Etcd(state)) = look::look(&b.node(), &Look::EtcdHealth).await else { panic!() };
    assert_eq!((state.members.len(), state.overrides.len()), (2, 1));
    assert!(state.overrides["/events"].is_ok(), "{:?}", state.overrides);
    let silent = with_events(|call| match line(call).contains("10.77.0.2") {
        true => exited(1, "context deadline exceeded"),
        false => etcd(call),
    });
    let Ok(OpOutput::Etcd(state)) = look::look(&silent.node(), &Look::EtcdHealth).await else { panic!() };
    assert!(state.overrides["/events"].is_err() && state.members.len() == 2, "told beside the others");
}

#[tokio::test(start_paused = true)]
async fn the_stores_of_single_resources_are_in_the_snapshot_too() {
    let b = with_events(etcd);
    let node = b.node();
    let body = vec![7; 1024];
    let whole = [body.as_slice(), Sha256::digest(&body).as_slice()].concat();
    let events = paths::backup(&run()).join("etcd-events.db");
    b.files.put(paths::backup(&run()).join("etcd.db"), &whole);
    b.files.put(&events, &whole);
    let OpOutput::Backup(state) = done(&node, HostOp::EtcdSnapshot { run: run() }).await else { panic!() };
    let of_events = &state.overrides["/events"];
    assert!(state.snapshot.unwrap().verified && of_events.verified && of_events.revision == 4107);
    b.files.remove(&events).unwrap();
    // The fake makes no file: the test checks the calls.
    let failure = fails(&node, HostOp::EtcdSnapshot { run: run() }).await;
    assert!(failure.message.contains("store of /events"), "{failure:?}");
    let asked = b.commands.calls().into_iter().find(|c| c.contains("snapshot save")).unwrap();
    assert!(asked.contains("etcd-events.db") && asked.contains("10.77.0.1"), "{asked}");
    let Ok(OpOutput::BackupFiles(files)) = look::look(&node, &Look::BackupFiles).await else { panic!() };
    assert!(files.iter().any(|f| f.path.ends_with("/etcd.db") && f.secret), "{files:?}");
}
