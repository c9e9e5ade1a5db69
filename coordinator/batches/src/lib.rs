//! The scheduler of the workers: nodes, jobs, the site's policy and what is going on now give the next batch, with the reason for each
//! node. It is a pure function: it reads no clock and does no IO, so the same inputs give the same batches, in any order of the inputs.

mod board;
mod canary;
mod chunk;
mod decide;
mod decision;
mod elastic;
mod field;
mod forecast;
mod groups;
mod held;
mod job;
mod limit;
mod order;
mod pick;
mod policy;
mod room;
mod scene;
mod selector;
mod share;
mod texts;
mod topology;
mod units;
mod windows;

pub use decide::decide;
pub use decision::{Batch, Decision, Forecast, Planned};
pub use forecast::forecast;
pub use groups::{GroupNodes, groups_of, without_domain};
pub use job::Job;
pub use limit::{BadLimit, Limit};
pub use policy::{FailedCheckpoint, Gangs, Group, Order, Policy, PolicyError, Take, TooLarge, Topology};
pub use scene::{Scene, Stage, Worker};
pub use windows::{BadWindow, Day, Window, open_for, open_for_worker};
