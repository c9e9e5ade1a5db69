//! The task mode: rows that start with the task's UUID, and cancel.

use super::session::{Problem, Session};

impl Session<'_> {
    pub(super) fn task(&mut self, words: &[&str]) -> Result<(), Problem> {
        match words {
            ["list", ..] => {
                let tasks = self.ctx.world.lock().bcm.tasks.clone();
                self.ctx.out(&format!("{:<36} {:<48} {:<10}", "Task ID (key)", "Task", "State"));
                self.ctx.out(&format!("{} {} {}", "-".repeat(36), "-".repeat(48), "-".repeat(10)));
                for t in tasks {
                    let what = format!("{} {}", t.what, t.image);
                    self.ctx.out(&format!("{:<36} {what:<48} {:<10}", t.id, t.state));
                }
                Ok(())
            }
            ["cancel", id] => {
                let found = self.ctx.world.update(|s| {
                    let open = s.bcm.tasks.iter_mut().find(|t| t.id == **id && t.state == "running");
                    open.map(|t| t.state = "cancelled")
                });
                found.ok_or_else(|| Problem(format!("No such task: {id}")))
            }
            _ => Err(self.unknown(words)),
        }
    }
}
