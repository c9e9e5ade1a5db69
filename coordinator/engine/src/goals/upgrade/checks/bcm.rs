//! BCM must be able to manage the target, because it manages the cluster after the upgrade too. The output of its tool counts only if it is
//! exactly a list of versions.

use super::View;
use crate::program::{Finding, Severity, finding};
use podlift_model::Minor;

const ID: &str = "bcm-version";

pub fn check(view: &View) -> Vec<Finding> {
    let Some(bcm) = &view.input.bcm else {
        let evidence = "BCM is not asked whether it supports the target: there is no [bcm] in the coordinator's configuration";
        return vec![finding(ID, Severity::Note, None, evidence.into(), "")];
    };
    supported(view, &bcm.minors).into_iter().chain(recorded(view, &bcm.recorded)).collect()
}

fn supported(view: &View, minors: &Result<Vec<Minor>, String>) -> Option<Finding> {
    let to = view.input.to;
    let block = |evidence: String, next: &str| Some(finding(ID, Severity::Blocker, None, evidence, next));
    match minors {
        Ok(minors) if minors.contains(&to.minor()) => None,
        Ok(minors) => {
            let list: Vec<String> = minors.iter().map(Minor::to_string).collect();
            let evidence = format!(
                "BCM{} does not support {}, it lists {}: update BCM first",
                of_release(view),
                to.minor(),
                list.join(", ")
            );
            block(evidence, "cm-kubernetes-setup --list-versions")
        }
        Err(why) => {
            let evidence = format!(
                "which versions BCM supports is not known: {why}. Without [bcm] in the coordinator's configuration BCM is not asked"
            );
            block(evidence, "cm-kubernetes-setup --list-versions")
        }
    }
}

/// The releases that the list comes from: ` 11.0 (cm-setup 10.0-121078)`; empty if they are not known.
fn of_release(view: &View) -> String {
    let state = view.input.bcm.as_ref().and_then(|bcm| bcm.state.as_ref().ok());
    let bcm = state.and_then(|s| s.bcm.as_ref()).map(|version| format!(" {version}"));
    let setup = state.and_then(|s| s.cm_setup.as_ref()).map(|version| format!(" (cm-setup {version})"));
    format!("{}{}", bcm.unwrap_or_default(), setup.unwrap_or_default())
}

/// The metadata alone starts nothing. A wrong version in it means that the cluster was upgraded by hand, or that the last run did not end.
fn recorded(view: &View, recorded: &Result<podlift_model::PackageVersion, String>) -> Option<Finding> {
    let next = format!("cmsh -c \"kubernetes use {}; get version\"", view.input.cluster);
    let evidence = match recorded {
        Ok(version) if version.kube == view.from => return None,
        Ok(version) => format!("BCM's metadata says {version}, and the cluster runs {}", view.from),
        Err(why) => format!("what BCM's metadata says of the cluster's version is not known: {why}"),
    };
    Some(finding(ID, Severity::Warning, None, evidence, &next))
}
