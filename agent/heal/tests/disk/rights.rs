//! What may not be read, written or followed.

use super::*;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::process::Command;

#[test]
fn a_link_is_never_followed_and_a_pipe_holds_nobody_up() {
    let node = Node::new();
    let heal = node.heal();
    let (path, target) = (node.at(paths::manifest(API)), node.at("/etc/kubernetes/elsewhere.yaml"));
    std::fs::write(&target, EMPTY_API).unwrap();
    std::fs::remove_file(&path).unwrap();
    symlink(&target, &path).unwrap();
    heal.kubeadm_started();
    heal.kubeadm_ended();
    look(&heal);
    assert!(heal.findings()[0].what.contains("symbolic link"), "{:?}", heal.findings());
    assert_eq!(std::fs::read_to_string(&target).unwrap(), EMPTY_API);
    assert!(std::fs::symlink_metadata(&path).unwrap().is_symlink());
    std::fs::remove_file(&path).unwrap();
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    look(&heal);
    assert!(heal.findings()[0].what.contains("no regular file"), "{:?}", heal.findings());
    assert_eq!(heal.pending(), vec![]);
}

#[test]
fn an_immutable_file_is_said_with_what_to_look_at() {
    let node = Node::new();
    let heal = node.heal();
    node.break_it();
    let attribute = |flag: &str| {
        let done = Command::new("chattr").arg(flag).arg(node.at(paths::manifest(API))).status();
        assert!(
            done.is_ok_and(|s| s.success()),
            "this test needs chattr (package e2fsprogs) and a kernel with tmpfs attributes (6.0)"
        );
    };
    attribute("+i");
    (0..2).for_each(|_| look(&heal));
    let said = why(&heal);
    attribute("-i");
    assert!(said.contains("lsattr"), "{said}");
    assert_eq!((node.manifest().as_str(), node.litter()), (EMPTY_API, vec![]));
    look(&heal);
    assert!(node.is_healed());
}

#[test]
fn an_agent_that_lost_its_rights_says_so_and_goes_on_when_it_has_them_again() {
    let node = Node::new();
    let heal = node.heal();
    node.break_it();
    std::fs::set_permissions(node.root.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(node.at(paths::MANIFESTS), std::fs::Permissions::from_mode(0o755)).unwrap();
    // Of this thread only: what it may do with files is what nobody may.
    nix::unistd::setfsuid(65534.into());
    (0..2).for_each(|_| look(&heal));
    let (found, said) = (heal.findings(), why(&heal));
    nix::unistd::setfsuid(0.into());
    assert!(found[0].what.contains("can't be opened") && said.contains("must run as root"), "{found:?}");
    assert_eq!(node.manifest(), EMPTY_API);
    std::fs::set_permissions(node.at(paths::manifest(API)), std::fs::Permissions::from_mode(0o600)).unwrap();
    look(&heal);
    assert!(node.is_healed());
}

#[test]
fn mode_and_owner_are_mended_on_the_file_that_is_there() {
    let node = Node::new();
    let heal = node.heal();
    let path = node.at(paths::manifest(API));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    chown(&path, Some(1000), Some(1000)).unwrap();
    let inode = std::fs::metadata(&path).unwrap().ino();
    look(&heal);
    assert_eq!(std::fs::metadata(&path).unwrap().uid(), 1000, "only reported in steady watch");
    assert!(heal.findings().iter().any(|f| f.what.contains("belongs to uid 1000 and can be written")));
    heal.arm(&"r1".parse().unwrap(), 60, &[]).unwrap();
    let now = std::fs::metadata(&path).unwrap();
    assert_eq!((now.mode() & 0o7777, now.uid(), now.gid(), now.ino()), (0o644, 0, 0, inode));
    assert_eq!(node.manifest(), LIVE_API);
}

#[test]
fn a_stray_copy_is_moved_to_another_filesystem_whole() {
    let node = Node::new();
    let heal = node.heal();
    let stray = Path::new(paths::MANIFESTS).join("kube-apiserver.yaml.bak");
    node.write(&stray, EMPTY_API);
    look(&heal);
    assert!(node.at(&stray).exists());
    assert!(heal.findings().iter().any(|f| f.rule == "stray" && f.report_only.is_some()));
    heal.arm(&"r1".parse().unwrap(), 60, &[]).unwrap();
    assert_eq!(node.litter(), Vec::<String>::new());
    let kept = std::fs::read_dir(node.at(paths::heal("strays"))).unwrap().next().unwrap().unwrap().path();
    assert_eq!(std::fs::read_to_string(kept).unwrap(), EMPTY_API);
}

#[test]
fn ten_mebibytes_of_garbage_are_replaced_and_less_text_is_left_to_a_person() {
    let node = Node::new();
    node.remount("/etc/kubernetes", MsFlags::empty());
    mount(none(), &node.at("/etc/kubernetes"), none(), MsFlags::MS_REMOUNT, Some("size=64m")).unwrap();
    let mut node = node;
    node.settings.tick = Duration::ZERO;
    let heal = node.heal();
    std::fs::write(node.at(paths::manifest(API)), vec![b'#'; 3 << 20]).unwrap();
    (0..2).for_each(|_| look(&heal));
    assert!(heal.findings()[0].what.contains("3072 KiB"), "{:?}", heal.findings());
    std::fs::write(node.at(paths::manifest(API)), vec![b'#'; 10 << 20]).unwrap();
    (0..2).for_each(|_| look(&heal));
    assert_eq!(node.manifest(), LIVE_API);
    assert_eq!(heal.pending()[0].rules, ["unreadable"]);
}
