//! Services that might change packages or restart services without podlift during a run.

use super::View;
use crate::program::{Finding, Severity, finding};

pub fn check(view: &View) -> Vec<Finding> {
    let mut out = Vec::new();
    for (node, survey) in view.surveys() {
        if survey.automation.unattended_upgrades {
            let evidence =
                "unattended-upgrades may take dpkg's lock or change packages in the middle of the run".into();
            let next = format!("ssh {node} systemctl stop unattended-upgrades apt-daily-upgrade.timer");
            out.push(finding("unattended-upgrades", Severity::Warning, Some(node), evidence, &next));
        }
        // Mode a restarts services automatically. Mode l only lists them; mode i asks, and no operator can answer.
        if survey.automation.needrestart.as_deref() == Some("a") {
            let evidence = "needrestart restarts services by itself after packages (mode a): containerd and kubelet with them".into();
            let next = format!("ssh {node} grep -rn restart /etc/needrestart");
            out.push(finding("needrestart", Severity::Warning, Some(node), evidence, &next));
        }
    }
    out
}
