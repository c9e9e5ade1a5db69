//! The eight faults: each waits for what it is to hit, hits it, and gives back in a sentence what proves that it did. None of them is fired
//! by a time.

mod agent_killed;
mod agent_upgraded;
mod clock_off;
mod conffile_edited;
mod coordinator_killed;
mod disk_full;
mod lock_held;
mod network_cut;
mod power_cut;

pub use agent_killed::agent_killed;
pub use agent_upgraded::AgentUpgraded;
pub use clock_off::{clock_off, seen_by_preflight};
pub use conffile_edited::{conffile_edited, conffile_kept};
pub use coordinator_killed::coordinator_killed;
pub use disk_full::DiskFull;
pub use lock_held::lock_held;
pub use network_cut::network_cut;
pub use power_cut::PowerCut;

/// The service of the agent.
pub const AGENT: &str = "podlift-agent.service";
/// The service of the coordinator.
pub const COORDINATOR: &str = "podlift-coordinator.service";
