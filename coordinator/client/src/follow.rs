//! A run as it happens: its records in order, folded into its state, through restarts of the coordinator. The run does not depend on the
//! follower.

use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::error::{Error, Kind};
use crate::requests::{EventsQuery, RunScope};
use podlift_engine::machine::{Event, Record, RunState, apply};
use std::time::Duration;

/// Attempts to reach a coordinator that has gone.
const ATTEMPTS: u32 = 60;
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// What the follower reports.
pub trait Observer {
    /// A record was folded into `state`. `is_new` is false for records up to the position at which the follower started.
    fn record(&mut self, record: &Record, state: &RunState, is_new: bool);
    /// The coordinator went away. The follower reconnects by itself.
    fn disconnected(&mut self);
}

/// A place in the journal of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub run: String,
    /// Number of the last record that is known already.
    pub last: u64,
}

/// Where the journal of `run` ends now; of the newest run where `run` is `None`.
pub async fn position(client: &mut Client, run: Option<&str>) -> Result<Position, Error> {
    let runs = run.map_or(RunScope::Newest, |run| RunScope::Run(run.into()));
    let mut events = client.events(&EventsQuery { runs, from: 0, last: Some(1), follow: false }).await?;
    let mut position = Position { run: String::new(), last: 0 };
    while let Some(answer) = events.next().await? {
        let record = answer.view()?;
        position.last = record.seq;
        position.run = record.run.map(String::from).unwrap_or(position.run);
    }
    Ok(position)
}

/// Follows a run until it is over, or until it pauses after `from`. Returns its state at that point.
pub async fn follow(
    endpoint: &Endpoint,
    client: Client,
    from: Position,
    observer: &mut impl Observer,
) -> Result<RunState, Error> {
    let mut follower = Follower { from, next: 0, state: None, failures: 0, observer };
    let mut client = Some(client);
    loop {
        let error = match follower.connected(endpoint, client.take()).await {
            Ok(state) => return Ok(state),
            Err(error) => error,
        };
        follower.failures += 1;
        if error.kind != Kind::Unreachable || follower.failures > ATTEMPTS {
            return Err(error);
        }
        if follower.failures == 1 {
            follower.observer.disconnected();
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}

/// What was read of the run so far.
struct Follower<'a, O> {
    from: Position,
    /// Number of the next record.
    next: u64,
    state: Option<RunState>,
    /// Failed connections since the last record.
    failures: u32,
    observer: &'a mut O,
}

impl<O: Observer> Follower<'_, O> {
    /// Reads from one connection until the run is over or the connection breaks.
    async fn connected(&mut self, endpoint: &Endpoint, client: Option<Client>) -> Result<RunState, Error> {
        let mut client = match client {
            Some(client) => client,
            None => endpoint.connect().await?,
        };
        let runs = RunScope::Run(self.from.run.clone());
        let mut events =
            client.events(&EventsQuery { runs, from: self.next, last: None, follow: true }).await?;
        loop {
            let Some(answer) = events.next().await? else {
                return Err(Error::unreachable("the coordinator went away", "the stream of events ended"));
            };
            self.failures = 0;
            if let Some(end) = self.take(&answer.view()?)? {
                return Ok(end);
            }
        }
    }

    /// Folds a record. Returns the state if the record ends what is followed.
    fn take(&mut self, record: &Record) -> Result<Option<RunState>, Error> {
        self.next = record.seq + 1;
        let Some(run) = &record.run else { return Ok(None) };
        let state = apply(self.state.take(), run, record.at, &record.event)
            .map_err(|e| Error::failed("the run can't be followed", e))?;
        let is_new = record.seq > self.from.last;
        self.observer.record(record, &state, is_new);
        let paused = matches!(record.event, Event::RunPaused { .. });
        if state.is_over() || (paused && is_new) {
            return Ok(Some(state));
        }
        self.state = Some(state);
        Ok(None)
    }
}
