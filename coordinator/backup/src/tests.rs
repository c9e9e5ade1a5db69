//! Sets that are made, damaged in every way, and listed.

use super::*;
use jiff::Timestamp;
use podlift_model::Digest;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn identity() -> age::x25519::Identity {
    age::x25519::Identity::generate()
}

fn recipient(identity: &age::x25519::Identity) -> Recipient {
    identity.to_public().to_string().parse().unwrap()
}

fn about(wanted: Vec<Wanted>) -> About {
    About {
        cluster: "runaicluster".parse().unwrap(),
        by: "spiffe://podlift/runaicluster/operator/ada".into(),
        version: "v1.31.9".parse().unwrap(),
        revision: 4107,
        wanted,
    }
}

fn wanted(kind: Kind, node: Option<&str>) -> Wanted {
    Wanted { kind, node: node.map(|n| n.parse().unwrap()) }
}

/// 1 KiB of pages and the trailer.
fn snapshot_bytes() -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..1024u32).map(|n| (n % 251) as u8).collect();
    let trailer = Sha256::digest(&bytes);
    bytes.extend_from_slice(&trailer);
    bytes
}

fn etcd() -> Content<'static> {
    Content { kind: Kind::EtcdSnapshot, node: None, path: "etcd/snapshot.db", secret: true }
}

fn fill(writer: &Writer) {
    let node = || Some("runai-01".parse().unwrap());
    let add = |kind, node, path: &str, bytes: &[u8]| {
        writer.add(Content { kind, node, path, secret: false }, bytes).unwrap();
    };
    add(Kind::Nodes, None, "cluster/nodes.json", br#"{"items":[]}"#);
    add(
        Kind::Manifest,
        node(),
        "nodes/runai-01/etc/kubernetes/manifests/kube-apiserver.yaml",
        b"kind: Pod\n",
    );
    add(Kind::Pki, node(), "nodes/runai-01/etc/kubernetes/pki/ca.key", b"-----BEGIN");
    writer.add(etcd(), &snapshot_bytes()).unwrap();
}

fn all() -> Vec<Wanted> {
    vec![
        wanted(Kind::Nodes, None),
        wanted(Kind::Manifest, Some("runai-01")),
        wanted(Kind::Pki, Some("runai-01")),
        wanted(Kind::EtcdSnapshot, None),
    ]
}

fn made_with(recipients: Vec<Recipient>, id: &str) -> (TempDir, PathBuf, Digest) {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("sets");
    let writer = Writer::create(&root, id, recipients).unwrap();
    fill(&writer);
    let (_, seal) = writer.seal(about(all()), Timestamp::UNIX_EPOCH).unwrap();
    (temp, root, seal)
}

fn problems(dir: &Path, seal: &Digest) -> Vec<Problem> {
    verify(dir, Some(seal)).map_or_else(|p| vec![p], |(_, problems)| problems)
}

#[test]
fn a_set_that_nobody_touched_is_whole_and_its_secrets_can_be_read_back() {
    let who = identity();
    let (_temp, root, seal) = made_with(vec![recipient(&who)], "run-1");
    let (manifest, found) = verify(&root.join("run-1"), Some(&seal)).unwrap();
    assert_eq!(found, vec![]);
    assert_eq!((manifest.members.len(), manifest.left_out.len()), (4, 0));
    let key = manifest.members.iter().find(|m| m.kind == Kind::Pki).unwrap();
    let stored = std::fs::read(root.join("run-1").join(&key.path)).unwrap();
    assert!(key.stored == Stored::Age && !stored.windows(5).any(|w| w == b"BEGIN"));
    let plain = age::decrypt(&who, &stored).unwrap();
    assert_eq!(
        (plain.as_slice(), Digest::of(&plain)),
        (b"-----BEGIN".as_slice(), key.content_sha256.clone())
    );
    let snapshot = manifest.members.iter().find(|m| m.kind == Kind::EtcdSnapshot).unwrap();
    assert_eq!(snapshot.content_sha256, Digest::of(snapshot_bytes()));
}

#[test]
fn one_member_is_read_from_a_set_of_this_cluster_that_is_whole() {
    let who = identity();
    let (_temp, root, seal) = made_with(vec![recipient(&who)], "run-1");
    let (dir, here) = (root.join("run-1"), "runaicluster".parse().unwrap());
    let nodes = |seal: Option<&Digest>| content(&dir, seal, &here, Kind::Nodes);
    assert_eq!(nodes(Some(&seal)).unwrap().unwrap(), br#"{"items":[]}"#);
    assert_eq!(content(&dir, None, &here, Kind::Pki), Ok(None), "an encrypted member is not in clear");
    assert_eq!(content(&dir, None, &here, Kind::Ingresses), Ok(None));
    let other = content(&dir, None, &"other".parse().unwrap(), Kind::Nodes).unwrap_err();
    assert!(other.to_string().contains("of cluster runaicluster, expected other"), "{other}");
    let another = nodes(Some(&Digest::of("another"))).unwrap_err();
    assert!(matches!(another, Problem::Another { .. }), "{another}");
    let (manifest, _) = verify(&dir, None).unwrap();
    assert!(has_encrypted(&manifest, Kind::Pki) && !has_encrypted(&manifest, Kind::Nodes));
    let file = dir.join("cluster/nodes.json");
    std::fs::write(&file, br#"{"items":[1]}"#).unwrap();
    assert_eq!(nodes(None), Err(Problem::Changed("cluster/nodes.json".into())));
}

#[test]
fn without_a_recipient_secrets_are_left_out_and_that_is_said() {
    let (_temp, root, seal) = made_with(vec![], "run-1");
    let (manifest, found) = verify(&root.join("run-1"), Some(&seal)).unwrap();
    assert_eq!((found, manifest.members.len()), (vec![], 2));
    assert!(manifest.left_out.iter().all(|l| l.why.contains("backup.recipients")), "{:?}", manifest.left_out);
}

#[test]
fn what_lacks_a_member_or_has_an_empty_one_is_no_backup() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("sets");
    let writer = Writer::create(&root, "run-1", vec![]).unwrap();
    fill(&writer);
    let mut more = all();
    more.push(wanted(Kind::KubeletConfig, Some("runai-02")));
    let e = writer.seal(about(more), Timestamp::UNIX_EPOCH).unwrap_err();
    assert_eq!(e.to_string(), "the set is no backup without: kubelet-config of runai-02");
    assert!(!root.join("run-1").exists(), "and it has no name");
    assert!(list(&root).unwrap()[0].unfinished);

    let writer = Writer::create(&root, "run-1", vec![]).unwrap();
    let content = |path| Content { kind: Kind::Pods, node: None, path, secret: false };
    assert!(matches!(writer.add(content("cluster/pods.json"), b""), Err(WriteError::Empty(_))));
    for path in ["../x", "/etc/passwd", "a/../b", ""] {
        let refused = writer.add(content(path), b"x");
        assert!(matches!(refused, Err(WriteError::Path(_))), "{path:?}");
    }
    let writer = Writer::create(&root, "run-1", vec![recipient(&identity())]).unwrap();
    let half = &snapshot_bytes()[..600];
    assert!(matches!(writer.add(etcd(), half), Err(WriteError::Snapshot(..))));
}

#[test]
fn an_attempt_that_was_given_up_writes_nothing_into_the_next() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("sets");
    let first = Writer::create(&root, "run-1", vec![]).unwrap();
    let second = Writer::create(&root, "run-1", vec![]).unwrap();
    let late = Content { kind: Kind::Pods, node: None, path: "cluster/pods.json", secret: false };
    assert!(first.add(late, b"{}").is_err(), "its directory is gone");
    fill(&second);
    second.seal(about(all()), Timestamp::UNIX_EPOCH).unwrap();
    let (_, found) = verify(&root.join("run-1"), None).unwrap();
    assert_eq!(found, vec![]);
    assert!(first.seal(about(vec![]), Timestamp::UNIX_EPOCH).is_err());
    assert!(verify(&root.join("run-1"), None).unwrap().1.is_empty());
}

#[test]
fn certificates_are_no_secrets_and_keys_are() {
    assert!(!Kind::Pki.secret("nodes/a/etc/kubernetes/pki/ca.crt", false));
    for (path, said) in
        [("pki/ca.key", false), ("pki/kubelet-client-current.pem", false), ("pki/ca.crt", true)]
    {
        assert!(Kind::Pki.secret(path, said), "{path}");
    }
    assert!(Kind::Kubeconfig.secret("admin.conf", false) && !Kind::Manifest.secret("x.yaml", false));
}

#[test]
fn names_and_recipients_that_can_not_be_are_refused() {
    let temp = tempfile::tempdir().unwrap();
    for id in ["", ".x", "a/b", "..", "a b"] {
        assert!(matches!(Writer::create(temp.path(), id, vec![]), Err(WriteError::Name(_))), "{id:?}");
    }
    let (_temp, root, _) = made_with(vec![], "run-1");
    assert!(matches!(Writer::create(&root, "run-1", vec![]), Err(WriteError::Exists(_))));
    let secret = "AGE-SECRET-KEY-1QQQQQQ".parse::<Recipient>().unwrap_err().to_string();
    assert!(secret.contains("age1…") && !secret.contains("QQQ"), "{secret}");
}

#[test]
fn what_is_missing_added_open_or_another_is_told() {
    let (_temp, root, seal) = made_with(vec![recipient(&identity())], "run-1");
    let dir = root.join("run-1");
    std::fs::write(dir.join("cluster/more.json"), "{}").unwrap();
    let found = problems(&dir, &seal);
    assert!(found.contains(&Problem::Extra("cluster/more.json".into())), "{found:?}");
    assert!(
        matches!(&found[..], [Problem::Open { .. }, Problem::Extra(_)]),
        "written with the usual mode: {found:?}"
    );
    assert!(matches!(verify(&dir, Some(&Digest::of("x"))), Err(Problem::Another { .. })));
    std::fs::remove_file(dir.join("cluster/more.json")).unwrap();
    for file in ["etcd/snapshot.db.age", "SEAL", "manifest.json"] {
        let (_temp, root, seal) = made_with(vec![recipient(&identity())], "run-1");
        std::fs::remove_file(root.join("run-1").join(file)).unwrap();
        assert_eq!(problems(&root.join("run-1"), &seal).len(), 1, "{file}");
    }
}

#[test]
fn the_newest_stay_and_what_an_open_run_needs() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("sets");
    for n in 1..=5i64 {
        let writer = Writer::create(&root, &format!("run-{n}"), vec![]).unwrap();
        fill(&writer);
        writer.seal(about(all()), Timestamp::from_second(n * 1000).unwrap()).unwrap();
    }
    drop(Writer::create(&root, "run-6", vec![]).unwrap());
    std::fs::write(root.join("run-2/manifest.json"), "x").unwrap();
    assert_eq!(retain(&root, 2, &["run-3"]).unwrap(), ["run-1", "run-6"]);
    let left: Vec<String> = list(&root).unwrap().into_iter().map(|e| e.id).collect();
    assert_eq!(left, ["run-5", "run-4", "run-3", "run-2"], "one that can't be read is for a person");
    assert!(list(Path::new("/nowhere/at/all")).unwrap().is_empty());
}

#[test]
fn the_newest_that_is_whole_stays_when_all_newer_ones_are_damaged() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("sets");
    for n in 1..=4i64 {
        let writer = Writer::create(&root, &format!("run-{n}"), vec![]).unwrap();
        fill(&writer);
        writer.seal(about(all()), Timestamp::from_second(n * 1000).unwrap()).unwrap();
    }
    for n in 3..=4 {
        std::fs::write(root.join(format!("run-{n}/cluster/nodes.json")), "changed").unwrap();
    }
    assert_eq!(retain(&root, 1, &[]).unwrap(), ["run-3", "run-1"]);
    let left: Vec<String> = list(&root).unwrap().into_iter().map(|e| e.id).collect();
    assert_eq!(left, ["run-4", "run-2"]);
}

/// Every file of a set, as its path below the set.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all.sort();
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn each_flipped_bit_missing_file_and_shortened_file_is_seen(
        which in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), bit in 0u8..8, how in 0u8..3, sealed in any::<bool>(),
    ) {
        let (_temp, root, seal) = made_with(vec![recipient(&identity())], "run-1");
        let dir = root.join("run-1");
        let all = files(&dir);
        let file = which.get(&all);
        let mut bytes = std::fs::read(file).unwrap();
        let at = place.index(bytes.len());
        match how {
            0 => { bytes[at] ^= 1 << bit; std::fs::write(file, &bytes).unwrap() }
            1 => { bytes.truncate(at); std::fs::write(file, &bytes).unwrap() }
            _ => std::fs::remove_file(file).unwrap(),
        }
        // The damage is found even if no journal has the seal.
        let found = verify(&dir, sealed.then_some(&seal)).map_or_else(|p| vec![p], |(_, p)| p);
        prop_assert!(!found.is_empty(), "{} at {at}, bit {bit}, way {how}", file.display());
    }
}

fn sealed_content() -> Content<'static> {
    Content { kind: Kind::Kubeconfig, node: None, path: "nodes/a/admin.conf", secret: true }
}

#[test]
fn what_comes_encrypted_is_stored_as_it_came_also_without_a_recipient() {
    let dir = tempfile::tempdir().unwrap();
    let writer = Writer::create(dir.path(), "b1", vec![]).unwrap();
    let text = b"age-encryption.org/v1\n-> X25519 abc\n--- mac\nbytes";
    let mut begun = writer.begin_sealed(sealed_content()).unwrap();
    // The size of the parts does not matter.
    for byte in text {
        begun.take(&[*byte]).unwrap();
    }
    let told = Digest::of("the content");
    assert_eq!(writer.end_as(begun, Some(told.clone())).unwrap(), told);
    let wanted = vec![Wanted { kind: Kind::Kubeconfig, node: None }];
    let (manifest, _) = writer.seal(about(wanted), jiff::Timestamp::UNIX_EPOCH).unwrap();
    let member = &manifest.members[0];
    assert_eq!((member.path.as_str(), member.stored), ("nodes/a/admin.conf.age", Stored::Age));
    assert_eq!((&member.sha256, &member.content_sha256), (&Digest::of(text), &told));
    let stored = podlift_common::durable::read(&dir.path().join("b1/nodes/a/admin.conf.age")).unwrap();
    assert_eq!(stored, text);
    assert_eq!(verify(&dir.path().join("b1"), None).unwrap().1, []);
}

#[test]
fn a_secret_that_comes_in_clear_is_refused_before_it_is_on_the_disk() {
    for text in ["apiVersion: v1", "age-encryption.org/v2\nmuch more", "age-encryption", "a"] {
        let dir = tempfile::tempdir().unwrap();
        let writer = Writer::create(dir.path(), "b1", vec![]).unwrap();
        let mut begun = writer.begin_sealed(sealed_content()).unwrap();
        let ended = begun.take(text.as_bytes()).and_then(|()| writer.end(begun).map(drop));
        assert!(matches!(&ended, Err(WriteError::InClear(path)) if path.ends_with(".age")), "{ended:?}");
        let attempt = std::fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
        let kept = podlift_common::durable::read(&attempt.join("nodes/a/admin.conf.age")).unwrap();
        assert!(kept.is_empty(), "{kept:?}");
    }
}
