//! What the screen knows: the run folded from its records, the fleet as the last status told it, and where the person is. Pure.

use crate::render::event;
use jiff::Timestamp;
use podlift_engine::machine::{Event, Record, RunState, apply};
use podlift_engine::view::Status;
use podlift_proto::v1::command_request::Verb;
use std::collections::VecDeque;

/// Lines that can be scrolled back to.
const LOG: usize = 5000;

/// What reaches the screen.
#[derive(Debug)]
pub(super) enum Message {
    Status(Box<Status>),
    Record(Box<Record>),
    /// The coordinator does not answer, and why.
    Away(String),
    /// What came of a command.
    Said(String),
    Refused(String),
    Key(ratatui::crossterm::event::KeyEvent),
    /// The terminal has another size, or time has passed.
    Redraw,
}

/// How the coordinator can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Link {
    Up,
    Away { since: Timestamp, why: String },
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

/// What lies over the panels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Over {
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
    pub link: Link,
    pub status: Option<Status>,
    pub state: Option<RunState>,
    pub log: VecDeque<Line>,
    pub heals: VecDeque<Line>,
    pub focus: Panel,
    /// Lines that each panel is scrolled: away from the newest for log and heals, from the top for the others.
    pub scroll: [usize; 4],
    pub over: Over,
    pub notice: Option<Line>,
    /// Number of the record that the stream goes on from.
    pub next: u64,
}

impl Model {
    pub fn new(colour: bool, now: Timestamp) -> Self {
        Self {
            colour,
            now,
            link: Link::Up,
            status: None,
            state: None,
            log: VecDeque::new(),
            heals: VecDeque::new(),
            focus: Panel::Log,
            scroll: [0; 4],
            over: Over::Nothing,
            notice: None,
            next: 0,
        }
    }

    pub fn take_status(&mut self, status: Status) {
        self.link = Link::Up;
        self.status = Some(status);
    }

    pub fn away(&mut self, why: String) {
        if self.link == Link::Up {
            self.link = Link::Away { since: self.now, why };
        }
    }

    /// Folds a record; one that was seen before changes nothing.
    pub fn take_record(&mut self, record: &Record) {
        if record.seq < self.next {
            return;
        }
        self.next = record.seq + 1;
        self.fold(record);
        let text = anstream::adapter::strip_str(&event::said(&record.event)).to_string();
        for (i, part) in text.lines().enumerate() {
            let time = if i == 0 { crate::render::clock(record.at) } else { String::new() };
            self.tell(Line { text: format!("{time:<8} {}", part.trim_end()), tone: tone(&record.event) });
        }
        if let Event::Healed { heal } = &record.event {
            let text = format!(
                "{} {} {} ({}) in {} µs",
                crate::render::clock(record.at),
                heal.node,
                heal.file,
                heal.rules.join(", "),
                heal.latency_us
            );
            push(&mut self.heals, Line { text, tone: Tone::Care });
        }
    }

    fn fold(&mut self, record: &Record) {
        let Some(run) = &record.run else { return };
        let begins = matches!(record.event, Event::RunStarted { .. });
        let mine = self.state.as_ref().is_some_and(|s| s.run == *run);
        if !begins && !mine {
            return;
        }
        let before = if begins { None } else { self.state.take() };
        match apply(before, run, record.at, &record.event) {
            Ok(state) => self.state = Some(state),
            Err(error) => self.notice = Some(Line { text: error.to_string(), tone: Tone::Bad }),
        }
    }

    /// A scrolled log stays where it is while lines come.
    fn tell(&mut self, line: Line) {
        push(&mut self.log, line);
        let scrolled = &mut self.scroll[Panel::Log as usize];
        if *scrolled > 0 {
            *scrolled = (*scrolled + 1).min(LOG);
        }
    }

    /// What an abort wants typed: the last part of the run's id.
    pub fn short_name(&self) -> Option<&str> {
        let run = self.state.as_ref().map(|s| s.run.as_str())?;
        run.rsplit('-').next()
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
        Event::StepFailed { .. } | Event::ApiDown { .. } | Event::AgentLost { .. } => Tone::Bad,
        Event::StepWaiting { .. }
        | Event::RunPaused { .. }
        | Event::Healed { .. }
        | Event::AbortAsked { .. }
        | Event::RunAborted { .. }
        | Event::NodeDeferred { .. }
        | Event::MachineRefused { .. }
        | Event::LedgerChanged { .. } => Tone::Care,
        Event::StepDone { .. } | Event::RunSucceeded | Event::ApiUp { .. } => Tone::Good,
        Event::StepStarted { .. } | Event::RunStarted { .. } | Event::RunResumed { .. } => Tone::Busy,
        _ => Tone::Plain,
    }
}
