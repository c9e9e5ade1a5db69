//! Backups from the command line: made, listed, and every kind of damage reported.
#![allow(clippy::disallowed_methods)] // files are broken by hand

use super::{Exit, podlift, site};
use std::path::Path;

/// The name of a damage to a set, and the function that does it.
type Damage<'a> = (&'a str, &'a dyn Fn());

fn copy(from: &Path, to: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(to).unwrap();
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o700)).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

#[tokio::test]
async fn a_backup_is_made_listed_verified_and_each_damage_named() {
    let site = site().await;
    assert_eq!(site.eve("backup list").await, Exit::Done, "none yet");
    assert_eq!(site.eve("backup verify").await, Exit::Failed);
    assert_eq!(site.eve("backup --name b1").await, Exit::Done);
    assert_eq!(site.eve("backup -o json").await, Exit::Done, "with a name made of the time");
    for line in [
        "backup list",
        "backup list -o json",
        "backup verify b1",
        "backup verify b1 -o yaml",
        "backup verify",
    ] {
        assert_eq!(site.eve(line).await, Exit::Done, "{line}");
    }
    let again = site.result("backup --name b1").await.unwrap_err();
    assert_eq!((again.what.as_str(), again.next.as_str()), ("the name b1 is in use", "podlift backup list"));
    let none = site.result("backup verify b9").await.unwrap_err();
    assert_eq!((none.what.as_str(), none.next.as_str()), ("there is no backup b9", "podlift backup list"));

    let (set, kept) = (site.fleet.backups().join("b1"), site.dir.path().join("kept"));
    copy(&set, &kept);
    let snapshot = set.join("etcd/snapshot.db.age");
    let damages: [Damage; 4] = [
        ("a flipped byte", &|| {
            let mut bytes = std::fs::read(&snapshot).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(&snapshot, bytes).unwrap();
        }),
        ("a truncated snapshot", &|| {
            let bytes = std::fs::read(&snapshot).unwrap();
            std::fs::write(&snapshot, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("a missing file", &|| std::fs::remove_file(set.join("cluster/pods.json")).unwrap()),
        ("a changed manifest", &|| std::fs::write(set.join("manifest.json"), b"{}").unwrap()),
    ];
    for (what, damage) in damages {
        damage();
        let error = site.result("backup verify b1").await.unwrap_err();
        assert_eq!((error.exit, error.what.as_str()), (Exit::Failed, "backup b1 is not whole"), "{what}");
        std::fs::remove_dir_all(&set).unwrap();
        copy(&kept, &set);
        assert_eq!(site.eve("backup verify b1").await, Exit::Done, "it is whole again after {what}");
    }
}

#[tokio::test]
async fn viewers_verify_and_do_not_make() {
    let site = site().await;
    assert_eq!(site.eve("backup --name b1").await, Exit::Done);
    let bob = |line: &'static str| {
        let dir = site.dir.path().to_path_buf();
        async move { podlift(&format!("podlift --config DIR/bob.toml {line}"), &dir).await }
    };
    assert_eq!(bob("backup list").await, Exit::Done);
    assert_eq!(bob("backup verify b1").await, Exit::Done);
    assert_eq!(bob("backup --name b2").await, Exit::Failed);
    assert!(!site.fleet.backups().join("b2").exists());
}
