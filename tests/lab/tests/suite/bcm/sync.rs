//! imageupdate and the sync at a boot: what comes, what stays, what goes, who serves it, and how it fails.

use super::{NEW, cmsh, head, install, prepared, quiet, well, world};
use podlift_lab::world::bcm::{Ha, Mode};
use podlift_lab::{HEAD_NODE, What, World};
use std::sync::Arc;
use std::time::Duration;

async fn assigned(world: &Arc<World>, node: &str) {
    well(cmsh(world, &format!("device use {node}; set softwareimage {NEW}; commit")).await);
}

async fn update(world: &Arc<World>, node: &str) -> String {
    well(cmsh(world, &format!("device; imageupdate -n {node} -w --wait")).await)
}

fn kubelet(world: &World, node: &str) -> String {
    world.lock().node(node).packages["kubelet"].version.clone()
}

#[tokio::test(start_paused = true)]
async fn the_node_becomes_the_image_but_for_what_is_excluded() {
    let world = world();
    prepared(&world).await;
    well(cmsh(&world, "softwareimage; updateprovisioners").await);
    assigned(&world, "dgx030").await;
    let disk = world.disk("dgx030");
    for (path, text) in [
        ("/etc/kubernetes/own", "k"),
        ("/var/lib/podlift/ledger", "l"),
        ("/opt/mine", "gone"),
        ("/data/x", "d"),
    ] {
        disk.put_text(path, text, 0o600).unwrap();
    }
    let machine = disk.text("/etc/machine-id");
    let said = well(cmsh(&world, "device; imageupdate -n dgx030 --wait").await);
    assert!(
        said.starts_with("Performing dry run (use synclog") && said.ends_with("imageupdate [ COMPLETED ]\n"),
        "{said}"
    );
    let log = well(cmsh(&world, "device; synclog dgx030").await);
    for want in [
        "Mode is UPDATE.\n",
        "\ndeleting opt/mine\n",
        "\nvar/lib/dpkg/status\n",
        "(DRY RUN)",
        "UTC - Rsync completed.\n",
    ] {
        assert!(log.contains(want), "{want}: {log}");
    }
    assert!(!log.contains("etc/kubernetes") && !log.contains("podlift") && disk.exists("/opt/mine"), "{log}");
    assert_eq!(update(&world, "dgx030").await, "imageupdate [ COMPLETED ]\n");
    assert_eq!(kubelet(&world, "dgx030"), "1.32.9-1.1");
    assert!(world.lock().node("dgx030").packages["kubelet"].held);
    assert!(disk.text("/etc/apt/sources.list.d/kubernetes.list").contains("v1.32"));
    for (path, there) in [
        ("/etc/kubernetes/own", true),
        ("/var/lib/podlift/ledger", true),
        ("/data/x", true),
        ("/opt/mine", false),
    ] {
        assert_eq!(disk.exists(path), there, "{path}");
    }
    assert_eq!(disk.text("/etc/machine-id"), machine);
    let running = world.lock().node("dgx030").kubelet.running.unwrap();
    assert_eq!(running.to_string(), "v1.31.9", "the process is the old one");
    let wrote = world.effects().into_iter().find_map(|e| match e.what {
        What::Synced { image, mode, wrote } if e.node == "dgx030" => Some((image, mode, wrote)),
        _ => None,
    });
    let packages = ["kubeadm", "kubectl", "kubelet"].map(|p| format!("{p}=1.32.9-1.1")).to_vec();
    assert_eq!(wrote, Some((NEW.into(), "UPDATE".into(), packages)));
    assert_eq!(kubelet(&world, "dgx031"), "1.31.9-1.1");
}

#[tokio::test(start_paused = true)]
async fn what_no_list_covers_is_lost() {
    let world = world();
    prepared(&world).await;
    assigned(&world, "dgx030").await;
    assigned(&world, "dgx031").await;
    world.bcm(|b| (b.kubernetes_covered, b.own_covered) = (false, false));
    let lists = well(cmsh(&world, "device use dgx030; excludelist get sync /").await);
    assert!(
        lists.contains("- /etc/cni\n") && !lists.contains("kubelet") && !lists.contains("podlift"),
        "{lists}"
    );
    world.disk("dgx030").put_text("/var/lib/podlift/ledger", "l", 0o600).unwrap();
    let machine = world.lock().node("dgx030").machine.clone();
    update(&world, "dgx030").await;
    let disk = world.disk("dgx030");
    assert!(!disk.exists("/etc/kubernetes/kubelet.conf") && !disk.exists("/var/lib/podlift/ledger"));
    assert_ne!(world.lock().node("dgx030").machine, machine);
    let log = well(cmsh(&world, "device; synclog dgx030").await);
    assert!(log.contains("\ndeleting etc/kubernetes/kubelet.conf\n"), "{log}");
    well({
        let env = Default::default();
        podlift_lab::doubles::run(&world, "dgx030", "systemctl", &["restart".into(), "kubelet".into()], &env)
            .await
            .unwrap()
    });
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(
        world.lock().node("dgx030").kubelet.running.is_none(),
        "a kubelet without its configuration ends"
    );
    world.bcm(|b| b.more_excludes = [("dgx031".to_string(), vec!["/etc/kubernetes".to_string()])].into());
    update(&world, "dgx031").await;
    assert!(world.disk("dgx031").exists("/etc/kubernetes/kubelet.conf"));
    assert!(!world.disk("dgx031").exists("/var/lib/kubelet/config.yaml"));
}

#[tokio::test(start_paused = true)]
async fn a_provisioner_that_was_updated_shortly_before_serves_the_old_image() {
    for (wait, told, want) in [(0, false, "1.31.9-1.1"), (301, false, "1.32.9-1.1"), (0, true, "1.32.9-1.1")]
    {
        let world = world();
        well(cmsh(&world, &format!("softwareimage; clone dgx-image {NEW}; commit -w")).await);
        world
            .until(|s| s.bcm.provisioners.iter().all(|p| p.node == HEAD_NODE || p.copies.contains_key(NEW)))
            .await;
        install(&world).await;
        let list = well(cmsh(&world, "softwareimage provisioningstatus").await);
        assert!(!list.contains("Up to date"), "{list}");
        world.bcm(|b| b.second_layout = true);
        let list = well(cmsh(&world, "softwareimage provisioningstatus").await);
        assert!(
            list.contains("+ head-02\n") && list.matches(NEW).count() == 2,
            "CMDaemon knows of no change: {list}"
        );
        if told {
            let said = well(cmsh(&world, "softwareimage updateprovisioners").await);
            assert!(
                said.ends_with("Finished updating software image(s) on provisioning node(s).\n"),
                "{said}"
            );
        }
        tokio::time::sleep(Duration::from_secs(wait)).await;
        assigned(&world, "dgx030").await;
        update(&world, "dgx030").await;
        let from = well(cmsh(&world, "device use dgx030; lastprovisioningnode").await);
        assert_eq!((kubelet(&world, "dgx030").as_str(), from.as_str()), (want, "head-02\n"), "{wait} {told}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_end_in_other_ways_than_well() {
    let world = world();
    prepared(&world).await;
    for node in ["dgx030", "dgx031", "dgx032", "dgx033"] {
        assigned(&world, node).await;
    }
    world.bcm(|b| {
        b.lost_requests.insert("dgx030".into());
        b.empty_syncs.insert("dgx031".into());
        b.failing_requests.insert("dgx032".into(), 23);
        b.endless.insert("dgx033".into());
    });
    assert_eq!(update(&world, "dgx030").await, "imageupdate [ COMPLETED ]\n", "no event, no failure, no log");
    assert!(well(cmsh(&world, "device; synclog dgx030").await).starts_with("No provisioning log"));
    assert_eq!(update(&world, "dgx031").await, "imageupdate [ COMPLETED ]\n");
    assert!(well(cmsh(&world, "device; synclog dgx031").await).ends_with(" - Rsync completed.\n"));
    assert_eq!(update(&world, "dgx032").await, "imageupdate [ FAILED ]\n");
    let log = well(cmsh(&world, "device; synclog dgx032").await);
    assert!(log.contains("(code 23)") && !log.contains("Rsync completed"), "{log}");
    world.power_off("dgx030");
    assert_eq!(
        update(&world, "dgx030").await,
        "imageupdate [ FAILED ]\n",
        "a machine that is off gets nothing"
    );
    // The last one: its request holds a slot for ever.
    let silent = tokio::time::timeout(Duration::from_secs(3_600), update(&world, "dgx033")).await;
    assert!(silent.is_err());
    for node in ["dgx030", "dgx031", "dgx032", "dgx033"] {
        assert_eq!(kubelet(&world, node), "1.31.9-1.1", "{node}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_locked_image_and_full_slots_let_requests_wait() {
    let world = world();
    prepared(&world).await;
    world.set_slots(1);
    world.drain_provisioner("head-02", true);
    for node in ["dgx030", "dgx031"] {
        assigned(&world, node).await;
    }
    well(cmsh(&world, &format!("softwareimage lock {NEW}")).await);
    assert!(well(cmsh(&world, &format!("softwareimage islocked {NEW}")).await).contains("yes"));
    well(cmsh(&world, "device; imageupdate -n dgx030,dgx031 -w").await);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(world.lock().bcm.waiting.len(), 2);
    well(cmsh(&world, &format!("softwareimage unlock {NEW}")).await);
    world.until(|s| s.bcm.waiting.len() == 1).await;
    let list = well(cmsh(&world, "softwareimage provisioningstatus").await);
    assert!(
        list.starts_with("Provisioning subsystem status: busy")
            && list.contains("\nNodes currently provisioning: 1\n"),
        "{list}"
    );
    world.until(|s| s.bcm.provisioners.iter().all(|p| p.in_use == 0) && s.bcm.waiting.is_empty()).await;
    assert_eq!([kubelet(&world, "dgx030"), kubelet(&world, "dgx031")], ["1.32.9-1.1", "1.32.9-1.1"]);
}

#[tokio::test(start_paused = true)]
async fn a_boot_brings_the_assigned_image_and_full_everything() {
    let world = world();
    prepared(&world).await;
    let bring = ["apt-get", "update"].map(String::from);
    let env = Default::default();
    podlift_lab::doubles::run(&world, "dgx030", &bring[0], &bring[1..], &env).await.unwrap();
    world
        .update(|s| s.node_mut("dgx030").packages.get_mut("kubelet").unwrap().version = "1.31.14-1.1".into());
    world.bcm(|b| b.reboot_keeps = true);
    world.power_cut("dgx030");
    assert_eq!(kubelet(&world, "dgx030"), "1.31.14-1.1");
    world.bcm(|b| b.reboot_keeps = false);
    world.power_cut("dgx030");
    assert_eq!(kubelet(&world, "dgx030"), "1.31.9-1.1", "what was installed on the node alone is gone");
    assigned(&world, "dgx030").await;
    world.disk("dgx030").put_synced(std::path::Path::new("/var/lib/podlift/ledger"), b"l", 0o600).unwrap();
    world.power_cut("dgx030");
    assert_eq!(kubelet(&world, "dgx030"), "1.32.9-1.1");
    assert!(world.disk("dgx030").exists("/var/lib/podlift/ledger"));
    let machine = world.lock().node("dgx030").machine.clone();
    world.bcm(|b| b.full = ["dgx030".to_string()].into());
    well(cmsh(&world, "device; imageupdate -n dgx030 --wait").await);
    assert_eq!(world.lock().bcm.syncs["dgx030"].mode, Mode::Full, "a dry run says so, and changes nothing");
    assert!(world.disk("dgx030").exists("/var/lib/podlift/ledger"));
    world.power_cut("dgx030");
    assert!(!world.disk("dgx030").exists("/var/lib/podlift/ledger"));
    assert_ne!(world.lock().node("dgx030").machine, machine);
    assert_eq!(world.lock().bcm.syncs["dgx030"].mode, Mode::Full);
}

#[tokio::test(start_paused = true)]
async fn the_head_dies_and_what_it_did_has_no_end() {
    let world = world();
    prepared(&world).await;
    quiet(&world).await;
    assigned(&world, "dgx030").await;
    well(cmsh(&world, "device; imageupdate -n dgx030 -w").await);
    world.until(|s| s.bcm.syncs.contains_key("dgx030")).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    world.head_cut(Ha::Passive);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(kubelet(&world, "dgx030"), "1.31.9-1.1");
    let log = well(cmsh(&world, "device; synclog dgx030").await);
    assert!(!log.contains("Rsync completed"), "{log}");
    assert!(world.lock().bcm.provisioners.iter().all(|p| p.in_use == 0));
    assert!(well(head(&world, &["cmha", "status"]).await).contains("passive"));
}
