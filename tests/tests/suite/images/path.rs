//! The whole way through the images: clones are made, provisioners get them, each worker is written once, and BCM's books agree.

use podlift_lab::world::bcm::build::{PASSIVE, path};
use podlift_lab::world::bcm::{Device, Switches};
use podlift_lab::{HEAD_NODE, What};
use podlift_tests::images::{
    NEW, OLD, PLANES, WORKERS, all_at, category, image_of, packages_in, places, rollout, synced,
};
use podlift_tests::pod::TO;
use podlift_tests::rollout::{Rollout, worker};
use podlift_tests::{Kept, ensure, paused};

/// A machine that is in no cluster, and that has the image of the workers.
const SPARE: &str = "dgx-spare01";

fn with_spare(switches: fn(&mut Switches)) -> Rollout {
    let rollout = rollout(3);
    rollout.world().bcm(switches);
    let spare =
        Device { kind: "PhysicalNode", category: Some("default".into()), image: Some(WORKERS[0].into()) };
    rollout.world().update(|s| s.bcm.devices.insert(SPARE.into(), spare));
    rollout
}

/// The image that others use too is as it was, and the clones are whole, free and have the packages once.
fn images(rollout: &Rollout) -> Kept {
    let world = rollout.world();
    for [old, clone, of] in [WORKERS, PLANES] {
        ensure(packages_in(world, old) == all_at(OLD), || {
            format!("{old} was changed: {:?}", packages_in(world, old))
        })?;
        ensure(packages_in(world, clone) == all_at(NEW), || {
            format!("{clone} has {:?}", packages_in(world, clone))
        })?;
        let image = world.lock().bcm.images.get(clone).cloned().ok_or_else(|| format!("no {clone}"))?;
        ensure(
            image.whole && !image.locked && image.mounts.is_empty() && image.processes.is_empty(),
            || format!("{clone}: {image:?}"),
        )?;
        ensure(category(world, of).as_deref() == Some(clone), || {
            format!("category {of} has {:?}", category(world, of))
        })?;
        let installed = |w: &What| matches!(w, What::PackageInstall { .. });
        let times = places(world, &path(clone), installed).len();
        ensure(times == 3, || format!("{times} installations in {clone}, expected one of each package"))?;
    }
    let spare = image_of(world, SPARE);
    ensure(spare == Some((WORKERS[0].into(), true)), || format!("{SPARE} has {spare:?}"))
}

/// Each node has its category's image and no value of its own; each worker was written once, by a provisioner that had the clone.
fn nodes(rollout: &Rollout) -> Kept {
    let world = rollout.world();
    let is_new = |w: &What| matches!(w, What::ProvisionerUpdated { image } if image == WORKERS[1]);
    let sent = places(world, PASSIVE, is_new);
    for node in (0..3).map(worker) {
        let image = image_of(world, &node);
        ensure(image == Some((WORKERS[1].into(), false)), || format!("{node} has {image:?}"))?;
        ensure(synced(world, &node) == [WORKERS[1]], || {
            format!("{node} was written {:?}", synced(world, &node))
        })?;
        let of = |is: fn(&What) -> bool| places(world, &node, is);
        let cordon = of(|w| matches!(w, What::Cordon { .. }));
        let written = of(|w| matches!(w, What::Synced { .. }));
        let kubeadm = of(|w| matches!(w, What::KubeadmNode { .. }));
        let restart = of(|w| matches!(w, What::KubeletRestart { .. }));
        let order = [cordon, written.clone(), kubeadm, restart].map(|places| places.first().copied());
        ensure(order.iter().all(Option::is_some) && order.is_sorted(), || {
            format!("{node}: cordon, update, kubeadm and restart are at {order:?}")
        })?;
        let before = sent.iter().any(|place| Some(place) < written.first());
        ensure(before, || {
            format!("{node} was written at {written:?}, and {PASSIVE} got the clone at {sent:?}")
        })?;
    }
    // A commit of a category gives all of its nodes their services back, so none of them may be on its way.
    let commits = |w: &What| matches!(w, What::CategoryImage { category, .. } if category == WORKERS[2]);
    let commits = places(world, HEAD_NODE, commits);
    let back = (0..3).flat_map(|i| places(world, &worker(i), |w| matches!(w, What::Uncordon { .. }))).max();
    ensure(commits.len() == 1 && commits.first().copied() > back, || {
        format!("the category was committed at {commits:?}, and the last worker was uncordoned at {back:?}")
    })?;
    let plane = image_of(world, "runai-01");
    ensure(plane == Some((PLANES[1].into(), false)), || format!("runai-01 has {plane:?}"))?;
    ensure(synced(world, "runai-01").is_empty(), || "a control-plane node was written".into())
}

fn whole(rollout: &Rollout) -> Kept {
    images(rollout)?;
    nodes(rollout)?;
    let audit = rollout.world().audit(TO);
    ensure(audit.ok(), || format!("{audit:?}"))?;
    let version = rollout.world().lock().bcm.version.clone();
    ensure(version == NEW, || format!("BCM's metadata says {version}"))?;
    ensure(rollout.world().bcm_knows_config(), || "BCM keeps an old kubeadm-config".into())
}

/// imageupdate would not update the provisioners by itself, so that the passive head would send the old image.
#[test]
fn image_path() {
    let result = paused(async {
        let mut rollout = with_spare(|b| (b.second_layout, b.always_fresh) = (true, true));
        rollout.succeed().await?;
        whole(&rollout)
    });
    assert_eq!(result, Ok(()));
}

/// `provisioningstatus` in its first layout does not say which images are up to date.
#[test]
fn image_path_where_bcm_does_not_say_which_images_are_up_to_date() {
    let result = paused(async {
        let mut rollout = with_spare(|b| b.always_fresh = true);
        rollout.succeed().await?;
        whole(&rollout)
    });
    assert_eq!(result, Ok(()));
}

/// A session in an image leaves its mounts behind: they are away before the image is used.
#[test]
fn mounts_that_are_left_in_an_image_are_taken_away() {
    let result = paused(async {
        let mut rollout = with_spare(|b| b.mounts_left = true);
        rollout.succeed().await?;
        whole(&rollout)
    });
    assert_eq!(result, Ok(()));
}

/// A worker that is left out keeps its image, and so its category does.
#[test]
fn a_category_with_a_worker_that_is_left_out_keeps_its_image() {
    let result = paused(async {
        let mut rollout = rollout(3);
        rollout.start(|_| {});
        rollout.pod.start_run().await.map_err(|e| e.to_string())?;
        let (node, reason) = (podlift_tests::pod::name(&worker(2)), "a training ends".into());
        let defer = podlift_coordinator::Command::Defer { node, reason, until: None };
        rollout.pod.say(defer).await.map_err(|e| e.to_string())?;
        let state = rollout.pod.rest().await.ok_or("the run never rested")?;
        let over = state.status == podlift_engine::machine::RunStatus::Succeeded;
        ensure(over, || podlift_tests::pod::why(&state))?;
        let world = rollout.world();
        ensure(category(world, WORKERS[2]).as_deref() == Some(WORKERS[0]), || {
            format!("category {} has {:?}", WORKERS[2], category(world, WORKERS[2]))
        })?;
        let own = |node: String| image_of(world, &node);
        ensure(own(worker(0)) == Some((WORKERS[1].into(), true)), || format!("{:?}", own(worker(0))))?;
        ensure(own(worker(2)) == Some((WORKERS[0].into(), false)), || format!("{:?}", own(worker(2))))?;
        ensure(synced(world, &worker(2)).is_empty(), || "it was written".into())?;
        let learned = places(world, HEAD_NODE, |w| matches!(w, What::ConfigLearned));
        ensure(!learned.is_empty(), || "BCM has not read kubeadm-config".into())
    });
    assert_eq!(result, Ok(()));
}
