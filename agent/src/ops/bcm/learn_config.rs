//! Lets BCM read the cluster's kubeadm-config. Without it BCM may write back the one that it has, with the settings that were repaired.
//! Whether it worked shows in what BCM does later; the coordinator looks at the ConfigMap after it.

use super::{Applied, Cx, Op};
use crate::units::Exit;
use async_trait::async_trait;
use podlift_model::{Failure, OpOutput, codes};
use podlift_tools::bcm::kubeadm_manage;

pub struct LearnConfig;

#[async_trait]
impl Op for LearnConfig {
    fn repeatable(&self) -> bool {
        true
    }

    fn is_unit(&self) -> bool {
        true
    }

    /// Never done before `apply`: BCM does not show which settings it has.
    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        match kubeadm_manage::look(&cx.node.host).await? {
            true => Ok(None),
            false => {
                let message = "BCM did not read the kubeadm-config: /cm/local/apps/cmd/scripts/cm-kubeadm-manage is not on this head node, or its help does not list update_configmap; update BCM on both head nodes and podlift retry, or compare the settings of BCM's cluster with the ConfigMap by hand";
                Err(Failure::operator(codes::BCM_NO_KUBEADM_MANAGE, message))
            }
        }
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        Ok(Applied::Unit(kubeadm_manage::update_configmap(&cx.node.config.cluster)))
    }

    async fn conclude(&self, cx: &Cx<'_>, exit: &Exit) -> Result<OpOutput, Failure> {
        let log = cx.log();
        let why = match error(&log) {
            None if exit.success() => {
                return Ok(OpOutput::Changed("BCM has read the kubeadm-config".into()));
            }
            None => format!("cm-kubeadm-manage {}", exit.describe()),
            Some(line) => format!("cm-kubeadm-manage {} with {line:?}", exit.describe()),
        };
        let message = format!(
            "BCM did not read the kubeadm-config: {why}; its own words are below: mend what they name, then podlift retry"
        );
        Err(Failure::operator(codes::BCM_NO_EFFECT, message).with_detail(&log))
    }
}

/// A line about an error, which a script of BCM may print and exit 0 after it.
fn error(log: &str) -> Option<&str> {
    const STARTS: [&str; 6] = ["error", "traceback", "fatal", "exception", "usage:", "failed"];
    log.lines().map(str::trim).find(|line| {
        let line = line.to_lowercase();
        STARTS.iter().any(|start| line.starts_with(start)) || line.contains("[error]")
    })
}
