//! Where messages come from: the stream of records, the status every other second, the keyboard, and the answers to commands. Each goes on
//! by itself through a restart of the coordinator.

use super::model::Message;
use crate::Context;
use crate::client::Client;
use crate::error::CliError;
use podlift_engine::machine::{EVENT_SCHEMA, Record};
use podlift_engine::view::{self, Status};
use podlift_proto::v1::command_request::Verb;
use podlift_proto::v1::{CommandRequest, EventsRequest, StatusRequest};
use ratatui::crossterm::event::{self, Event};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

const STATUS: Duration = Duration::from_secs(2);
const AGAIN: Duration = Duration::from_secs(1);
/// How long the keyboard's thread may outlive the screen.
const KEYS: Duration = Duration::from_millis(100);

pub(super) async fn fleet(client: &mut Client, context: &Context) -> Result<Status, CliError> {
    let document = client.status(StatusRequest::default()).await?.into_inner();
    context.read(view::status::SCHEMA, &document)
}

/// The fleet, again and again.
pub(super) async fn statuses(context: Context, to: UnboundedSender<Message>) {
    let mut client = None;
    loop {
        let asked = async {
            if client.is_none() {
                client = Some(context.client().await?);
            }
            match &mut client {
                Some(client) => fleet(client, &context).await,
                None => Err(CliError::reader_left()),
            }
        };
        let said = asked.await;
        let wait = if said.is_ok() { STATUS } else { AGAIN };
        let message = match said {
            Ok(seen) => Message::Status(Box::new(seen)),
            Err(error) => {
                client = None;
                Message::Away(whole(&error))
            }
        };
        if to.send(message).is_err() {
            return;
        }
        tokio::time::sleep(wait).await;
    }
}

fn whole(error: &CliError) -> String {
    if error.why.is_empty() { error.what.clone() } else { format!("{}: {}", error.what, error.why) }
}

/// Every record from the newest run's first on, of the fleet and of later runs too.
pub(super) async fn records(context: Context, to: UnboundedSender<Message>) {
    let mut next = None;
    loop {
        // What went wrong is told by the status, which asks the same coordinator.
        drop(stream(&context, &to, &mut next).await);
        if to.is_closed() {
            return;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn stream(
    context: &Context,
    to: &UnboundedSender<Message>,
    next: &mut Option<u64>,
) -> Result<(), CliError> {
    let mut client = context.client().await?;
    let from = match *next {
        Some(next) => next,
        None => first(context, &mut client).await?,
    };
    let request = EventsRequest { run: "all".into(), from, follow: true, last: 0 };
    let mut stream = client.events(request).await?.into_inner();
    while let Some(document) = stream.message().await? {
        let record: Record = context.read(EVENT_SCHEMA, &document)?;
        *next = Some(record.seq + 1);
        if to.send(Message::Record(Box::new(record))).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Number of the newest run's first record; 0 where there was no run.
async fn first(context: &Context, client: &mut Client) -> Result<u64, CliError> {
    let request = EventsRequest { run: String::new(), from: 0, follow: false, last: 0 };
    let Ok(stream) = client.events(request).await else { return Ok(0) };
    match stream.into_inner().message().await? {
        Some(document) => Ok(context.read::<Record>(EVENT_SCHEMA, &document)?.seq),
        None => Ok(0),
    }
}

/// Keys and sizes, until nobody listens.
pub(super) fn keyboard(to: UnboundedSender<Message>) {
    std::thread::spawn(move || {
        while !to.is_closed() {
            let message = match event::poll(KEYS) {
                Ok(false) => continue,
                Ok(true) => match event::read() {
                    Ok(Event::Key(key)) => Message::Key(key),
                    Ok(_) => Message::Redraw,
                    Err(_) => return,
                },
                Err(_) => return,
            };
            if to.send(message).is_err() {
                return;
            }
        }
    });
}

/// Says one word to the open run.
pub(super) async fn command(context: Context, verb: Verb, to: UnboundedSender<Message>) {
    let said = async {
        let reason = "asked from podlift watch".to_string();
        let request = CommandRequest { verb: verb as i32, reason, ..CommandRequest::default() };
        Ok::<_, CliError>(context.client().await?.command(request).await?.into_inner().message)
    };
    let message = match said.await {
        Ok(message) => Message::Said(message),
        Err(error) => Message::Refused(whole(&error)),
    };
    drop(to.send(message));
}
