//! What the screen shows: the live model of run and fleet, the lines of log and heals, and where the person is. Pure.

use crate::render::{event, place};
use jiff::Timestamp;
use podlift_client::Command;
use podlift_client::live::{Live, Update};
use podlift_engine::machine::{Event, Record};
use std::collections::VecDeque;

/// Lines that can be scrolled back to.
const LOG: usize = 5000;

/// What reaches the screen.
#[derive(Debug)]
pub(super) enum Message {
    Live(Update),
    /// Answer to a command: the coordinator's sentence, or the error.
    Answer(Result<String, String>),
    Key(ratatui::crossterm::event::KeyEvent),
    /// The terminal has another size, or time has passed.
    Redraw,
}

impl From<Update> for Message {
    fn from(update: Update) -> Self {
        Self::Live(update)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Panel {
    Fleet,
    Steps,
    Log,
    Heals,
}

impl Panel {
    pub const ALL: [Panel; 4] = [Panel::Fleet, Panel::Steps, Panel::Log, Panel::Heals];
}

/// A command that a key gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Pause,
    Resume,
    Retry,
    Abort,
}

impl Verb {
    /// The command for the open run.
    pub fn command(self) -> Command {
        let (run, reason) = (None, "asked from podlift watch".to_string());
        match self {
            Self::Pause => Command::Pause { run, reason, now: false },
            Self::Resume => Command::Resume { run },
            Self::Retry => Command::Retry { run, step: None, repair_dpkg: false, devices: None },
            Self::Abort => Command::Abort { run, reason },
        }
    }
}

/// What lies over the panels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Overlay {
    Nothing,
    Help,
    /// A command that waits for its confirmation, with what was typed so far.
    Confirm {
        verb: Verb,
        typed: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Good,
    Busy,
    Care,
    Bad,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub text: String,
    pub tone: Tone,
}

pub(super) struct Model {
    pub colour: bool,
    pub now: Timestamp,
    pub live: Live,
    pub log: VecDeque<Line>,
    pub heals: VecDeque<Line>,
    pub focus: Panel,
    /// Lines that each panel is scrolled: away from the newest for log and heals, from the top for the others.
    pub scroll: [usize; 4],
    pub overlay: Overlay,
    /// Shown in the footer until the next key.
    pub notice: Option<Line>,
}

impl Model {
    pub fn new(colour: bool, now: Timestamp) -> Self {
        Self {
            colour,
            now,
            live: Live::default(),
            log: VecDeque::new(),
            heals: VecDeque::new(),
            focus: Panel::Log,
            scroll: [0; 4],
            overlay: Overlay::Nothing,
            notice: None,
        }
    }

    pub fn take(&mut self, update: Update) {
        match update {
            Update::Status(status) => self.live.take_status(*status),
            Update::Record(record) => self.take_record(&record),
            Update::Disconnected(error) => self.live.disconnected(error.summary(), self.now),
        }
    }

    /// Folds a record and appends its lines; a record that was seen before changes nothing.
    pub fn take_record(&mut self, record: &Record) {
        match self.live.take_record(record) {
            Ok(false) => return,
            Ok(true) => {}
            Err(error) => self.notice = Some(Line { text: error.to_string(), tone: Tone::Bad }),
        }
        let head = self.live.run.as_ref().and_then(|run| place::head(&run.plan));
        let text = anstream::adapter::strip_str(&event::text(&record.event, head)).to_string();
        for (i, part) in text.lines().enumerate() {
            let time = if i == 0 { crate::render::time_of_day(record.at) } else { String::new() };
            self.append(Line { text: format!("{time:<8} {}", part.trim_end()), tone: tone(&record.event) });
        }
        if let Event::Healed { heal } = &record.event {
            let text = format!(
                "{} {} {} ({}) in {} µs",
                crate::render::time_of_day(record.at),
                heal.node,
                heal.file,
                heal.rules.join(", "),
                heal.latency_us
            );
            push(&mut self.heals, Line { text, tone: Tone::Care });
        }
    }

    /// A scrolled log stays where it is while lines come.
    fn append(&mut self, line: Line) {
        push(&mut self.log, line);
        let scrolled = &mut self.scroll[Panel::Log as usize];
        if *scrolled > 0 {
            *scrolled = (*scrolled + 1).min(LOG);
        }
    }

    /// The last part of the run's id, which a person types to confirm an abort. `None` without a run.
    pub fn short_name(&self) -> Option<&str> {
        self.live.run.as_ref().and_then(|s| s.run.as_str().rsplit('-').next())
    }
}

fn push(lines: &mut VecDeque<Line>, line: Line) {
    if lines.len() == LOG {
        lines.pop_front();
    }
    lines.push_back(line);
}

fn tone(event: &Event) -> Tone {
    match event {
        Event::StepFailed { .. }
        | Event::ApiDown { .. }
        | Event::AgentLost { .. }
        | Event::ObjectLost { .. }
        | Event::MendEnded { result: Err(_), .. } => Tone::Bad,
        Event::StepWaiting { .. }
        | Event::RunPaused { .. }
        | Event::Healed { .. }
        | Event::AbortAsked { .. }
        | Event::RunAborted { .. }
        | Event::NodeDeferred { .. }
        | Event::NodeUndone { .. }
        | Event::NodeSetAside { .. }
        | Event::NodeLost { .. }
        | Event::BatchLeft { .. }
        | Event::DevicesOverridden { .. }
        | Event::HeadActs { .. }
        | Event::MachineRefused { .. }
        | Event::ItemRefused { .. }
        | Event::SentinelSaw { .. }
        | Event::LedgerChanged { .. } => Tone::Care,
        Event::BatchWaits { why, .. } if !why.is_empty() => Tone::Care,
        Event::ApiProbed { counts, .. } if counts.failed > 0 => Tone::Bad,
        Event::StepDone { .. }
        | Event::RunSucceeded
        | Event::ApiUp { .. }
        | Event::MendEnded { .. }
        | Event::SentinelCleared { .. } => Tone::Good,
        Event::StepStarted { .. }
        | Event::RunStarted { .. }
        | Event::RunResumed { .. }
        | Event::BatchChosen { .. } => Tone::Busy,
        _ => Tone::Plain,
    }
}
