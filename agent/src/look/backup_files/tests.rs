//! Which files a node in memory serves, and which it never serves.

use super::*;
use crate::look::look;
use crate::testing::{Bench, exited};
use podlift_model::{Look, OpOutput};
use std::sync::Arc;

fn bench() -> Bench {
    let bench = Bench::new(|_| exited(1, "")).control_plane();
    let files = [
        "/etc/kubernetes/admin.conf",
        "/etc/kubernetes/pki/runaicluster/ca.crt",
        "/etc/kubernetes/pki/runaicluster/ca.key",
        "/etc/kubernetes/pki/runaicluster/etcd/ca.crt",
        "/etc/kubernetes/pki/other/ca.key",
        "/etc/kubernetes/manifests/.kubelet-keep",
        "/etc/kubernetes/notes.txt",
        "/etc/shadow",
        "/var/lib/kubelet/config.yaml",
        "/var/lib/kubelet/pki/kubelet-client-2026-01-01-00-00-00.pem",
        "/var/lib/podlift/backup/r1/etcd.db",
        "/var/lib/podlift/backup/r1/etcd.db.part",
        "/var/lib/podlift/backup/r1/.podlift",
        "/etc/systemd/system/etcd.service",
    ];
    files.iter().for_each(|path| bench.files.put(path, path.as_bytes()));
    bench
}

async fn part_of(node: &Arc<Node>, path: &str, offset: u64) -> Result<FilePart, Failure> {
    match look(node, &Look::BackupPart { recipients: vec![], path: path.into(), offset }).await? {
        OpOutput::BackupPart(part) => Ok(part),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_list_is_closed_and_says_what_is_secret() {
    let bench = bench();
    let Ok(OpOutput::BackupFiles(files)) = look(&bench.node(), &Look::BackupFiles).await else { panic!() };
    let shown: Vec<String> =
        files.iter().map(|f| format!("{}{}", f.path, if f.secret { " secret" } else { "" })).collect();
    assert_eq!(
        shown,
        [
            "/etc/kubernetes/admin.conf secret",
            "/etc/kubernetes/manifests/kube-apiserver.yaml",
            "/etc/kubernetes/manifests/kube-controller-manager.yaml",
            "/etc/kubernetes/manifests/kube-scheduler.yaml",
            "/etc/kubernetes/pki/runaicluster/ca.crt",
            "/etc/kubernetes/pki/runaicluster/ca.key secret",
            "/etc/kubernetes/pki/runaicluster/etcd/ca.crt",
            "/etc/systemd/system/etcd.service",
            "/var/lib/kubelet/config.yaml",
            "/var/lib/kubelet/pki/kubelet-client-2026-01-01-00-00-00.pem secret",
            "/var/lib/podlift/backup/r1/etcd.db secret",
        ]
    );
    assert_eq!(files[0].bytes, "/etc/kubernetes/admin.conf".len() as u64);
}

#[tokio::test(start_paused = true)]
async fn nothing_else_is_served() {
    let bench = bench();
    let node = bench.node();
    for path in [
        "/etc/shadow",
        "/etc/kubernetes/notes.txt",
        "/etc/kubernetes/pki/other/ca.key",
        "/etc/kubernetes/manifests/.kubelet-keep",
        "/etc/kubernetes/manifests/../../shadow",
        "/var/lib/podlift/ledger",
        "/var/lib/podlift/backup/r1/etcd.db.part",
        "/etc/kubernetes",
    ] {
        assert_eq!(part_of(&node, path, 0).await.unwrap_err().code, "not-in-backup", "{path}");
    }
    let link = "/etc/kubernetes/pki/runaicluster/link.crt";
    bench.files.put(link, b"x");
    bench.files.restat(link, |s| s.kind = FileKind::Symlink);
    assert_eq!(part_of(&node, link, 0).await.unwrap_err().code, "not-in-backup");
    let gone = part_of(&node, "/etc/kubernetes/gone.conf", 0).await.unwrap_err();
    assert_eq!(gone.code, "file-failed");
}

/// On a disk: a folder that is a link leads nowhere.
#[tokio::test]
#[allow(clippy::disallowed_methods)] // makes the links
async fn links_are_neither_listed_nor_followed() {
    let root = tempfile::tempdir().unwrap();
    let pki = root.path().join("etc/kubernetes/pki/runaicluster");
    std::fs::create_dir_all(&pki).unwrap();
    for (path, text) in [
        ("etc/machine-id", "machine-1"),
        ("etc/shadow", "secret"),
        ("etc/kubernetes/pki/runaicluster/ca.crt", "ca"),
    ] {
        std::fs::write(root.path().join(path), text).unwrap();
    }
    std::os::unix::fs::symlink(root.path().join("etc"), pki.join("out")).unwrap();
    std::os::unix::fs::symlink(root.path().join("etc/shadow"), pki.join("link.crt")).unwrap();
    let host = podlift_host::real::host(root.path(), &[]).unwrap();
    let node = Bench { host, ..Bench::new(|_| exited(1, "")) }.node();
    let paths: Vec<String> = list(&node).unwrap().into_iter().map(|f| f.path).collect();
    assert_eq!(paths, ["/etc/kubernetes/pki/runaicluster/ca.crt"]);
    for name in ["out/shadow", "link.crt", "out"] {
        let refused = part(&node, &format!("/etc/kubernetes/pki/runaicluster/{name}"), 0, &[]).await;
        assert!(refused.is_err(), "{name}: {refused:?}");
    }
    assert!(part(&node, &paths[0], 0, &[]).await.unwrap().last);
}

#[tokio::test(start_paused = true)]
async fn parts_make_the_file() {
    let bench = bench();
    let path = "/var/lib/podlift/backup/r1/kube-apiserver.yaml";
    let bytes: Vec<u8> = (0..2 * PART as u32 + 7).map(|i| (i % 251) as u8).collect();
    bench.files.put(path, &bytes);
    let node = bench.node();
    let (mut whole, mut parts) = (Vec::new(), 0);
    loop {
        let part = part_of(&node, path, whole.len() as u64).await.unwrap();
        assert!(part.base64.len() <= 1 << 20);
        whole.extend(STANDARD.decode(&part.base64).unwrap());
        parts += 1;
        if part.last {
            break;
        }
    }
    assert!(whole == bytes && parts == 3, "{parts} parts, {} bytes", whole.len());
    let beyond = part_of(&node, path, 1 << 40).await.unwrap();
    assert_eq!((beyond.base64.as_str(), beyond.last), ("", true));
}
