//! A gate that only the site does not want is taken out inside an armed guard, and never in the steady watch: otherwise the installation
//! of agents could restart every API server in the same second.

use crate::direct::{Direct, epoch};
use crate::sabotage::Sabotage;
use crate::{Kept, ensure};
use podlift_lab::{Shape, World};
use podlift_model::{HostOp, RunId};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const FILE: &str = "/etc/kubernetes/manifests/kube-apiserver.yaml";
const GATE: &str = "MaxUnavailableStatefulSet";

/// Longer than any tick.
async fn a_while() {
    tokio::time::sleep(Duration::from_secs(20)).await;
}

fn manifest(world: &Arc<World>) -> String {
    world.disk("runai-01").text(FILE)
}

fn write(world: &Arc<World>, text: &str) -> Kept {
    world.disk("runai-01").put_synced(Path::new(FILE), text.as_bytes(), 0o600).map_err(|e| e.to_string())
}

pub async fn hygiene_only_inside_the_guard(sabotage: Sabotage) -> Kept {
    let world = World::new(Shape::default());
    world.start();
    let original = manifest(&world);
    ensure(original.contains(GATE), || "the lab's manifest has no site gate".into())?;
    let mut agent = Direct::start(&world, "runai-01", sabotage).await;
    let mine = epoch(1, "a");
    agent.claim(&mine).await;
    let run = RunId::new("r1").unwrap_or_else(|e| panic!("{e}"));
    // Long enough for the expectations to be learned.
    tokio::time::sleep(Duration::from_secs(120)).await;
    ensure(manifest(&world) == original, || "the steady watch changed a manifest that can start".into())?;
    agent
        .run("s1", &mine, &HostOp::GuardArm { allow: vec![], run: run.clone(), seconds: 3600 })
        .await
        .map_err(|f| f.to_string())?;
    a_while().await;
    ensure(manifest(&world) == original, || "arming changed what was there before the run".into())?;
    write(&world, &format!("{original}# as kubeadm would, a new file\n"))?;
    a_while().await;
    ensure(!manifest(&world).contains(GATE), || "the armed guard left the site gate in".into())?;
    agent.run("s2", &mine, &HostOp::GuardDisarm { run }).await.map_err(|f| f.to_string())?;
    // Another file than the one that was there when it was armed: that one an armed guard leaves alone, too.
    write(&world, &format!("{original}# written by hand, after the guard\n"))?;
    a_while().await;
    ensure(manifest(&world).contains(GATE), || "the guard changed a manifest after it was disarmed".into())?;
    write(&world, &original)?;
    a_while().await;
    // Rescue is another thing: it acts always.
    let broken =
        original.lines().map(|l| if l.contains("--etcd-servers=") { "    - --etcd-servers=" } else { l });
    write(&world, &broken.map(|l| format!("{l}\n")).collect::<String>())?;
    a_while().await;
    ensure(manifest(&world) == original, || format!("the steady watch did not rescue:\n{}", manifest(&world)))
}
