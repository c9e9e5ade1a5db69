//! The version of a plan.

use crate::error::CliError;
use podlift_client::Client;
use podlift_model::KubeVersion;

/// The version that was typed. Without one, the plan has the nodes that earlier runs have deferred, and the version is that of the newest run.
pub(super) async fn target(client: &mut Client, typed: Option<KubeVersion>) -> Result<KubeVersion, CliError> {
    if let Some(version) = typed {
        return Ok(version);
    }
    let newest = client.status(None, String::new()).await?.view()?.run;
    newest.map(|run| run.to).ok_or_else(|| {
        let why = "no version was given, and there is no earlier run from which it could be taken";
        CliError::usage("no plan was made", why, "podlift help plan")
    })
}
