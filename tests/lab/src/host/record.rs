//! ExecStopPost in process: `… record-exit OP` done by the agent's own function, on the node's disk.

use super::Here;
use super::files::Port;
use crate::world::{StopPost, World};
use podlift_agent::{Exit, record_exit};
use podlift_model::{BootId, OpId};
use std::collections::BTreeMap;
use std::sync::Arc;

pub fn in_process() -> StopPost {
    Arc::new(|world, node, argv, env| Box::pin(async move { record(&world, &node, &argv, &env) }))
}

fn record(world: &Arc<World>, node: &str, argv: &[String], env: &BTreeMap<String, String>) {
    let Some(op) =
        argv.iter().position(|a| a == "record-exit").and_then(|i| OpId::new(argv.get(i + 1)?).ok())
    else {
        return;
    };
    let (generation, boot) = {
        let s = world.lock();
        (s.node(node).generation, s.node(node).boot.clone())
    };
    let Ok(boot) = BootId::new(boot) else { return };
    let text = |name: &str| env.get(name).cloned().unwrap_or_default();
    let exit = Exit {
        boot,
        at: world.clock.now(),
        result: text("SERVICE_RESULT"),
        code: text("EXIT_CODE"),
        status: text("EXIT_STATUS"),
    };
    let files = Port(Here { world: world.clone(), node: node.into(), generation, disk: world.disk(node) });
    if let Err(error) = record_exit(&files, &op, &exit) {
        tracing::warn!(node, %op, %error, "the exit of a unit was not recorded");
    }
}
