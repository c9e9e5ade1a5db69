//! BCM from the command line: its clusters, and a plan through software images.

use super::*;

/// A site with a head node, and a BCM that provisions every node from an image.
async fn with_bcm() -> Site {
    let (dir, listener, material) = prepared().await;
    let fleet = Fleet::new();
    fleet.lock().add_bcm();
    let stop = serve(&fleet, listener, material);
    Site { dir, fleet, _stop: stop }
}

#[tokio::test]
async fn the_clusters_of_bcm_are_listed_and_an_error_says_what_is_missing() {
    let error = |ended: Result<Exit, CliError>| {
        let e = ended.unwrap_err();
        (e.exit, e.what, e.why)
    };
    let (exit, what, why) = error(site().await.result("clusters").await);
    assert_eq!((exit, what.as_str()), (Exit::Failed, "BCM can't be asked"));
    assert!(why.contains("set [bcm] head"), "{why}");
    let site = with_bcm().await;
    for line in ["clusters", "clusters -o json", "clusters -o yaml"] {
        assert_eq!(site.eve(line).await, Exit::Done, "{line}");
    }
    site.fleet.lock().bcm_site().clusters.clear();
    let (exit, what, why) = error(site.result("clusters").await);
    assert_eq!((exit, what.as_str()), (Exit::Failed, "BCM does not know this coordinator's cluster"));
    assert!(why.contains("runaicluster"), "{why}");
}

#[tokio::test]
async fn a_plan_through_software_images_is_shown_and_refused_where_one_is_locked() {
    let site = with_bcm().await;
    for line in ["plan --to v1.32.9", "plan --to v1.32.9 -v", "plan --to v1.32.9 -o json"] {
        assert_eq!(site.eve(line).await, Exit::Done, "{line}");
    }
    site.fleet.lock().bcm_site().images.values_mut().for_each(|image| image.locked = true);
    assert_eq!(site.eve("plan --to v1.32.9").await, Exit::Blocked);
    assert_eq!(site.eve("upgrade --to v1.32.9 --yes").await, Exit::Blocked);
    assert!(site.fleet.lock().effects.is_empty());
}
