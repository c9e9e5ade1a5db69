//! The seal covers the set on the coordinator, and a set that lacks a part is not sealed.

use super::{Assess, Cx, SealBackup, Step as _};
use crate::doors::{Act, BackupView, Probe, Reply, VaultAct};
use crate::goals::upgrade::build;
use crate::machine::{Event, RunState, apply};
use crate::program::Evidence;
use crate::testing::{input, name};
use jiff::Timestamp;
use podlift_model::facts::{BackupState, SnapshotState};
use podlift_model::op::Component;
use podlift_model::{Digest, OpOutput, RunId};

fn run(nodes: &[&str]) -> RunState {
    let mut i = input();
    i.nodes = nodes.iter().map(|n| name(n)).collect();
    let event = Event::RunStarted { plan: Box::new(build(&i).unwrap()), by: "me".into() };
    apply(None, &RunId::new("r1").unwrap(), Timestamp::UNIX_EPOCH, &event).unwrap()
}

fn with<T>(state: &RunState, then: impl FnOnce(&Cx) -> T) -> T {
    let step = state.plan.steps().find(|s| s.kind.step().seals()).unwrap();
    then(&Cx { state, step, ahead: 0, acted: false })
}

fn set() -> BackupView {
    let (set, sha256) = ("r1".to_string(), Digest::of("set"));
    BackupView { set, sha256, members: 40, bytes: 9, encrypted: false, warnings: vec!["no recipient".into()] }
}

fn reply(set: Option<BackupView>, snapshot: bool, manifests: usize) -> Reply {
    let store = |first: bool| {
        let snapshot = (snapshot && first).then(|| SnapshotState {
            sha256: Digest::of("s"),
            bytes: 1,
            revision: 4107,
            verified: true,
        });
        let files = Component::ALL.iter().take(manifests).map(|c| (c.file(), Digest::of(c.name())));
        Reply::Node(Box::new(OpOutput::Backup(BackupState {
            overrides: std::collections::BTreeMap::new(),
            run: RunId::new("r1").unwrap(),
            files: files.collect(),
            snapshot,
        })))
    };
    let set = Reply::Vault(set);
    Reply::All(std::iter::once(set).chain([store(true), store(false), store(false)]).collect())
}

#[test]
fn the_set_is_collected_once_and_sealed_by_its_own_hash() {
    let state = run(&[]);
    let none = reply(None, true, 3);
    assert_eq!(with(&state, |cx| SealBackup {}.assess(cx, &none)), Assess::Ready);
    let Some(Act::Vault(VaultAct::Collect { run, nodes })) = with(&state, |cx| SealBackup {}.act(cx, &none))
    else {
        panic!()
    };
    assert_eq!((run.as_str(), nodes.len()), ("r1", 7));
    let Assess::Done(Evidence::BackupSealed { hash, revision, what, backup }) =
        with(&state, |cx| SealBackup {}.assess(cx, &reply(Some(set()), true, 3)))
    else {
        panic!()
    };
    assert_eq!((hash, revision, backup.as_deref()), (Digest::of("set"), 4107, Some(&set())));
    assert!(what.contains("secrets left out") && what.ends_with("; no recipient"), "{what}");
}

#[test]
fn what_lacks_a_part_is_no_backup_even_where_a_set_is_sealed() {
    let state = run(&[]);
    for (reply, want) in [
        (reply(Some(set()), false, 3), "no verified etcd snapshot"),
        (reply(Some(set()), true, 2), "backup 1 of 3 lacks a manifest"),
    ] {
        let Assess::Blocked(reason) = with(&state, |cx| SealBackup {}.assess(cx, &reply)) else { panic!() };
        assert_eq!((reason.code.as_str(), reason.message.as_str()), ("backup-incomplete", want));
    }
}

#[test]
fn a_run_of_workers_alone_has_the_control_plane_in_its_backup() {
    let state = run(&["dgx031"]);
    let Probe::All(looks) = with(&state, |cx| SealBackup {}.probe(cx)) else { panic!() };
    assert_eq!(looks.len(), 4);
    let Some(Act::Vault(VaultAct::Collect { nodes, .. })) =
        with(&state, |cx| SealBackup {}.act(cx, &reply(None, true, 3)))
    else {
        panic!()
    };
    assert_eq!(nodes, ["dgx031", "runai-01", "runai-02", "runai-03"].map(name));
}

#[test]
fn a_store_of_single_resources_is_part_of_the_backup() {
    let mut i = input();
    let facts = i.inventory.nodes.iter_mut().filter_map(|n| n.facts.as_mut());
    for m in facts.flat_map(|f| &mut f.manifests).filter(|m| m.component == Component::KubeApiserver) {
        m.flags.0.insert("etcd-servers-overrides".into(), vec!["/events#https://10.77.0.15:2379".into()]);
    }
    let event = Event::RunStarted { plan: Box::new(build(&i).unwrap()), by: "me".into() };
    let state = apply(None, &RunId::new("r1").unwrap(), Timestamp::UNIX_EPOCH, &event).unwrap();
    let Assess::Blocked(reason) = with(&state, |cx| SealBackup {}.assess(cx, &reply(Some(set()), true, 3)))
    else {
        panic!()
    };
    assert_eq!(reason.message, "no verified etcd snapshot of the store of /events");
    let Reply::All(mut parts) = reply(Some(set()), true, 3) else { panic!() };
    let Some(Reply::Node(output)) = parts.get_mut(1) else { panic!() };
    let OpOutput::Backup(store) = output.as_mut() else { panic!() };
    store.overrides.insert("/events".into(), store.snapshot.clone().unwrap());
    let whole = Reply::All(parts);
    assert!(matches!(with(&state, |cx| SealBackup {}.assess(cx, &whole)), Assess::Done(_)));
}
