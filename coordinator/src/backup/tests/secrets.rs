//! Secrets of nodes in a set: they are stored as their agents encrypted them, or there is no set.

use super::*;

#[tokio::test(start_paused = true)]
async fn secrets_of_nodes_are_stored_as_their_agents_encrypted_them_and_the_coordinator_cannot_read_one() {
    let (site, own) = (site_with(settings(None)).await, identity());
    for facts in site.fleet.lock().facts.values_mut() {
        facts.recipients = vec![own.to_public().to_string()];
    }
    let check = site.backup("b1").await.unwrap();
    assert!(check.whole && check.backup.encrypted && check.backup.revision == Some(4107));
    assert!(
        check.backup.left_out.iter().all(|l| l.starts_with("tls-secrets") || l.starts_with("kubelet-config"))
    );
    let dir = site.dir("b1");
    let key = read(&dir, "nodes/runai-01/etc/kubernetes/pki/ca.key.age");
    assert_eq!(age::decrypt(&own, &key).unwrap(), b"/etc/kubernetes/pki/ca.key of runai-01\n");
    let (manifest, problems) = podlift_backup::verify(&dir, None).unwrap();
    assert!(problems.is_empty());
    let snapshot = manifest.members.iter().find(|m| m.kind == Kind::EtcdSnapshot).unwrap();
    assert_eq!(snapshot.path, "etcd/snapshot.db.age");
    let plain = age::decrypt(&own, &read(&dir, &snapshot.path)).unwrap();
    assert_eq!(Digest::of(&plain), snapshot.content_sha256, "as its agent verified it");
    for m in manifest.members.iter().filter(|m| m.stored == Stored::Plain) {
        let text = String::from_utf8_lossy(&read(&dir, &m.path)).into_owned();
        assert!(!text.contains(".key of") && !text.contains(".conf of"), "{}", m.path);
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_without_recipients_ends_a_set_that_shall_keep_secrets() {
    let site = site_with(settings(Some(&identity()))).await;
    site.fleet.lock().facts.get_mut(&name("dgx031")).unwrap().recipients.clear();
    let why = site.refused("b1").await;
    for part in
        ["the agent of dgx031 gives out no key", "/etc/podlift/agent.toml", "systemctl restart podlift-agent"]
    {
        assert!(why.contains(part), "{part}: {why}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_sends_a_secret_in_clear_makes_no_set() {
    let site = site_with(settings(Some(&identity()))).await;
    site.fleet.lock().in_clear = true;
    let why = site.refused("b1").await;
    assert!(why.contains("came in clear") && why.contains("older podlift"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn snapshots_of_stores_of_single_resources_belong_to_the_set() {
    let who = identity();
    let site = site_with(settings(Some(&who))).await;
    let bytes = vec![9_u8; 1056];
    let state = podlift_model::facts::SnapshotState {
        sha256: Digest::of(&bytes),
        bytes: 1056,
        revision: 12,
        verified: true,
    };
    {
        let mut s = site.fleet.lock();
        s.overrides.insert("/events".into(), state.clone());
        s.files.put("runai-01", "/var/lib/podlift/backup/backup-b1/etcd-events.db", &bytes);
    }
    assert!(site.refused("b1").await.contains("keeps no such file"), "told of, and not there");
    let site = site_with(settings(Some(&who))).await;
    {
        let mut s = site.fleet.lock();
        s.overrides.insert("/events".into(), state.clone());
        s.files.put("runai-01", "/var/lib/podlift/backup/backup-b1/etcd-events.db", &bytes);
        s.backups.insert(name("runai-01"), [("etcd-events.db".to_string(), state.sha256.clone())].into());
    }
    site.backup("b1").await.unwrap();
    let stored = read(&site.dir("b1"), "etcd/overrides/etcd-events.db.age");
    assert_eq!(age::decrypt(&who, &stored).unwrap(), bytes);
}
