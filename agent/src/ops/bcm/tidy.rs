//! Leaves nothing in an image: cm-chroot-sw-img does not always unmount what it has mounted, and who copies or removes such an image reaches
//! the head node's own /dev and /proc. Runs only after a call of this op, and after CMDaemon's tasks, which mount in the image as well.

use super::memo::Memo;
use super::{Cx, idle};
use podlift_model::Failure;
use podlift_tools::bcm::{chroot, image};

/// Unmounts what is left, the deepest mount first, and fails if anything stays.
pub async fn tidy(cx: &Cx<'_>, path: &str, memo: &Memo) -> Result<(), Failure> {
    let host = &cx.node.host;
    // A failed task is the business of `conclude`: here only its end counts.
    let mut failed = memo.failed.clone();
    let seen = podlift_tools::bcm::tasks::look(host).await.unwrap_or_default();
    failed.extend(seen.into_iter().map(|task| task.id));
    idle::tasks(cx, &failed).await?;
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
