//! ExecStopPost in the lab: the unit's own command line, run for real, as systemd would.
#![allow(clippy::disallowed_methods)] // this is an edge: it spawns

use crate::world::{Shape, StopPost};
use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::Arc;

/// In process where the agent is carried.
pub fn of(shape: &Shape) -> StopPost {
    let carried: BTreeSet<String> = shape.carried().iter().cloned().collect();
    let (inside, outside) = (crate::host::in_process(), executed());
    Arc::new(move |world, node, argv, env| match carried.contains(&node) {
        true => inside(world, node, argv, env),
        false => outside(world, node, argv, env),
    })
}

fn executed() -> StopPost {
    Arc::new(|_world, node, argv, env| {
        Box::pin(async move {
            let Some((program, args)) = argv.split_first() else { return };
            let mut command = tokio::process::Command::new(program);
            command.args(args).env_clear().envs(env).process_group(0).kill_on_drop(true);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            match command.status().await {
                Ok(status) if status.success() => {}
                other => tracing::warn!(node, program, ?other, "ExecStopPost failed"),
            }
        })
    })
}
