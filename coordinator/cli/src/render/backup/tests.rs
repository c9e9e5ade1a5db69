//! The text about backups, as goldens.

use super::*;
use crate::render::tests::on_screens;
use podlift_engine::view::backups::{CHECK_SCHEMA, SCHEMA};
use podlift_model::{ClusterName, Digest};

fn made(name: &str, at: &str) -> BackupRow {
    BackupRow {
        name: name.into(),
        state: "sealed".into(),
        made_at: Some(at.parse().unwrap()),
        by: "eve".into(),
        version: "v1.31.9".parse().ok(),
        revision: Some(4107),
        members: 412,
        bytes: 1_312_424_960,
        encrypted: true,
        sha256: Some(Digest::of("set")),
        left_out: vec![],
        why: None,
    }
}

fn bare() -> BackupRow {
    let why = "secret, and the configuration names no backup.recipients to encrypt it to";
    BackupRow {
        revision: None,
        encrypted: false,
        bytes: 40_960,
        left_out: vec![
            format!("etcd-snapshot left out: {why}"),
            format!("pki of 3 nodes (runai-01 to runai-03) left out: {why}"),
        ],
        ..made("20261101-220000-4f00", "2026-11-01T22:01:00Z")
    }
}

fn cluster() -> ClusterName {
    ClusterName::new("runaicluster").unwrap()
}

#[test]
fn backups_that_are_there() {
    let unusable = |name: &str, state: &str, why: &str| BackupRow {
        name: name.into(),
        state: state.into(),
        why: Some(why.into()),
        ..BackupRow::default()
    };
    let seen = Backups {
        schema: SCHEMA.into(),
        cluster: cluster(),
        at: jiff::Timestamp::UNIX_EPOCH,
        directory: "/var/lib/podlift/backups".into(),
        backups: vec![
            made("before-the-firmware", "2026-11-22T02:14:07Z"),
            bare(),
            unusable(
                "20261030-220000-11ab",
                "unreadable",
                "SEAL does not fit manifest.json: one of them was changed",
            ),
            unusable(
                "20261122-031500-9c1d",
                "unfinished",
                "it is being made, or an attempt did not end; the next one removes it",
            ),
        ],
    };
    insta::assert_snapshot!(on_screens(|s| list(&seen, s)));
    let none = Backups { backups: vec![], ..seen };
    assert!(list(&none, Screen { width: None, height: None, colour: false }).contains("podlift backup"));
}

#[test]
fn a_backup_that_was_read() {
    let seen = |backup: BackupRow, problems: &[&str]| BackupCheck {
        schema: CHECK_SCHEMA.into(),
        cluster: cluster(),
        at: jiff::Timestamp::UNIX_EPOCH,
        directory: "/var/lib/podlift/backups".into(),
        backup,
        whole: problems.is_empty(),
        journaled: problems.is_empty(),
        problems: problems.iter().map(ToString::to_string).collect(),
    };
    let damaged =
        BackupRow { state: "damaged".into(), ..made("before-the-firmware", "2026-11-22T02:14:07Z") };
    let all = [
        seen(made("before-the-firmware", "2026-11-22T02:14:07Z"), &[]),
        seen(bare(), &[]),
        seen(
            damaged,
            &["etcd/snapshot.db.age was changed: its SHA-256 is another", "cluster/pods.json is missing"],
        ),
    ];
    insta::assert_snapshot!(on_screens(|s| all.iter().map(|c| check(c, s)).collect::<Vec<_>>().join("\n")));
}

#[test]
fn sizes() {
    let texts = [0, 1023, 1024, 1_312_424_960].map(bytes);
    assert_eq!(texts, ["0 B", "1023 B", "1.0 KiB", "1.2 GiB"]);
}
