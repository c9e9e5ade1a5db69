//! The session with the coordinator. The agent connects again after each end, with growing pauses. The session carries messages only: ops
//! continue without it.

mod beat;
mod outbox;
mod report;
mod serve;

use crate::executor::Executor;
use crate::link::Link;
use crate::metrics::Attempt;
use crate::node::Node;
use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use std::sync::Arc;
use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// First pause of a refused agent. The cause lasts until a person has removed it, and each attempt costs the coordinator.
const REFUSED_FIRST: Duration = Duration::from_secs(2);
const REFUSED_MAX: Duration = Duration::from_secs(300);

fn growing(first: Duration, max: Duration) -> ExponentialBackoff {
    let builder = ExponentialBuilder::default().with_min_delay(first.min(max)).with_max_delay(max);
    builder.without_max_times().with_jitter().build()
}

/// Keeps a session open until it is dropped.
pub(crate) async fn run(node: Arc<Node>, executor: Arc<Executor>, link: Arc<dyn Link>) {
    let pauses = || growing(FIRST_PAUSE, node.config.session.reconnect_max);
    let refusals = || growing(REFUSED_FIRST, REFUSED_MAX);
    let (mut pause, mut refused) = (pauses(), refusals());
    loop {
        let mut waits = &mut pause;
        match link.open().await {
            Ok(channel) => {
                let end = serve::serve(node.clone(), executor.clone(), channel).await;
                tracing::info!(why = end.why, "the session is over");
                match end.welcomed {
                    true => {
                        (pause, refused) = (pauses(), refusals());
                        waits = &mut pause;
                    }
                    false => {
                        node.meters.attempt(Attempt::Refused);
                        if end.refused {
                            waits = &mut refused;
                        }
                    }
                }
            }
            Err(error) => {
                node.meters.attempt(Attempt::Unreachable);
                tracing::info!(%error, "no session");
            }
        }
        tokio::time::sleep(waits.next().unwrap_or(REFUSED_MAX)).await;
    }
}

#[cfg(test)]
mod tests;
