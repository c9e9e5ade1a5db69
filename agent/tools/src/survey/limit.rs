//! The time limit of a survey. Its commands end with it, so that none outlives the question.

use async_trait::async_trait;
use podlift_common::clock::Clock;
use podlift_host::{CommandError, Commands, Host, Invocation, Output};
use std::sync::Arc;
use std::time::Duration;

/// Shorter than a coordinator waits for a node.
const LIMIT: Duration = Duration::from_secs(50);

struct Limited {
    inner: Arc<dyn Commands>,
    clock: Arc<dyn Clock>,
    /// End of the survey on the boot clock.
    end: Duration,
}

/// The same ports, with commands that end no later than the survey.
pub fn limited(host: &Host) -> Host {
    let end = host.clock.since_boot() + LIMIT;
    let commands = Limited { inner: host.commands.clone(), clock: host.clock.clone(), end };
    Host { commands: Arc::new(commands), ..host.clone() }
}

#[async_trait]
impl Commands for Limited {
    async fn run(&self, call: &Invocation) -> Result<Output, CommandError> {
        let left = self.end.saturating_sub(self.clock.since_boot());
        if left.is_zero() {
            return Err(CommandError::TimedOut { program: call.program.into(), seconds: LIMIT.as_secs() });
        }
        self.inner.run(&call.clone().timeout(call.timeout.min(left))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{Fakes, said};
    use std::sync::Mutex;

    #[tokio::test(start_paused = true)]
    async fn what_is_left_is_all_that_a_command_gets() {
        let limits = Arc::new(Mutex::new(Vec::new()));
        let seen = limits.clone();
        let bench = Fakes::new(move |call| {
            seen.lock().unwrap().push(call.timeout.as_secs());
            said("")
        });
        let host = limited(&bench.host);
        let call = Invocation::new("apt-get", ["update"]).timeout(Duration::from_secs(300));
        host.commands.run(&call).await.unwrap();
        tokio::time::advance(Duration::from_secs(45)).await;
        host.commands.run(&call).await.unwrap();
        host.commands.run(&call.clone().timeout(Duration::from_secs(1))).await.unwrap();
        tokio::time::advance(Duration::from_secs(6)).await;
        let over = host.commands.run(&call).await.unwrap_err();
        assert!(matches!(over, CommandError::TimedOut { .. }), "{over}");
        assert_eq!(*limits.lock().unwrap(), [50, 5, 1]);
    }
}
