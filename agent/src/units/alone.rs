//! Checks whether another op's unit runs. An agent that lost its ledger does not know that unit, and must still run one mutation at a time.

use super::{Units, unit_name};
use podlift_host::Invocation;
use podlift_model::{Failure, OpId, codes};

/// Services of podlift whose names look like those of op units. Site checks change nothing, so no op waits for them.
const SERVICES: [&str; 4] =
    ["podlift-agent.service", "podlift-coordinator.service", "podlift-coordinator@", "podlift-check-"];

impl Units {
    /// Fails if a unit of another op is active, except for ops that this agent runs beside it. Passes if systemctl does not answer: `start` will then report the problem.
    pub(crate) async fn alone(&self, op: &OpId, beside: &[OpId]) -> Result<(), Failure> {
        let call = Invocation::new(
            "systemctl",
            ["list-units", "podlift-*.service", "--all", "--plain", "--no-legend"],
        );
        let Ok(output) = self.commands.run(&call).await else { return Ok(()) };
        let known = |unit: &str| unit == unit_name(op) || beside.iter().any(|other| unit == unit_name(other));
        match active(&output.stdout).find(|unit| !known(unit)) {
            None => Ok(()),
            Some(unit) => {
                let message = format!(
                    "{unit} still runs on this node, of an op that this agent does not remember; wait for it to end"
                );
                Err(Failure::transient(codes::UNIT_RUNNING, message))
            }
        }
    }
}

/// Names of op units that have not ended.
fn active(list: &str) -> impl Iterator<Item = &str> {
    list.lines().filter_map(|line| {
        let mut words = line.split_whitespace().filter(|w| *w != "●" && *w != "*");
        let (unit, _load, state) = (words.next()?, words.next()?, words.next()?);
        let over = matches!(state, "inactive" | "failed");
        let service = SERVICES.iter().any(|s| unit.starts_with(s));
        (!over && unit.starts_with("podlift-") && !service).then_some(unit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_that_are_not_over() {
        let list = "podlift-agent.service loaded active running agent\n\
                    podlift-coordinator@k8s-admin.service loaded active running coordinator\n\
                    ● podlift-a.service loaded failed failed apt-get install\n\
                    podlift-b.service loaded activating start kubeadm\n\
                    podlift-c.service loaded deactivating stop-post kubeadm\n\
                    podlift-check-storage.py.service loaded active running podlift site check storage.py\n";
        assert_eq!(active(list).collect::<Vec<_>>(), ["podlift-b.service", "podlift-c.service"]);
        assert_eq!(active("").count(), 0);
    }
}
