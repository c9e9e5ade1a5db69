//! A coordinator of a lower epoch, or another one of the same, commands nothing.

use crate::direct::{Direct, epoch};
use crate::sabotage::Sabotage;
use crate::{Kept, ensure};
use podlift_lab::{Shape, World};
use podlift_model::HostOp;

pub async fn an_older_epoch_commands_nothing(sabotage: Sabotage) -> Kept {
    let world = World::new(Shape::default());
    world.start();
    let mut agent = Direct::start(&world, "dgx030", sabotage).await;
    let op = HostOp::AptUpdate;
    let unclaimed = agent.run("r1-s0000-a1", &epoch(1, "a"), &op).await;
    if sabotage == Sabotage::None {
        ensure(unclaimed.is_err(), || format!("an agent without memory took an order: {unclaimed:?}"))?;
    }
    ensure(agent.claim(&epoch(2, "a")).await, || "the first epoch was refused".into())?;
    ensure(agent.claim(&epoch(2, "a")).await, || "the same epoch was refused the second time".into())?;
    ensure(!agent.claim(&epoch(2, "b")).await, || "an equal epoch of another instance was accepted".into())?;
    for (number, instance) in [(1, "a"), (2, "b"), (1, "b")] {
        let said = agent.run(&format!("r1-s0001-{number}{instance}"), &epoch(number, instance), &op).await;
        let refused = said.as_ref().is_err_and(|f| f.code == "epoch-stale");
        ensure(refused, || format!("epoch {number} of {instance} commanded: {said:?}"))?;
    }
    drop(agent);
    let mut agent = Direct::start(&world, "dgx030", sabotage).await;
    let said = agent.run("r1-s0002-a1", &epoch(1, "a"), &op).await;
    ensure(said.is_err(), || format!("after a restart the fence was forgotten: {said:?}"))?;
    ensure(agent.claim(&epoch(3, "b")).await, || "a higher epoch was refused".into())?;
    let said = agent.run("r1-s0003-a1", &epoch(3, "b"), &op).await;
    ensure(said.is_ok(), || format!("the highest epoch was refused: {said:?}"))
}
