//! Shows a run as it happens, one line an event on stderr, until it is over, pauses, or the person presses Ctrl-C.

use super::error::{CliError, Exit};
use super::progress::Progress;
use super::render::shared::{Line, Shared};
use super::render::status::course;
use super::render::{batch, clock, event, time_of_day};
use super::{Context, out};
use jiff::{SignedDuration, Timestamp};
use podlift_client::{Client, Observer, Position};
use podlift_engine::machine::{Record, RunState, RunStatus};
use podlift_engine::view::{RunSummary, eta, summary};

/// The state at the run's end or pause; `None` where the person has left before.
pub(super) async fn follow(
    context: &Context,
    client: Client,
    from: Position,
) -> Result<Option<RunState>, CliError> {
    let run = from.run.clone();
    let mut screen = Screen { progress: Progress::steps(), shared: Shared::default(), estimate: None };
    let ended = tokio::select! {
        end = podlift_client::follow(&context.endpoint, client, from, &mut screen) => Some(end),
        _ = tokio::signal::ctrl_c() => None,
    };
    // The bar must be gone before anything else is printed.
    drop(screen);
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
    let Some(state) = state else { return Exit::Interrupted };
    match &state.status {
        RunStatus::Succeeded if state.went_without_some() => Exit::Incomplete,
        RunStatus::Succeeded => Exit::Done,
        RunStatus::Paused { .. } => Exit::Paused,
        _ => Exit::Failed,
    }
}

/// The screen of a followed run: lines, and the bar below them.
struct Screen {
    progress: Progress,
    shared: Shared,
    estimate: Option<Estimate>,
}

/// The end of the run, as it was estimated at this time.
struct Estimate {
    at: Timestamp,
    ends: Option<String>,
}

/// An estimate looks at every node, so that it is not made for every record, and for none that is read again.
const ESTIMATE_EVERY: SignedDuration = SignedDuration::from_secs(5);

impl Screen {
    /// What the bar says beside its numbers: `Workers, ends about 21:40, between 21:25 and 22:10 (UTC)`.
    fn message(&mut self, record: &Record, state: &RunState, run: &RunSummary, is_new: bool) -> String {
        if let Some(wait) = &run.waits {
            return format!("no other node begins: {}", batch::waits(wait, record.at));
        }
        let at_head = || run.at_head.as_ref().map(course::of_head);
        let now = self.shared.line().or_else(at_head).or_else(|| run.phase.clone());
        let now = now.unwrap_or_else(|| "done".into());
        let old = |e: &Estimate| record.at.duration_since(e.at) >= ESTIMATE_EVERY;
        if is_new && self.estimate.as_ref().is_none_or(old) {
            let ends = eta(state, record.at).map(|eta| clock::eta(&eta, record.at));
            self.estimate = Some(Estimate { at: record.at, ends });
        }
        match self.estimate.as_ref().and_then(|e| e.ends.as_ref()) {
            Some(ends) => format!("{now}, ends {ends}"),
            None => now,
        }
    }
}

impl Observer for Screen {
    fn record(&mut self, record: &Record, state: &RunState, is_new: bool) {
        let shared = self.shared.take(&record.event, state);
        if is_new {
            match &shared {
                Line::Own => self.progress.line(&event::progress(record, state)),
                Line::Shared(Some(line)) => {
                    self.progress.line(&format!("{} {line}", time_of_day(record.at)));
                }
                Line::Shared(None) => {}
            }
        }
        if self.progress.is_live() {
            let run = summary(state);
            let message = self.message(record, state, &run, is_new);
            self.progress.set(run.steps_done, run.steps, &message);
        }
    }
    fn disconnected(&mut self) {
        self.progress.line("the coordinator went away; the agents continue their ops, and the run continues once the coordinator is back");
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

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_engine::goals::build;
    use podlift_engine::machine::{Aside, Event, apply};
    use podlift_engine::program::StopReason;
    use podlift_engine::testing::{input, name};

    #[test]
    fn a_run_that_succeeded_without_workers_that_failed_has_an_exit_code_of_its_own() {
        let (run, at) = ("r1".parse().unwrap(), "2026-11-22T01:00:00Z".parse().unwrap());
        let plan = Box::new(build(&input()).unwrap());
        let started = Event::RunStarted { plan, by: "eve".into() };
        let mut state = apply(None, &run, at, &started).unwrap();
        state.status = RunStatus::Succeeded;
        assert_eq!((exit(Some(&state)), event::without(&state).as_str()), (Exit::Done, ""));
        let reason = StopReason {
            code: "drain-blocked".into(),
            message: "no progress".into(),
            detail: String::new(),
            undone: String::new(),
            next: "podlift retry".into(),
        };
        let step = "workers/dgx031/drain".parse().unwrap();
        state.set_aside.insert(name("dgx031"), Aside { step, reason, at });
        assert_eq!((exit(Some(&state)), Exit::Incomplete as u8), (Exit::Incomplete, 6));
        assert_eq!(event::without(&state), " without dgx031, which failed");
        let left = Event::BatchLeft { nodes: vec![name("dgx031")], why: "too large".into() };
        let mut state = apply(None, &run, at, &started).unwrap();
        state = apply(Some(state), &run, at, &left).unwrap();
        state.status = RunStatus::Succeeded;
        assert_eq!(exit(Some(&state)), Exit::Incomplete, "the policy has left a worker out");
        assert_eq!(exit(None), Exit::Interrupted);
    }
}
