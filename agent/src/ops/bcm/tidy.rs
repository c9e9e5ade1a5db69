//! Leaves nothing in an image: cm-chroot-sw-img does not always unmount what it has mounted, and who copies or removes such an image reaches
//! the head node's own /dev and /proc. Runs only after a call of this op, and after CMDaemon's tasks, which mount in the image as well.

use super::memo::Memo;
use super::{Cx, idle};
use podlift_model::Failure;
use podlift_tools::bcm::{chroot, image};
use std::time::Duration;
use tokio::time::Instant;

/// How long a process that a package has started in the image may take to end: gpg-agent and the like end by themselves when the session that
/// used them is over.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for the processes in the image to end, unmounts what is left, and fails if anything stays. While a process is there nothing is
/// unmounted: it would lose its /proc and /dev, and what it still writes would go elsewhere.
pub async fn tidy(cx: &Cx<'_>, path: &str, memo: &Memo) -> Result<(), Failure> {
    let host = &cx.node.host;
    // A failed task is the business of `conclude`: here only its end counts.
    let mut failed = memo.failed.clone();
    let seen = podlift_tools::bcm::tasks::look(host).await.unwrap_or_default();
    failed.extend(seen.into_iter().map(|task| task.id));
    idle::tasks(cx, &failed).await?;
    let until = Instant::now() + PATIENCE;
    while !image::processes(host, path)?.is_empty() {
        if Instant::now() >= until {
            return Err(image::left(path, &image::inside(host, path)?));
        }
        tokio::time::sleep(cx.node.config.ops.poll).await;
    }
    let mut words = String::new();
    for point in image::mounts(host, path)? {
        let output = chroot::unmount(host, &point).await?;
        words += &output.stderr;
    }
    let inside = image::inside(host, path)?;
    match inside.is_empty() {
        true => Ok(()),
        false => Err(image::left(path, &inside).with_detail(&words)),
    }
}
