//! Arguments that say how nodes are drained.

use podlift_engine::doors::DrainOptions;

/// The heading of these arguments in the help. Each argument names it, because a heading of the whole group would also stand above the
/// arguments that follow.
const HEADING: &str = "Drain";

/// How nodes are drained, as `kubectl drain` has it. Each of these weakens the drain; the journal and the report contain it.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Drain {
    /// Seconds that each pod has to end, instead of its own terminationGracePeriodSeconds.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(i64).range(0..), help_heading = HEADING)]
    grace_period: Option<i64>,
    /// Do not wait for pods that have been terminating for longer than this.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(1..), help_heading = HEADING)]
    skip_wait_for_delete_timeout: Option<u32>,
    /// Delete pods instead of evicting them. No disruption budget and no webhook of evictions is asked.
    #[arg(long, help_heading = HEADING)]
    disable_eviction: bool,
    /// Also remove pods that no controller makes again.
    #[arg(long, help_heading = HEADING)]
    force: bool,
}

impl Drain {
    pub fn options(&self) -> DrainOptions {
        DrainOptions {
            grace_period_seconds: self.grace_period,
            skip_wait_for_delete_seconds: self.skip_wait_for_delete_timeout.unwrap_or(0),
            disable_eviction: self.disable_eviction,
            force: self.force,
        }
    }
}
