//! The runbook's issues in a run of a small cluster: what is taken away comes back as it was, what a person makes is left alone, and what a
//! person refuses stays undone while the run goes on.

mod crash;
mod failing;
mod refused;
mod secrets;
mod services;
mod tigera;

use podlift_engine::issues::IssueName;
use podlift_tests::pod::Pod;

/// The report has a row of this issue about this object, which says what was done.
fn reported(pod: &Pod, issue: IssueName, object: &str) -> Result<(), String> {
    let report = pod.coordinator().report(None).map_err(|e| e.to_string())?;
    let row = report.issues.iter().find(|r| r.issue == issue && r.object == object);
    match row {
        Some(row) if row.done.is_some() => Ok(()),
        _ => Err(format!("the report does not say what was done about {object}: {:?}", report.issues)),
    }
}
