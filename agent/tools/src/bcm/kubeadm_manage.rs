//! `cm-kubeadm-manage`: lets BCM read the cluster's kubeadm-config. Not every BCM has it, and its other commands are not documented.

use super::cmsh::with_home;
use crate::UnitSpec;
use podlift_host::{CommandError, Host, Invocation};
use podlift_model::{ClusterName, Failure};
use std::time::Duration;

const SCRIPT: &str = "/cm/local/apps/cmd/scripts/cm-kubeadm-manage";
const VERB: &str = "update_configmap";
const LIMIT: Duration = Duration::from_secs(600);

/// Whether it is there, and its help lists the command.
pub async fn look(host: &Host) -> Result<bool, Failure> {
    let call = Invocation::new(SCRIPT, ["--help"]).env("HOME", "/root").env("TERM", "dumb");
    match host.commands.run(&call).await {
        Ok(output) => Ok(format!("{}{}", output.stdout, output.stderr).contains(VERB)),
        Err(CommandError::NotFound { .. } | CommandError::Spawn { .. }) => Ok(false),
        Err(error) => Err(crate::failure(error)),
    }
}

/// Lets BCM read the kubeadm-config.
pub fn update_configmap(cluster: &ClusterName) -> UnitSpec {
    let args = ["--kube-cluster", cluster.as_str(), VERB];
    with_home(UnitSpec::new(SCRIPT, args).limit(LIMIT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{Fakes, exited, said};

    #[tokio::test]
    async fn there_and_able_or_not() {
        let there = Fakes::new(|_| said("usage: cm-kubeadm-manage … {update_configmap,update_apiserver}\n"));
        assert_eq!(look(&there.host).await, Ok(true));
        assert_eq!(there.commands.calls(), [format!("{SCRIPT} --help")]);
        let older = Fakes::new(|_| exited(2, "usage: cm-kubeadm-manage {status}\n"));
        assert_eq!(look(&older.host).await, Ok(false));
        let none = Fakes::new(|call| {
            Err(CommandError::NotFound { program: call.program.into(), path: "/usr/bin".into() })
        });
        assert_eq!(look(&none.host).await, Ok(false));
        let silent =
            Fakes::new(|call| Err(CommandError::TimedOut { program: call.program.into(), seconds: 60 }));
        assert_eq!(look(&silent.host).await.unwrap_err().code, "command-timeout");
    }
}
