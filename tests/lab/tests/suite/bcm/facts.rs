//! What makes work with BCM hard, as the facts have it: each of these once cost somebody an image or a night.

use super::{NEW, cmsh, head, install, prepared, quiet, well, world};
use podlift_lab::world::bcm::build::PASSIVE;
use podlift_lab::{HEAD_NODE, World};
use std::time::Duration;

fn kubelet(world: &World, node: &str) -> String {
    world.lock().node(node).packages["kubelet"].version.clone()
}

/// bcm.md 2.1: package managers refuse or fail to start in an image being provisioned.
#[tokio::test(start_paused = true)]
async fn apt_does_not_work_in_an_image_that_is_being_sent() {
    let world = world();
    well(cmsh(&world, &format!("softwareimage; clone dgx-image {NEW}; commit -w")).await);
    let apt = ["cm-chroot-sw-img", &format!("/cm/images/{NEW}"), "apt-get", "update"];
    world.until(|s| s.bcm.provisioners.iter().any(|p| p.updating)).await;
    let refused = head(&world, &apt).await;
    assert!(refused.code == 100 && refused.stderr.contains("is being provisioned"), "{refused:?}");
    let other =
        head(&world, &["cm-chroot-sw-img", "/cm/images/dgx-image", "dpkg-query", "-W", "kubelet"]).await;
    assert_eq!(other.code, 0, "a query reads a file");
    world.until(|s| s.bcm.provisioners.iter().all(|p| !p.updating)).await;
    quiet(&world).await;
    well(head(&world, &apt).await);
    // The same while a node is written.
    well(cmsh(&world, &format!("device use dgx030; set softwareimage {NEW}; commit; imageupdate -w")).await);
    world.until(|s| s.bcm.syncs.values().any(|log| log.ended.is_none())).await;
    assert_eq!(head(&world, &apt).await.code, 100);
}

/// bcm-2.md 5.2: a lock defers requests, which is the documented answer to a node that reboots while somebody edits its image.
#[tokio::test(start_paused = true)]
async fn a_node_that_boots_waits_for_the_lock_of_its_image() {
    let world = world();
    world
        .update(|s| s.node_mut("dgx030").packages.get_mut("kubelet").unwrap().version = "1.31.14-1.1".into());
    world.lock_image("dgx-image", true);
    world.power_cut("dgx030");
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert!(world.lock().node("dgx030").off && world.lock().node("dgx030").kubelet.running.is_none());
    assert_eq!(kubelet(&world, "dgx030"), "1.31.14-1.1");
    world.lock_image("dgx-image", false);
    world.until(|s| s.node("dgx030").kubelet.running.is_some()).await;
    assert_eq!(kubelet(&world, "dgx030"), "1.31.9-1.1");
}

/// bcm-2.md 2.2: a commit of anything of a category gives all of its nodes their services back.
#[tokio::test(start_paused = true)]
async fn a_commit_of_a_category_starts_what_was_stopped_on_its_nodes() {
    let world = world();
    for node in ["dgx030", "dgx031", "runai-03"] {
        world.stop_kubelet(node);
    }
    let runs = |node: &str| world.lock().node(node).kubelet.running.is_some();
    well(cmsh(&world, "device use dgx030; set softwareimage default-image; commit").await);
    assert!(!runs("dgx030"), "a node's own commit does not");
    well(cmsh(&world, "category use dgx-h100; set softwareimage dgx-image; commit").await);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(["dgx030", "dgx031", "runai-03"].map(runs), [true, true, false]);
}

/// bcm-2.md 5.1: CMDaemon tries five times more.
#[tokio::test(start_paused = true)]
async fn a_failed_transfer_is_tried_again_by_cmdaemon() {
    for (failing, code, attempts) in [(2, 0, 3), (5, 0, 6), (6, 23, 6)] {
        let world = world();
        prepared(&world).await;
        well(cmsh(&world, "softwareimage; updateprovisioners").await);
        world.bcm(|b| b.failing_attempts = [("dgx030".to_string(), failing)].into());
        let begun = world.clock.now();
        let said = well(cmsh(&world, "device; imageupdate -n dgx030 -w --wait").await);
        let want = if code == 0 { "COMPLETED" } else { "FAILED" };
        assert!(said.contains(want), "{failing}: {said}");
        assert_eq!(world.lock().bcm.syncs["dgx030"].code, Some(code));
        let took = world.clock.now().duration_since(begun).as_secs();
        let each = world.shape.timing.sync.as_secs() as i64;
        assert!((each * attempts..each * attempts + 120).contains(&took), "{failing}: {took} s");
    }
}

/// bcm.md 3: images lie on the local disk of both heads, and CMDaemon copies them.
#[tokio::test(start_paused = true)]
async fn after_a_failover_the_images_are_as_the_other_head_last_got_them() {
    let world = world();
    world.bcm(|b| b.heads_differ = true);
    well(cmsh(&world, &format!("softwareimage; clone dgx-image {NEW}; commit -w")).await);
    quiet(&world).await;
    install(&world).await;
    quiet(&world).await;
    let place = format!("/cm/images/{NEW}");
    assert_eq!(kubelet(&world, &place), "1.32.9-1.1");
    world.head_failover();
    assert_eq!(
        kubelet(&world, &place),
        "1.31.9-1.1",
        "the other head has the clone, and not what a shell did in it"
    );
    assert!(world.disk(&place).text("/var/lib/dpkg/status").contains("1.31.9-1.1"));
    world.head_failover();
    assert_eq!(kubelet(&world, &place), "1.32.9-1.1", "back again");
    // It has never got an image of which it knows nothing yet.
    world.bcm(|b| b.deaf_provisioners.extend([PASSIVE.to_string()]));
    well(cmsh(&world, "softwareimage; clone dgx-image late; commit -w").await);
    quiet(&world).await;
    world.head_failover();
    assert!(
        !world.disk(HEAD_NODE).exists("/cm/images/late/var/lib/dpkg/status"),
        "BCM lists an image without a folder"
    );
    assert!(world.lock().bcm.images.contains_key("late"));
}

/// Whether a lock holds the requests of provisioners back the facts do not say.
#[tokio::test(start_paused = true)]
async fn a_locked_image_may_not_reach_the_provisioners() {
    for holds in [false, true] {
        let world = world();
        prepared(&world).await;
        world.bcm(|b| b.lock_holds_provisioners = holds);
        well(cmsh(&world, &format!("softwareimage lock {NEW}")).await);
        let known = |world: &World| {
            let s = world.lock();
            let passive = s.bcm.provisioners.iter().find(|p| p.node == PASSIVE).unwrap();
            passive.copies[NEW].packages["kubelet"].version.clone()
        };
        let said = well(cmsh(&world, "softwareimage; updateprovisioners").await);
        assert_eq!(said.contains("is locked, request deferred"), holds, "{said}");
        assert_eq!(said.contains("Finished updating"), !holds, "{said}");
        assert_eq!(known(&world), if holds { "1.31.9-1.1" } else { "1.32.9-1.1" });
        well(cmsh(&world, &format!("softwareimage unlock {NEW}")).await);
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(known(&world), "1.32.9-1.1", "what was deferred follows");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_may_have_no_word() {
    let world = world();
    prepared(&world).await;
    world.bcm(|b| {
        b.quiet_failures = true;
        b.failing_requests.insert("dgx030".into(), 23);
    });
    let said = well(head(&world, &["cmsh", "-c", "device; imageupdate -n dgx030 -w --wait"]).await);
    assert!(said.contains("COMPLETED") && !said.contains("failed"), "{said}");
    let log = well(cmsh(&world, "device; synclog dgx030").await);
    assert!(log.contains("(code 23)") && !log.contains("Rsync completed"), "{log}");
}

/// bcm.md 2.1: nodes that the passive head serves get its copy, which may be the old image.
#[tokio::test(start_paused = true)]
async fn a_node_that_boots_may_get_the_copy_of_the_passive_head() {
    for (passive, want) in [(false, "1.32.9-1.1"), (true, "1.31.9-1.1")] {
        let world = world();
        prepared(&world).await;
        world.bcm(|b| b.boot_by_passive = passive);
        well(cmsh(&world, &format!("device use dgx030; set softwareimage {NEW}; commit")).await);
        world.power_cut("dgx030");
        assert_eq!(kubelet(&world, "dgx030"), want);
    }
}

#[tokio::test(start_paused = true)]
async fn the_list_of_a_boot_may_lack_what_the_list_of_an_update_has() {
    let world = world();
    world.bcm(|b| b.sync_uncovered = true);
    let lists =
        async |mode: &str| well(cmsh(&world, &format!("device use dgx030; excludelist get {mode} /")).await);
    assert!(lists("update").await.contains("- /var/lib/kubelet\n"));
    let sync = lists("sync").await;
    assert!(!sync.contains("/var/lib/kubelet") && sync.contains("- /etc/cni\n"), "{sync}");
    world.power_cut("dgx030");
    assert!(!world.disk("dgx030").exists("/var/lib/kubelet/config.yaml"));
}

/// bcm-2.md 6: a mount below another one goes first.
#[tokio::test(start_paused = true)]
async fn a_mount_with_another_one_below_it_is_busy() {
    let world = world();
    world.bcm(|b| b.mounts_left = true);
    let path = "/cm/images/dgx-image";
    well(head(&world, &["cm-chroot-sw-img", path, "true"]).await);
    for (mount, code) in [
        ("dev", 32),
        ("run", 32),
        ("dev/pts", 0),
        ("dev", 0),
        ("run/systemd/resolve/resolv.conf", 0),
        ("run", 0),
    ] {
        let ended = head(&world, &["umount", &format!("{path}/{mount}")]).await;
        assert_eq!(ended.code, code, "{mount}: {}", ended.stderr);
        assert_eq!(ended.stderr.contains("target is busy"), code != 0, "{}", ended.stderr);
    }
}
