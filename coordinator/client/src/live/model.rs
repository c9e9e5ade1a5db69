//! What is known of run and fleet: the run folded from its records, the fleet as in the last status, and whether the coordinator
//! answers. Pure: the time is an argument.

use jiff::Timestamp;
use podlift_engine::machine::{Event, IllegalEvent, Record, RunState, apply};
use podlift_engine::view::{RunSummary, Status, status::summary};

/// Whether the coordinator answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Link {
    #[default]
    Up,
    /// `since` is the time of the first failure, `why` its cause.
    Down { since: Timestamp, why: String },
}

#[derive(Debug, Clone, Default)]
pub struct Live {
    pub link: Link,
    /// `None` until the first status has arrived.
    pub status: Option<Status>,
    /// The newest run; `None` until its first record has arrived.
    pub run: Option<RunState>,
    /// Number of the next record.
    pub next: u64,
}

impl Live {
    pub fn take_status(&mut self, status: Status) {
        self.link = Link::Up;
        self.status = Some(status);
    }

    pub fn disconnected(&mut self, why: String, now: Timestamp) {
        if self.link == Link::Up {
            self.link = Link::Down { since: now, why };
        }
    }

    /// Folds a record. Returns false for one that was seen before, as a stream that begins again sends it; it changes nothing.
    pub fn take_record(&mut self, record: &Record) -> Result<bool, IllegalEvent> {
        if record.seq < self.next {
            return Ok(false);
        }
        self.next = record.seq + 1;
        self.fold(record)?;
        Ok(true)
    }

    fn fold(&mut self, record: &Record) -> Result<(), IllegalEvent> {
        let Some(id) = &record.run else { return Ok(()) };
        let begins = matches!(record.event, Event::RunStarted { .. });
        let is_current = self.run.as_ref().is_some_and(|s| s.run == *id);
        if !begins && !is_current {
            return Ok(());
        }
        let before = if begins { None } else { self.run.take() };
        self.run = Some(apply(before, id, record.at, &record.event)?);
        Ok(())
    }

    /// The newest run in short. The folded records are ahead of the status, which is asked for at an interval.
    pub fn summary(&self) -> Option<RunSummary> {
        let of_status = || self.status.as_ref().and_then(|s| s.run.clone());
        self.run.as_ref().map(summary).or_else(of_status)
    }
}
