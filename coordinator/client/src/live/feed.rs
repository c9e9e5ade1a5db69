//! The sources of a live model: the stream of records, and the status at an interval. Each reconnects by itself.

use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::requests::{EventsQuery, RunScope};
use podlift_engine::machine::Record;
use podlift_engine::view::Status;
use std::time::Duration;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinHandle;

const STATUS_INTERVAL: Duration = Duration::from_secs(2);
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// News from the coordinator.
#[derive(Debug)]
pub enum Update {
    Status(Box<Status>),
    Record(Box<Record>),
    /// The coordinator does not answer.
    Disconnected(Error),
}

/// Two tasks that send updates until this value is dropped.
#[derive(Debug)]
pub struct Feed([JoinHandle<()>; 2]);

impl Feed {
    /// Starts both tasks. `to` is bounded: a slow reader slows the stream down and costs no memory.
    pub fn start<M: From<Update> + Send + 'static>(endpoint: &Endpoint, to: &Sender<M>) -> Self {
        let (endpoint, to) = (endpoint.clone(), to.clone());
        Self([tokio::spawn(statuses(endpoint.clone(), to.clone())), tokio::spawn(records(endpoint, to))])
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

async fn statuses<M: From<Update>>(endpoint: Endpoint, to: Sender<M>) {
    let mut client = None;
    loop {
        let (update, wait) = match status(&endpoint, &mut client).await {
            Ok(status) => (Update::Status(Box::new(status)), STATUS_INTERVAL),
            Err(error) => {
                client = None;
                (Update::Disconnected(error), RETRY_INTERVAL)
            }
        };
        if to.send(update.into()).await.is_err() {
            return;
        }
        tokio::time::sleep(wait).await;
    }
}

async fn status(endpoint: &Endpoint, client: &mut Option<Client>) -> Result<Status, Error> {
    let mut connected = match client.take() {
        Some(client) => client,
        None => endpoint.connect().await?,
    };
    let status = connected.status(None, String::new()).await?.view()?;
    *client = Some(connected);
    Ok(status)
}

/// Every record from the newest run's first one on: those of the fleet and of later runs, too.
async fn records<M: From<Update>>(endpoint: Endpoint, to: Sender<M>) {
    let mut next = None;
    loop {
        // The other task asks the same coordinator and reports the error.
        drop(stream(&endpoint, &to, &mut next).await);
        if to.is_closed() {
            return;
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}

async fn stream<M: From<Update>>(
    endpoint: &Endpoint,
    to: &Sender<M>,
    next: &mut Option<u64>,
) -> Result<(), Error> {
    let mut client = endpoint.connect().await?;
    let from = match *next {
        Some(next) => next,
        None => first(&mut client).await?,
    };
    let mut events =
        client.events(&EventsQuery { runs: RunScope::All, from, last: None, follow: true }).await?;
    while let Some(answer) = events.next().await? {
        let record = answer.view()?;
        *next = Some(record.seq + 1);
        if to.send(Update::Record(Box::new(record)).into()).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Number of the newest run's first record; 0 where no run was started yet.
async fn first(client: &mut Client) -> Result<u64, Error> {
    let query = EventsQuery { runs: RunScope::Newest, from: 0, last: None, follow: false };
    let Ok(mut events) = client.events(&query).await else { return Ok(0) };
    match events.next().await? {
        Some(answer) => Ok(answer.view()?.seq),
        None => Ok(0),
    }
}
