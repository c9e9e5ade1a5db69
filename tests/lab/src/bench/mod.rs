//! `podlift-lab bench`: measures, prints figures, judges only by the budget that the design names.

mod agent;
mod agents;
mod api;
mod bars;
mod drain;
mod fleet;
mod heal;
mod images;
mod journal;
mod plan;
mod rollout;
mod sentinel;
mod shell;
mod stats;
mod status;
mod trouble;
mod validate;
mod vip;

use clap::Subcommand;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// From a broken manifest's rename to its repaired file, beside the same writes alone and beside a shell loop
    Heal(heal::Args),
    /// `podlift status -o json` over thousands of sessions, beside clush
    Status(status::Args),
    /// `podlift plan` over thousands of nodes and tens of thousands of pods
    Plan(plan::Args),
    /// What thousands of idle sessions cost the coordinator
    Agents(agents::Args),
    /// What an idle agent costs its node
    Agent(agent::Args),
    /// A journal of a hundred thousand records: appends while it is read, start, one node's status, memory
    Journal(journal::Args),
    /// What the coordinator asks of the API servers at rest, and while a run drains workers
    Api(api::Args),
    /// Drains of many nodes at once: podlift beside `kubectl drain`. Exits 1 where a bar is missed
    Drain(drain::Args),
    /// Batches of workers with jobs, beside the schedule of someone who knows the length of every step. Exits 1 where the run takes more
    /// than 1.05 times as long, a job is interrupted more than once, or a node costs more than a tenth of what ansible-playbook needs for it
    Rollout(rollout::Args),
    /// Workers that get their disks from software images: how long the updates take beside the slots of the provisioners. Exits 1 where the
    /// run takes more than 1.1 times as long as the ideal schedule, or more updates are asked for at once than there are slots
    Images(images::Args),
    /// `podlift plan` and the start of its run where one worker of twenty is in some trouble
    Trouble(trouble::Args),
    /// Requests that fail while the API servers are upgraded one after the other: behind the proxy, and at their endpoints
    Vip(vip::Args),
    /// From the loss of a LoadBalancer service, and of a TLS secret, to its return in mode `repair`. Exits 1 where a bar is missed
    Sentinel(sentinel::Args),
    /// `podlift validate` over thousands of nodes and tens of thousands of pods. Exits 1 where a bar is missed
    Validate(validate::Args),
}

pub fn main(args: Args) -> anyhow::Result<ExitCode> {
    match args.what {
        What::Heal(args) => heal::main(&args),
        What::Status(args) => status::main(&args),
        What::Plan(args) => plan::main(&args),
        What::Agents(args) => agents::main(&args),
        What::Agent(args) => agent::main(&args),
        What::Journal(args) => journal::main(&args),
        What::Api(args) => api::main(&args),
        What::Drain(args) => drain::main(&args),
        What::Rollout(args) => rollout::main(&args),
        What::Images(args) => images::main(&args),
        What::Trouble(args) => trouble::main(&args),
        What::Vip(args) => vip::main(&args),
        What::Sentinel(args) => sentinel::main(&args),
        What::Validate(args) => validate::main(&args),
    }
}
