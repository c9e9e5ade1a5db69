//! What BCM's tools print, and how they are wrong.

use super::{cmsh, head, well, world};
use crate::common::recorded;
use podlift_lab::doubles;
use podlift_lab::world::bcm::{Ha, Lie};
use podlift_lab::{HEAD_NODE, World};

#[tokio::test(start_paused = true)]
async fn nodes_images_and_categories() {
    let world = world();
    let list = well(cmsh(&world, "device; list -d \"|\" -f hostname:0,type:0,category:0").await);
    let rows: Vec<&str> = list.lines().collect();
    assert_eq!(rows[0], "Hostname (key)|Type|Category");
    assert!(rows.contains(&"dgx030|PhysicalNode|dgx-h100") && rows.contains(&"head-02|HeadNode|"), "{list}");
    let padded = well(cmsh(&world, "device; list").await);
    assert!(padded.contains("runai-control-pl "), "a value is cut at its column: {padded}");
    let script = "device use dgx030; get hostname; get softwareimage; device use runai-01; get hostname; get softwareimage";
    assert_eq!(
        well(cmsh(&world, script).await),
        "dgx030\ndgx-image (category:dgx-h100)\nrunai-01\nk8s-image (category:runai-control-plane)\n"
    );
    well(cmsh(&world, "device use dgx030; set softwareimage default-image; commit").await);
    assert_eq!(well(cmsh(&world, "device use dgx030; get softwareimage").await), "default-image\n");
    well(cmsh(&world, "device use dgx030; clear softwareimage; commit").await);
    assert_eq!(
        well(cmsh(&world, "device use dgx030; get softwareimage").await),
        "dgx-image (category:dgx-h100)\n"
    );
    let images = well(cmsh(&world, "softwareimage; list -d \"|\" -f name:0,path:0,kernelversion:0").await);
    assert!(images.contains("\ndgx-image|/cm/images/dgx-image|5.15.0-1074-nvidia\n"), "{images}");
    let script = "category use dgx-h100; get name; get softwareimage";
    assert_eq!(well(cmsh(&world, script).await), "dgx-h100\ndgx-image\n");
    assert!(well(cmsh(&world, "device status dgx030").await).ends_with("[    UP    ]\n"));
    assert!(well(cmsh(&world, "configurationoverlay list").await).contains("kube-runaicluster-etcd"));
}

#[tokio::test(start_paused = true)]
async fn a_commit_is_of_its_mode_and_a_session_forgets_what_it_did_not_commit() {
    let world = world();
    let category = || world.lock().bcm.categories["dgx-h100"].image.clone().unwrap();
    well(cmsh(&world, "category use dgx-h100; set softwareimage default-image").await);
    assert_eq!(category(), "dgx-image");
    well(cmsh(&world, "category use dgx-h100; set softwareimage default-image; device use dgx030; set softwareimage default-image; commit").await);
    assert_eq!(
        (category().as_str(), world.lock().bcm.devices["dgx030"].image.as_deref()),
        ("dgx-image", Some("default-image"))
    );
    let refused = cmsh(&world, "category use dgx-h100; set softwareimage none; commit").await;
    assert!(refused.code == 1 && refused.stderr.contains("No such software image: none"), "{refused:?}");
    for script in [
        "weather",
        "device use none",
        "device list -f weather:0",
        "task; cancel none",
        "device; imageupdate -n none -w",
    ] {
        assert_eq!(cmsh(&world, script).await.code, 1, "{script}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_way_to_be_wrong() {
    let world = world();
    let set = "device use dgx030; set softwareimage default-image; commit";
    let is_set = |world: &World| world.lock().bcm.devices["dgx030"].image.is_some();
    for (lie, code, stdout, stderr, done) in [
        (Lie::Says("Error: no license".into()), 0, "Error: no license\n", "", false),
        (Lie::Refuses("validation failed".into()), 1, "", "validation failed\n", false),
        (Lie::Nothing, 0, "", "", false),
        (Lie::DoneAndRefuses("already".into()), 1, "", "already\n", true),
    ] {
        world.update(|s| s.bcm.devices.get_mut("dgx030").unwrap().image = None);
        world.cmsh_lies("commit", lie.clone(), 1);
        let said = cmsh(&world, set).await;
        assert_eq!(
            (said.code, said.stdout.as_str(), said.stderr.as_str()),
            (code, stdout, stderr),
            "{lie:?}"
        );
        assert_eq!(is_set(&world), done, "{lie:?}");
    }
    world.cmsh_lies("task list", Lie::Silent, 1);
    let silent = tokio::time::timeout(std::time::Duration::from_secs(3_600), cmsh(&world, "task list")).await;
    assert!(silent.is_err());
    world.bcm(|b| b.version_stays = true);
    well(cmsh(&world, "kubernetes use runaicluster; set version 1.32.9-1.1; commit").await);
    assert_eq!(well(cmsh(&world, "kubernetes use runaicluster; get version").await), "1.31.9-1.1\n");
}

#[tokio::test(start_paused = true)]
async fn events_and_colours_come_where_they_are_not_switched_off() {
    let world = world();
    world.bcm(|b| (b.events, b.colors) = (vec!["dgx033: health check failed".into()], true));
    let script = "device use dgx030; get softwareimage";
    let bare = well(head(&world, &["cmsh", "-c", script]).await);
    assert!(bare.contains("[notice] head-01: dgx033: health") && bare.contains('\u{1b}'), "{bare}");
    assert_eq!(well(cmsh(&world, script).await), "dgx-image (category:dgx-h100)\n");
}

#[tokio::test(start_paused = true)]
async fn the_pair_of_heads() {
    let world = world();
    for (ha, code, says) in [
        (Ha::Active, 0, "Node Status: running in active master mode\n"),
        (Ha::Passive, 0, "Node Status: running in passive master mode\n"),
        (Ha::Both, 0, "head-02* -> head-01*"),
        (Ha::Alone, 1, "Failover is not configured."),
        (Ha::Broken, 1, "Cannot connect"),
    ] {
        world.set_ha(ha);
        let said = head(&world, &["cmha", "status"]).await;
        assert!(
            said.code == code && format!("{}{}", said.stdout, said.stderr).contains(says),
            "{ha:?}: {said:?}"
        );
    }
    assert_eq!(
        well(head(&world, &["dpkg-query", "-W", "-f=${Version}", "cm-setup"]).await),
        "11.0-165270-cm11.0-a1b2c3"
    );
    assert!(well(cmsh(&world, "main versioninfo").await).contains("\nCMDaemon Build Index     165270\n"));
}

#[tokio::test(start_paused = true)]
async fn clusters_and_kubeadms_settings() {
    let world = world();
    world.update(|s| s.bcm.more_clusters = vec![("k8s-admin".into(), "1.31.9-1.1".into())]);
    let list = well(cmsh(&world, "kubernetes; list -f name:0").await);
    assert_eq!(list.lines().skip(2).map(str::trim).collect::<Vec<_>>(), ["runaicluster", "k8s-admin"]);
    assert_eq!(cmsh(&world, "kubernetes; get version").await.code, 1, "with two clusters one has to be used");
    well(cmsh(&world, "kubernetes use k8s-admin; set version 1.32.9-1.1; commit").await);
    assert_eq!(well(cmsh(&world, "kubernetes use k8s-admin; get version").await), "1.32.9-1.1\n");
    assert_eq!(well(cmsh(&world, "kubernetes use runaicluster; get version").await), "1.31.9-1.1\n");
    let manage = "/cm/local/apps/cmd/scripts/cm-kubeadm-manage";
    assert!(well(head(&world, &[manage, "--help"]).await).contains("update_configmap"));
    let key = podlift_lab::objects::Key::config_map("kubeadm-config");
    let text = |world: &World| {
        world.lock().api.get(&key).unwrap()["data"]["ClusterConfiguration"].as_str().unwrap().to_string()
    };
    let change = |world: &World| {
        let now = text(world) + "# mended\n";
        world.update(|s| s.api.change(&key, |v| v["data"]["ClusterConfiguration"] = serde_json::json!(now)));
    };
    change(&world);
    assert!(
        world.bcm_writes_config() && !text(&world).contains("mended"),
        "what BCM has not learned it takes back"
    );
    change(&world);
    well(head(&world, &[manage, "--kube-cluster", "runaicluster", "update_configmap"]).await);
    assert!(!world.bcm_writes_config() && text(&world).contains("mended"));
    world.bcm(|b| b.no_kubeadm_manage = true);
    let none = doubles::run(&world, HEAD_NODE, manage, &["--help".into()], &Default::default()).await;
    assert!(none.is_none());
}

#[tokio::test(start_paused = true)]
async fn without_images_bcm_lists_no_node() {
    let world = crate::common::world(recorded());
    let list = well(cmsh(&world, "device; list -f hostname:0").await);
    assert_eq!(list.lines().count(), 2, "{list}");
    assert!(well(cmsh(&world, "softwareimage; list -f name:0").await).contains("dgx-os-6.3-h100-image"));
}
