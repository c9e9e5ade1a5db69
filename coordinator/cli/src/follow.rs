//! A run as it happens: a line an event on stderr, until it is over, pauses, or the person leaves. The run does not depend on us.

use super::client::Client;
use super::error::{CliError, Exit};
use super::progress::Progress;
use super::render::event;
use super::{Context, out};
use podlift_engine::machine::EVENT_SCHEMA as EVENT;
use podlift_engine::machine::{Event, Record, RunState, RunStatus, apply};
use podlift_engine::view::status::summary;
use podlift_proto::v1::EventsRequest;
use std::time::Duration;
use tonic::{Code, Status};

/// How long a coordinator that restarts is waited for.
const TRIES: u32 = 60;
const BETWEEN: Duration = Duration::from_secs(1);

/// What was seen of the run so far.
struct Follower {
    run: String,
    next: u64,
    state: Option<RunState>,
    /// Records up to this one are folded and not shown.
    quiet_until: u64,
    progress: Progress,
}

/// The run's end, or None where the person left first.
pub(super) async fn follow(
    context: &Context,
    client: Client,
    run: &str,
    quiet_until: u64,
) -> Result<Option<RunState>, CliError> {
    let mut follower =
        Follower { run: run.into(), next: 0, state: None, quiet_until, progress: Progress::steps() };
    let ended = tokio::select! {
        end = follower.through_restarts(context, client) => Some(end),
        _ = tokio::signal::ctrl_c() => None,
    };
    // The bar goes before anything else is said.
    drop(follower);
    match ended {
        Some(end) => end.map(Some),
        None => {
            out::narrate(&format!(
                "run {run} goes on without this terminal; come back with `podlift status` or `podlift events --follow`"
            ));
            Ok(None)
        }
    }
}

/// How a command ends that followed a run to `state`.
pub(super) fn exit(state: Option<&RunState>) -> Exit {
    match state.map(|s| &s.status) {
        None => Exit::Interrupted,
        Some(RunStatus::Succeeded) => Exit::Done,
        Some(RunStatus::Paused { .. }) => Exit::Paused,
        Some(_) => Exit::Failed,
    }
}

impl Follower {
    async fn through_restarts(&mut self, context: &Context, first: Client) -> Result<RunState, CliError> {
        let mut client = Some(first);
        let mut tries = 0;
        loop {
            let connected = match client.take() {
                Some(client) => Ok(client),
                None => context.client().await,
            };
            let error = match connected {
                Ok(client) => match self.stream(context, client, &mut tries).await {
                    Ok(state) => return Ok(state),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            tries += 1;
            if error.exit != Exit::Unreachable || tries > TRIES {
                return Err(error);
            }
            if tries == 1 {
                self.progress
                    .line("the coordinator went away; the agents go on, and so does the run when it is back");
            }
            tokio::time::sleep(BETWEEN).await;
        }
    }

    async fn stream(
        &mut self,
        context: &Context,
        mut client: Client,
        tries: &mut u32,
    ) -> Result<RunState, CliError> {
        let request = EventsRequest { run: self.run.clone(), from: self.next, follow: true, last: 0 };
        let mut stream = client.events(request).await?.into_inner();
        loop {
            let Some(document) = stream.message().await.map_err(away)? else {
                return Err(away(Status::unavailable("the stream of events ended")));
            };
            *tries = 0;
            let record: Record = context.read(EVENT, &document)?;
            if let Some(end) = self.take(&record)? {
                return Ok(end);
            }
        }
    }

    /// Shows a record; the state where it ends what we follow.
    fn take(&mut self, record: &Record) -> Result<Option<RunState>, CliError> {
        self.next = record.seq + 1;
        let Some(run) = &record.run else { return Ok(None) };
        let state = apply(self.state.take(), run, record.at, &record.event)
            .map_err(|e| CliError::failed("the run can't be followed", e))?;
        let loud = record.seq > self.quiet_until;
        if loud {
            self.progress.line(&event::progress(record, &state));
        }
        if self.progress.is_live() {
            let seen = summary(&state);
            self.progress.set(seen.steps_done, seen.steps, seen.phase.as_deref().unwrap_or("done"));
        }
        let paused = matches!(record.event, Event::RunPaused { .. });
        let end = state.is_over() || (paused && loud);
        self.state = Some(state);
        Ok(if end { self.state.take() } else { None })
    }
}

/// A broken stream is a coordinator that went away.
fn away(status: Status) -> CliError {
    match status.code() {
        Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled => {
            CliError::unreachable("the coordinator went away", status.message())
        }
        _ => status.into(),
    }
}

/// Where a run's journal was before something was said to it.
pub(super) struct Position {
    run: String,
    last: u64,
}

pub(super) async fn position(context: &Context, run: Option<&str>) -> Result<Position, CliError> {
    let mut client = context.client().await?;
    let run = run.unwrap_or_default().to_string();
    // Only the last record is asked for: a run may have a hundred thousand.
    let request = EventsRequest { run, from: 0, follow: false, last: 1 };
    let mut stream = client.events(request).await?.into_inner();
    let mut position = Position { run: String::new(), last: 0 };
    while let Some(document) = stream.message().await? {
        let record: Record = context.read(EVENT, &document)?;
        position.last = record.seq;
        position.run = record.run.map(String::from).unwrap_or(position.run);
    }
    Ok(position)
}

impl Position {
    /// Shows what happens from there on.
    pub async fn follow(self, context: &Context, client: Client) -> Result<Exit, CliError> {
        let state = follow(context, client, &self.run, self.last).await?;
        Ok(exit(state.as_ref()))
    }
}
