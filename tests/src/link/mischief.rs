//! Outcomes late, doubled, out of order.

use super::{LATE, Mischief};
use podlift_proto::v1::{FromAgent, from_agent, op_report};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

fn is_outcome(message: &FromAgent) -> bool {
    let Some(from_agent::Kind::OpReport(report)) = &message.kind else { return false };
    let mutation = report.op_id.contains("-s0");
    mutation && matches!(report.state, Some(op_report::State::Outcome(_)))
}

/// What arrives of what the agent says.
pub fn apply(mischief: Mischief, mut said: mpsc::Receiver<FromAgent>) -> ReceiverStream<FromAgent> {
    let (send, arrives) = mpsc::channel(1024);
    tokio::spawn(async move {
        let mut kept = None;
        while let Some(message) = said.recv().await {
            let outcome = is_outcome(&message);
            let delivered = match mischief {
                Mischief::Late if outcome => {
                    let send = send.clone();
                    tokio::spawn(async move {
                        tokio::time::sleep(LATE).await;
                        drop(send.send(message).await);
                    });
                    Ok(())
                }
                Mischief::Doubled if outcome => {
                    drop(send.send(message.clone()).await);
                    send.send(message).await
                }
                Mischief::Reordered if outcome && kept.is_none() => {
                    kept = Some(message);
                    Ok(())
                }
                _ => {
                    let first = send.send(message).await;
                    match kept.take() {
                        Some(late) => send.send(late).await,
                        None => first,
                    }
                }
            };
            if delivered.is_err() {
                return;
            }
        }
    });
    ReceiverStream::new(arrives)
}
