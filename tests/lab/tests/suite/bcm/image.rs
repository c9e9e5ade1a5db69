//! A clone of an image, sessions in it, CMDaemon's tasks, its removal.

use super::{NEW, cmsh, head, install, prepared, well, world};
use podlift_lab::{HEAD_NODE, What};
use std::time::Duration;

const QUERY: &str = "-f=${Package} ${Version} ${Status}\\n";

#[tokio::test(start_paused = true)]
async fn packages_are_installed_in_the_clone_and_nowhere_else() {
    let world = world();
    prepared(&world).await;
    let of = |image: &str| format!("--admindir=/cm/images/{image}/var/lib/dpkg");
    for (image, want) in [(NEW, "1.32.9-1.1"), ("dgx-image", "1.31.9-1.1"), ("k8s-image", "1.31.9-1.1")] {
        let said = well(head(&world, &["dpkg-query", &of(image), "-W", QUERY, "kubelet"]).await);
        assert_eq!(said, format!("kubelet {want} hold ok installed\n"), "{image}");
        let status = world.disk(&format!("/cm/images/{image}")).text("/var/lib/dpkg/status");
        let entry =
            format!("Package: kubelet\nStatus: hold ok installed\nArchitecture: amd64\nVersion: {want}\n");
        assert!(status.contains(&entry) && status.contains("Package: dpkg\n"), "{image}: {status}");
    }
    assert!(world.lock().nodes.values().all(|n| n.packages["kubelet"].version == "1.31.9-1.1"));
    let arch = ["dpkg-query", &of(NEW), "-W", "-f=${Package} ${Architecture}\\n", "kubectl", "dpkg"];
    assert_eq!(well(head(&world, &arch).await), "kubectl amd64\ndpkg amd64\n");
    let nowhere =
        head(&world, &["dpkg-query", "--admindir=/cm/images/none/var/lib/dpkg", "-W", "kubelet"]).await;
    assert_eq!(nowhere.code, 2);
}

#[tokio::test(start_paused = true)]
async fn two_ramdisks_follow_each_change_one_after_the_other() {
    let world = world();
    well(cmsh(&world, &format!("softwareimage; clone dgx-image {NEW}; commit -w")).await);
    let open = || world.lock().bcm.tasks.iter().filter(|t| t.state == "running").count();
    let mounts =
        || world.disk(HEAD_NODE).text("/proc/1/mountinfo").contains(&format!("/cm/images/{NEW}/proc "));
    assert_eq!((open(), mounts()), (0, false), "right after the clone nothing is open yet");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!((open(), mounts()), (1, true));
    let list = well(cmsh(&world, "task; list").await);
    let row = list.lines().nth(2).unwrap();
    assert!(
        row.as_bytes()[8] == b'-'
            && row.contains(&format!("Create ramdisk {NEW}"))
            && row.ends_with("running   "),
        "{list}"
    );
    world.until(|s| s.bcm.tasks.iter().any(|t| t.state == "done")).await;
    assert_eq!((open(), mounts()), (0, false), "between the two nothing is open");
    world.bcm(|b| b.failing_tasks = 1);
    world.until(|s| s.bcm.tasks.iter().any(|t| t.state == "failed")).await;
}

#[tokio::test(start_paused = true)]
async fn sessions_come_in_three_forms_and_may_leave_mounts_behind() {
    let world = world();
    let path = "/cm/images/dgx-image";
    let version = "kubelet\t1.31.9-1.1\n";
    let said = well(head(&world, &["cm-chroot-sw-img", path, "dpkg-query", "-W", "kubelet"]).await);
    assert!(said.contains(version) && said.starts_with("mounted /dev"), "{said}");
    let said = well(
        head(&world, &["cm-chroot-sw-img", path, "apt-mark hold kubelet && dpkg-query -W kubelet"]).await,
    );
    assert!(said.contains(version) && said.contains("kubelet was already set on hold."), "{said}");
    let failed = head(&world, &["cm-chroot-sw-img", path, "apt-mark hold none && true"]).await;
    assert_eq!(failed.code, 100, "the code is the inner command's");
    assert_eq!(head(&world, &["cm-chroot-sw-img", path, "reboot"]).await.code, 127);
    assert_eq!(head(&world, &["cm-chroot-sw-img", "/cm/images/none", "true"]).await.code, 1);
    assert!(!world.mounted_below(path));
    world.bcm(|b| b.mounts_left = true);
    well(head(&world, &["cm-chroot-sw-img", path, "true"]).await);
    assert!(world.disk(HEAD_NODE).text("/proc/1/mountinfo").contains(" /cm/images/dgx-image/dev/pts "));
    world.bcm(|b| b.mounts_left = false);
    assert!(well(head(&world, &["cm-chroot-sw-img", path, "true"]).await).starts_with("already mounted"));
    for mount in ["run/systemd/resolve/resolv.conf", "run", "sys", "proc", "dev/pts", "dev"] {
        well(head(&world, &["umount", &format!("{path}/{mount}")]).await);
    }
    assert_eq!(head(&world, &["umount", &format!("{path}/dev")]).await.code, 32);
    assert!(!world.mounted_below(path));
}

#[tokio::test(start_paused = true)]
async fn a_clone_needs_room_and_a_name_of_its_own_and_its_files_outlive_its_entry() {
    let world = world();
    let clone = format!("softwareimage; clone dgx-image {NEW}; commit -w");
    world.update(|s| s.node_mut(HEAD_NODE).free_bytes = Some(1 << 30));
    let full = cmsh(&world, &clone).await;
    assert!(full.code == 1 && full.stderr.contains("No space left on device"), "{full:?}");
    world.update(|s| s.node_mut(HEAD_NODE).free_bytes = Some(13 << 30));
    assert!(cmsh(&world, &clone).await.stderr.contains("already exists"));
    well(cmsh(&world, &format!("softwareimage; remove {NEW}; commit")).await);
    well(cmsh(&world, &clone).await);
    let size = well(head(&world, &["du", "-s", "-x", "--block-size=1", &format!("/cm/images/{NEW}")]).await);
    assert!(size.starts_with("12884901888\t"), "{size}");
    let used = cmsh(&world, "softwareimage; remove dgx-image; commit").await;
    assert!(used.code == 1 && used.stderr.contains("is used by dgx030"), "{used:?}");
    super::quiet(&world).await;
    well(cmsh(&world, &format!("softwareimage; remove {NEW}; commit")).await);
    let folder = format!("/cm/images/{NEW}");
    assert!(world.disk(&folder).exists("/etc/apt/sources.list.d/kubernetes.list"), "the files stay");
    well(head(&world, &["rm", "-rf", "--one-file-system", "--", &folder]).await);
    assert!(!world.disk(&folder).exists("/etc/apt/sources.list.d/kubernetes.list"));
    assert_eq!(head(&world, &["rm", "-rf", "--", "/cm/shared"]).await.code, 1);
}

#[tokio::test(start_paused = true)]
async fn a_unit_of_the_head_works_in_the_image_and_its_output_comes_back() {
    let world = world();
    let unit = "systemd-run --quiet --wait --pipe --collect --service-type=exec --setenv=PATH=/usr/bin -- cm-chroot-sw-img /cm/images/dgx-image dpkg-query -W kubelet";
    let words: Vec<&str> = unit.split(' ').collect();
    assert!(well(head(&world, &words).await).contains("kubelet\t1.31.9-1.1\n"));
    assert!(world.lock().node(HEAD_NODE).units.is_empty());
    well(cmsh(&world, &format!("softwareimage; clone dgx-image {NEW}; commit -w")).await);
    super::quiet(&world).await;
    let installed =
        |what: &What| matches!(what, What::PackageInstall { package, .. } if package == "kubelet");
    install(&world).await;
    let places: Vec<String> =
        world.effects().iter().filter(|e| installed(&e.what)).map(|e| e.node.clone()).collect();
    assert_eq!(places, [format!("/cm/images/{NEW}")]);
}

#[tokio::test(start_paused = true)]
async fn what_an_installation_would_do_to_others_is_said_first() {
    let world = world();
    well(cmsh(&world, &format!("softwareimage; clone dgx-image {NEW}; commit -w")).await);
    super::quiet(&world).await;
    let path = format!("/cm/images/{NEW}");
    world.update(|s| s.node_mut(&path).drags = vec!["Remv containerd.io [1.7.27]".into()]);
    let text = "deb https://pkgs.k8s.io/core:/stable:/v1.32/deb/ /\n";
    world.disk(&path).put_text("/etc/apt/sources.list.d/kubernetes.list", text, 0o644).unwrap();
    well(head(&world, &["cm-chroot-sw-img", &path, "apt-get", "update"]).await);
    let install =
        ["apt-get", "--allow-change-held-packages", "--no-remove", "-y", "install", "kubelet=1.32.9-1.1"];
    let call = |extra: Option<&'static str>| {
        ["cm-chroot-sw-img", &path].into_iter().chain(install).chain(extra).collect::<Vec<_>>()
    };
    let simulated = head(&world, &call(Some("-s"))).await;
    let refused = head(&world, &call(None)).await;
    assert_eq!((simulated.code, refused.code), (100, 100), "{simulated:?}");
    assert!(refused.stderr.contains("remove is disabled"), "{refused:?}");
    world.update(|s| {
        s.node_mut(&path).drags =
            vec!["Inst nvidia-container-toolkit [1.17.4-1] (1.18.0-1 cuda [amd64])".into()]
    });
    let simulated = well(head(&world, &call(Some("-s"))).await);
    assert!(
        simulated.contains("\nInst nvidia-container-toolkit [1.17.4-1]")
            && simulated.contains("\nInst kubelet [1.31.9-1.1] (1.32.9-1.1 ")
    );
}
