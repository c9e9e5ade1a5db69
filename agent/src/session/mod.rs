//! The session with the coordinator: dialled again and again, with growing pauses. It carries words only: ops go on without it.

mod beat;
mod report;
mod serve;

use crate::executor::Executor;
use crate::link::Link;
use crate::metrics::Attempt;
use crate::node::Node;
use backon::{BackoffBuilder as _, ExponentialBuilder};
use std::sync::Arc;
use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Runs until it is dropped.
pub(crate) async fn run(node: Arc<Node>, executor: Arc<Executor>, link: Arc<dyn Link>) {
    let pauses = || {
        let max = node.config.session.reconnect_max;
        let builder = ExponentialBuilder::default().with_min_delay(FIRST_PAUSE.min(max)).with_max_delay(max);
        builder.without_max_times().with_jitter().build()
    };
    let mut pause = pauses();
    loop {
        match link.open().await {
            Ok(channel) => {
                let end = serve::serve(node.clone(), executor.clone(), channel).await;
                tracing::info!(why = end.why, "the session is over");
                match end.welcomed {
                    true => pause = pauses(),
                    false => node.meters.attempt(Attempt::Refused),
                }
            }
            Err(error) => {
                node.meters.attempt(Attempt::Unreachable);
                tracing::info!(%error, "no session");
            }
        }
        tokio::time::sleep(pause.next().unwrap_or(FIRST_PAUSE)).await;
    }
}

#[cfg(test)]
mod tests;
