//! CMDaemon's own work in an image after it changed: two `Create ramdisk` tasks, one after the other, which begin some seconds later and
//! have mounts of their own in the image. Between them nothing is open.

use super::super::core::World;
use super::Task;
use crate::doubles::HEAD;
use std::sync::Arc;
use std::time::Duration;

const LATER: Duration = Duration::from_secs(5);
const BETWEEN: Duration = Duration::from_secs(3);
const MOUNTS: [&str; 2] = ["dev", "proc"];

impl World {
    pub fn ramdisks(self: &Arc<Self>, image: &str) {
        let (world, image) = (self.clone(), image.to_string());
        self.spawn(HEAD, async move {
            world.sleep(LATER).await;
            world.ramdisk(&image).await;
            world.sleep(BETWEEN).await;
            world.ramdisk(&image).await;
        });
    }

    async fn ramdisk(&self, image: &str) {
        let id = self.update(|s| {
            let id = crate::objects::names::uid(&format!("task {}", s.serial()));
            let task =
                Task { id: id.clone(), what: "Create ramdisk".into(), image: image.into(), state: "running" };
            s.bcm.tasks.push(task);
            id
        });
        self.mount(image, &MOUNTS);
        self.sleep(self.shape.timing.ramdisk).await;
        self.unmount(image, &MOUNTS);
        self.update(|s| {
            let fails = s.bcm.switches.failing_tasks > 0;
            s.bcm.switches.failing_tasks -= u32::from(fails);
            let task = s.bcm.tasks.iter_mut().find(|t| t.id == id && t.state == "running");
            task.map(|t| t.state = if fails { "failed" } else { "done" })
        });
    }
}
