//! Waits for CMDaemon's background tasks, and for what it sends. After a clone and after each change of packages it makes the image's ramdisks
//! anew in two tasks, one right after the other, so that one look without an open task proves nothing.

use super::Cx;
use podlift_model::bcm::{BcmTask, BcmTaskId, TaskState};
use podlift_model::{Failure, codes};
use podlift_tools::bcm::tasks;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

/// A ramdisk takes two minutes, and an hour with qemu.
const LIMIT: Duration = Duration::from_secs(3 * 3600);
/// The copy of an image to the other head node takes minutes.
const SENDING: Duration = Duration::from_secs(3600);
/// Looks in a row without an open task.
const LOOKS: u32 = 2;
/// Looks in a row that may fail: CMDaemon may restart.
const ERRORS: u32 = 5;

/// Looks of which some in a row may fail.
#[derive(Default)]
pub struct Patience(u32);

impl Patience {
    /// What was seen; `None` if the look failed and another one may succeed.
    pub fn take<T>(&mut self, seen: Result<T, Failure>) -> Result<Option<T>, Failure> {
        match seen {
            Ok(seen) => {
                self.0 = 0;
                Ok(Some(seen))
            }
            Err(failure) if self.0 >= ERRORS => Err(failure),
            Err(_) => {
                self.0 += 1;
                Ok(None)
            }
        }
    }
}

/// Time between two looks at the provisioning, which works in minutes.
pub fn pause(cx: &Cx<'_>) -> Duration {
    cx.node.config.ops.poll * 5
}

/// Returns when no task is open. A task that fails meanwhile is a failure; `before` are those that had failed already.
pub async fn tasks(cx: &Cx<'_>, before: &BTreeSet<BcmTaskId>) -> Result<(), Failure> {
    let until = Instant::now() + LIMIT;
    let (mut quiet, mut patience) = (0, Patience::default());
    loop {
        match patience.take(tasks::look(&cx.node.host).await)? {
            None => quiet = 0,
            Some(all) => {
                if let Some(task) =
                    all.iter().find(|t| t.state == TaskState::Failed && !before.contains(&t.id))
                {
                    return Err(failed(task));
                }
                let open: Vec<&BcmTask> = all.iter().filter(|t| t.state == TaskState::Open).collect();
                quiet = if open.is_empty() { quiet + 1 } else { 0 };
                match open.first() {
                    None if quiet >= LOOKS => return Ok(()),
                    Some(task) if Instant::now() >= until => return Err(busy(task)),
                    _ => {}
                }
            }
        }
        tokio::time::sleep(cx.node.config.bcm.settle).await;
    }
}

/// Returns when no node is provisioned and no provisioner is updated, in two looks in a row. After a copy CMDaemon sends the new image to the
/// provisioners without a task of its own: apt in an image that is being sent fails, or half of its change is sent. The image is locked, so
/// that what begins later waits.
pub async fn provisioning(cx: &Cx<'_>) -> Result<(), Failure> {
    let until = Instant::now() + SENDING;
    let (mut quiet, mut patience, daemon) = (0, Patience::default(), cx.cmdaemon());
    loop {
        match patience.take(daemon.is_idle(&cx.node.host).await)? {
            Some(true) if quiet + 1 >= LOOKS => return Ok(()),
            Some(true) => quiet += 1,
            Some(_) if Instant::now() >= until => return Err(sending()),
            _ => quiet = 0,
        }
        tokio::time::sleep(pause(cx)).await;
    }
}

fn sending() -> Failure {
    let message = format!(
        "CMDaemon has provisioned nodes or updated provisioners for {} hour without a break, and an image that is being sent must not change; see cmsh -c \"softwareimage provisioningstatus\", wait for its end, then podlift retry",
        SENDING.as_secs() / 3600
    );
    Failure::transient(codes::BCM_BUSY, message)
}

fn failed(task: &BcmTask) -> Failure {
    let message = format!(
        "CMDaemon's task {} failed: {}; look at it with cmsh -c \"task; list\" and at /var/log/cmdaemon, then podlift retry",
        task.id, task.what
    );
    Failure::operator(codes::BCM_TASK_FAILED, message)
}

fn busy(task: &BcmTask) -> Failure {
    let message = format!(
        "CMDaemon's task {} has not ended within {} hours: {}; wait for it, or end it with cmsh -c \"task; cancel {}\", then podlift retry",
        task.id,
        LIMIT.as_secs() / 3600,
        task.what,
        task.id
    );
    Failure::transient(codes::BCM_BUSY, message)
}
