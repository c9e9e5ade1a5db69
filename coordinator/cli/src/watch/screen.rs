//! The terminal: taken, drawn on, and always given back, however this ends.

use super::draw::{self, LEAST_COLUMNS, LEAST_ROWS};
use super::feed;
use super::keys::{self, Ask};
use super::model::{Line, Message, Model, Tone};
use crate::error::{CliError, Exit};
use crate::{Context, out};
use podlift_common::clock::{Clock as _, SystemClock};
use ratatui::DefaultTerminal;
use std::io::IsTerminal as _;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const TICK: Duration = Duration::from_secs(1);
/// Messages that are taken before the screen is drawn again.
const BURST: usize = 1000;

pub(in crate::watch) struct Taken(DefaultTerminal);

impl Taken {
    /// Takes the terminal; a panic gives it back before it is reported.
    fn new() -> Result<Self, CliError> {
        ratatui::try_init().map(Self).map_err(|e| CliError::failed("the terminal can't be used", e))
    }
    fn draw(&mut self, model: &Model) -> Result<(), CliError> {
        let drawn = self.0.draw(|frame| draw::draw(frame, model));
        drawn.map(drop).map_err(|e| CliError::failed("the terminal can't be drawn on", e))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

pub(crate) async fn run(context: &Context) -> Result<Exit, CliError> {
    let (stdin, stdout) = (std::io::stdin().is_terminal(), std::io::stdout().is_terminal());
    match out::size().filter(|_| stdin && stdout) {
        Some(size) => fits(size)?,
        None => {
            let why = "podlift watch draws on a terminal, and stdin or stdout is none";
            return Err(CliError::usage("there is no terminal", why, "podlift events --follow"));
        }
    }
    // Whatever keeps the coordinator from answering is told before the screen is taken.
    let seen = feed::fleet(&mut context.client().await?, context).await?;
    let colour = out::Screen::of_stdout().colour;
    let mut model = Model::new(colour, SystemClock.now());
    model.take_status(seen);
    let (to, from) = unbounded_channel();
    let feeds = [
        tokio::spawn(feed::statuses(context.clone(), to.clone())),
        tokio::spawn(feed::records(context.clone(), to.clone())),
    ];
    feed::keyboard(to.clone());
    let command = |verb| drop(tokio::spawn(feed::command(context.clone(), verb, to.clone())));
    let taken = Taken::new()?;
    let ended = follow(taken, &mut model, from, command).await;
    feeds.iter().for_each(tokio::task::JoinHandle::abort);
    ended
}

/// Refuses a terminal on which nothing could be read.
pub(super) fn fits((columns, rows): (u16, u16)) -> Result<(), CliError> {
    let what = match () {
        () if columns < LEAST_COLUMNS => {
            format!("this terminal is {columns} columns wide; podlift watch needs {LEAST_COLUMNS}")
        }
        () if rows < LEAST_ROWS => {
            format!("this terminal is {rows} rows high; podlift watch needs {LEAST_ROWS}")
        }
        () => return Ok(()),
    };
    Err(CliError::usage(
        what,
        "use a larger window, or podlift status, which fits anywhere",
        "podlift status",
    ))
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
    async fn any(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

/// Draws and listens until somebody leaves.
async fn follow(
    mut taken: Taken,
    model: &mut Model,
    mut from: UnboundedReceiver<Message>,
    command: impl Fn(podlift_proto::v1::command_request::Verb),
) -> Result<Exit, CliError> {
    let mut signals = Signals::new().map_err(|e| CliError::failed("signals can't be heard", e))?;
    let mut tick = tokio::time::interval(TICK);
    loop {
        taken.draw(model)?;
        let first = tokio::select! {
            message = from.recv() => message.unwrap_or(Message::Redraw),
            _ = tick.tick() => Message::Redraw,
            () = signals.any() => return Ok(Exit::Interrupted),
        };
        model.now = SystemClock.now();
        let more = std::iter::from_fn(|| from.try_recv().ok()).take(BURST);
        for message in std::iter::once(first).chain(more.collect::<Vec<_>>()) {
            match take(model, message) {
                Some(Ask::Quit) => return Ok(Exit::Done),
                Some(Ask::Interrupt) => return Ok(Exit::Interrupted),
                Some(Ask::Command(verb)) => command(verb),
                None => {}
            }
        }
    }
}

fn take(model: &mut Model, message: Message) -> Option<Ask> {
    match message {
        Message::Status(status) => model.take_status(*status),
        Message::Record(record) => model.take_record(&record),
        Message::Away(why) => model.away(why),
        Message::Said(text) => model.notice = Some(Line { text, tone: Tone::Good }),
        Message::Refused(text) => model.notice = Some(Line { text, tone: Tone::Bad }),
        Message::Key(key) => return keys::press(model, key),
        Message::Redraw => {}
    }
    None
}
