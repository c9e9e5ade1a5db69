//! Shows a run as it happens, one line an event on stderr, until it is over, pauses, or the person presses Ctrl-C.

use super::error::{CliError, Exit};
use super::progress::Progress;
use super::render::event;
use super::{Context, out};
use podlift_client::{Client, Observer, Position};
use podlift_engine::machine::{Record, RunState, RunStatus};
use podlift_engine::view::status::summary;

/// The state at the run's end or pause; `None` where the person has left before.
pub(super) async fn follow(
    context: &Context,
    client: Client,
    from: Position,
) -> Result<Option<RunState>, CliError> {
    let run = from.run.clone();
    let mut progress = Progress::steps();
    let ended = tokio::select! {
        end = podlift_client::follow(&context.endpoint, client, from, &mut progress) => Some(end),
        _ = tokio::signal::ctrl_c() => None,
    };
    // The bar must be gone before anything else is printed.
    drop(progress);
    if let Some(end) = ended {
        return Ok(Some(end?));
    }
    out::narrate(&format!(
        "run {run} continues without this terminal; return with `podlift status` or `podlift events --follow`"
    ));
    Ok(None)
}

/// Exit code of a command that followed a run to `state`.
pub(super) fn exit(state: Option<&RunState>) -> Exit {
    match state.map(|s| &s.status) {
        None => Exit::Interrupted,
        Some(RunStatus::Succeeded) => Exit::Done,
        Some(RunStatus::Paused { .. }) => Exit::Paused,
        Some(_) => Exit::Failed,
    }
}

impl Observer for Progress {
    fn record(&mut self, record: &Record, state: &RunState, is_new: bool) {
        if is_new {
            self.line(&event::progress(record, state));
        }
        if self.is_live() {
            let run = summary(state);
            self.set(run.steps_done, run.steps, run.phase.as_deref().unwrap_or("done"));
        }
    }
    fn disconnected(&mut self) {
        self.line("the coordinator went away; the agents continue their ops, and the run continues once the coordinator is back");
    }
}

/// Where the journal of the run ends now: what a command causes comes after it.
pub(super) async fn position(context: &Context, run: Option<&str>) -> Result<Position, CliError> {
    Ok(podlift_client::position(&mut context.client().await?, run).await?)
}

/// Shows what happens after `from`, and returns the exit code of the command.
pub(super) async fn shown(context: &Context, client: Client, from: Position) -> Result<Exit, CliError> {
    Ok(exit(follow(context, client, from).await?.as_ref()))
}
