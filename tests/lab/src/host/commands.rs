//! Commands: the doubles, in process. Dropping the call ends the command, as the end of its process group would.

use super::Here;
use crate::doubles::{self, dpkg};
use async_trait::async_trait;
use podlift_agent::host::{CommandError, Commands, Invocation, Output};
use std::collections::BTreeMap;

pub struct Port(pub Here);

#[async_trait]
impl Commands for Port {
    async fn run(&self, call: &Invocation) -> Result<Output, CommandError> {
        let Here { world, node, .. } = &self.0;
        if !self.0.alive() {
            return Err(CommandError::Signalled { program: call.program.into(), signal: 9 });
        }
        let mut env: BTreeMap<String, String> =
            call.env.iter().map(|(k, v)| (k.to_string(), v.clone())).collect();
        env.extend(call.folder.map(|folder| (dpkg::FOLDER.to_string(), folder.to_string())));
        let running = doubles::run(world, node, call.program, &call.args, &env);
        let seconds = call.timeout.as_secs();
        let ended = tokio::time::timeout(call.timeout, running).await;
        let ended = ended.map_err(|_| CommandError::TimedOut { program: call.program.into(), seconds })?;
        let missing =
            || CommandError::NotFound { program: call.program.into(), path: "/usr/bin (lab)".into() };
        let ended = ended.ok_or_else(missing)?;
        Ok(Output { code: ended.code, stdout: ended.stdout, stderr: ended.stderr })
    }
}
