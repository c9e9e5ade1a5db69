//! Packages that were held are held again, also when the installation fails.

use crate::direct::{Direct, epoch};
use crate::sabotage::Sabotage;
use crate::{Kept, ensure};
use podlift_lab::{Fault, FaultAction, Shape, World};
use podlift_model::op::{Package, PackagePin};
use podlift_model::{HostOp, OpOutcome};

pub async fn holds_survive_failed_installations(sabotage: Sabotage) -> Kept {
    let world = World::new(Shape::default());
    world.start();
    let mut agent = Direct::start(&world, "dgx030", sabotage).await;
    let mine = epoch(1, "a");
    agent.claim(&mine).await;
    let minor = "v1.32".parse().unwrap_or_else(|e| panic!("{e}"));
    for (id, op) in [("s1", HostOp::AptSource { minor }), ("s2", HostOp::AptUpdate)] {
        agent.run(id, &mine, &op).await.map_err(|f| f.to_string())?;
    }
    let broken = FaultAction::Fail {
        code: 100,
        stderr: "E: Sub-process /usr/bin/dpkg returned an error code (1)".into(),
    };
    world.add_fault(Fault::new("apt-get", "install", broken).on("dgx030").times(9));
    let version = "1.32.9-1.1".parse().unwrap_or_else(|e| panic!("{e}"));
    let install = HostOp::PackageInstall {
        packages: vec![PackagePin { package: Package::Kubelet, version }],
        repair: false,
        devices: None,
    };
    let failed = agent.run("s3", &mine, &install).await.map_err(|f| f.to_string())?;
    ensure(matches!(failed, OpOutcome::Failed { .. }), || {
        format!("a failed installation was reported as {failed:?}")
    })?;
    all_held(&world, "after a failed installation")?;
    world.clear_faults();
    let done = agent.run("s4", &mine, &install).await.map_err(|f| f.to_string())?;
    ensure(matches!(done, OpOutcome::Done { .. }), || format!("{done:?}"))?;
    all_held(&world, "after an installation")
}

fn all_held(world: &World, when: &str) -> Kept {
    let held = world.snapshot().nodes["dgx030"].held.clone();
    let all = ["kubeadm", "kubectl", "kubelet"].iter().all(|p| held.iter().any(|h| h == p));
    ensure(all, || format!("{when} only {held:?} are held"))
}
