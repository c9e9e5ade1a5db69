//! The terminal of `podlift watch`. It is restored at every end, at a panic too.

use super::draw::{self, LEAST_COLUMNS, LEAST_ROWS};
use super::input;
use super::keys::{self, Action};
use super::model::{Line, Message, Model, Tone, Verb};
use crate::error::{CliError, Exit};
use crate::{Context, out};
use podlift_client::live::Feed;
use podlift_common::clock::{Clock as _, SystemClock};
use ratatui::DefaultTerminal;
use std::io::IsTerminal as _;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{Receiver, channel};

const TICK: Duration = Duration::from_secs(1);
/// Messages that wait at most, and that are taken before the screen is drawn again.
const BURST: usize = 1000;

struct Terminal(DefaultTerminal);

impl Terminal {
    /// Takes the terminal; a panic gives it back before it is reported.
    fn new() -> Result<Self, CliError> {
        ratatui::try_init().map(Self).map_err(|e| CliError::failed("the terminal can't be used", e))
    }
    fn draw(&mut self, model: &Model) -> Result<(), CliError> {
        let drawn = self.0.draw(|frame| draw::draw(frame, model));
        drawn.map(drop).map_err(|e| CliError::failed("the terminal can't be drawn on", e))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

pub(crate) async fn run(context: &Context) -> Result<Exit, CliError> {
    let (stdin, stdout) = (std::io::stdin().is_terminal(), std::io::stdout().is_terminal());
    match out::size().filter(|_| stdin && stdout) {
        Some(size) => fits(size)?,
        None => {
            let why = "podlift watch needs a terminal, and stdin or stdout is not one";
            return Err(CliError::usage("there is no terminal", why, "podlift events --follow"));
        }
    }
    // An error is printed before the screen is taken.
    let status = context.client().await?.status(None, String::new()).await?.view()?;
    let colour = out::Screen::of_stdout().colour;
    let mut model = Model::new(colour, SystemClock.now());
    model.live.take_status(status);
    let (to, from) = channel(BURST);
    let _feed = Feed::start(&context.endpoint, &to);
    input::keyboard(to.clone());
    let give = |verb: Verb| drop(tokio::spawn(input::command(context.clone(), verb.command(), to.clone())));
    follow(Terminal::new()?, &mut model, from, give).await
}

/// Refuses a terminal that is too small.
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
        "use a larger window, or podlift status, which fits any width",
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

/// Draws and reads messages until the person leaves.
async fn follow(
    mut terminal: Terminal,
    model: &mut Model,
    mut from: Receiver<Message>,
    give: impl Fn(Verb),
) -> Result<Exit, CliError> {
    let mut signals = Signals::new().map_err(|e| CliError::failed("signals can't be received", e))?;
    let mut tick = tokio::time::interval(TICK);
    loop {
        terminal.draw(model)?;
        let first = tokio::select! {
            message = from.recv() => message.unwrap_or(Message::Redraw),
            _ = tick.tick() => Message::Redraw,
            () = signals.any() => return Ok(Exit::Interrupted),
        };
        model.now = SystemClock.now();
        let more = std::iter::from_fn(|| from.try_recv().ok()).take(BURST);
        for message in std::iter::once(first).chain(more.collect::<Vec<_>>()) {
            match take(model, message) {
                Some(Action::Quit) => return Ok(Exit::Done),
                Some(Action::Interrupt) => return Ok(Exit::Interrupted),
                Some(Action::Command(verb)) => give(verb),
                None => {}
            }
        }
    }
}

fn take(model: &mut Model, message: Message) -> Option<Action> {
    match message {
        Message::Live(update) => model.take(update),
        Message::Answer(Ok(text)) => model.notice = Some(Line { text, tone: Tone::Good }),
        Message::Answer(Err(text)) => model.notice = Some(Line { text, tone: Tone::Bad }),
        Message::Key(key) => return keys::press(model, key),
        Message::Redraw => {}
    }
    None
}
