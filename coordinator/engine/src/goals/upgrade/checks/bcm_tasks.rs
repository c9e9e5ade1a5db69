//! CMDaemon's background tasks. Work that is open delays the images of the run, and a failed one may be of an image.

use super::View;
use crate::listed::listed;
use crate::program::{Finding, Severity, finding};
use podlift_model::bcm::{BcmTask, TaskState};
use podlift_model::count;

pub const ID: &str = "bcm-tasks";

/// Tasks in a finding.
const SHOWN: usize = 3;

pub fn check(view: &View) -> Vec<Finding> {
    let images = view.bcm.plan.as_ref().is_some_and(|bcm| !bcm.images.is_empty());
    let Some(bcm) = view.input.bcm.as_ref().filter(|_| images) else { return vec![] };
    match &bcm.provisioning {
        Err(why) => {
            let evidence = format!("BCM's provisioners and tasks are not known: {why}");
            vec![finding(
                ID,
                Severity::Warning,
                None,
                evidence,
                "cmsh -c \"softwareimage; provisioningstatus\"",
            )]
        }
        Ok(state) => {
            let of = |wanted: TaskState| -> Vec<&BcmTask> {
                state.tasks.iter().filter(|task| task.state == wanted).collect()
            };
            let open = told(&of(TaskState::Open), "still open, and software images wait for their end");
            let failed = told(&of(TaskState::Failed), "failed: look whether one was of a software image");
            let none = state.provisioners.iter().all(|p| p.drained).then(|| {
                let evidence = "no provisioner of BCM serves nodes, so no node can be written from its image";
                let next = "cmsh -c \"softwareimage; provisioningstatus\"";
                finding(ID, Severity::Blocker, None, evidence.into(), next)
            });
            open.into_iter().chain(failed).chain(none).collect()
        }
    }
}

fn told(tasks: &[&BcmTask], what: &str) -> Option<Finding> {
    let shown = listed(tasks.iter().map(|t| format!("{} ({})", t.id, t.what)), SHOWN);
    let evidence = format!("{} of CMDaemon {what}: {shown}", count(tasks.len(), "task"));
    (!tasks.is_empty()).then(|| finding(ID, Severity::Warning, None, evidence, "cmsh -c \"task; list\""))
}
