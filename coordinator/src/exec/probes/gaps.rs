//! Outages and failures of one endpoint, from the answers of its probes in the order in which they were asked. Pure.

use podlift_engine::machine::{Event, ProbeKind, Probed, RunState};
use std::time::Duration;
use tokio::time::Instant;

/// The answer to one probe.
pub(super) struct Answer {
    pub asked: Instant,
    pub answered: Instant,
    /// The probe is one of those that are counted.
    pub counts: bool,
    /// The reason of a failure; `None` if the endpoint answered as it should.
    pub failed: Option<String>,
}

#[derive(Default)]
pub(super) struct Gaps {
    /// The first of the failures in a row, with its reason.
    first: Option<(Instant, String)>,
    /// The journal has the outage.
    written: bool,
    /// How long the outage had lasted when this coordinator took over the run.
    before: Duration,
    /// When the last counted success was asked, or when the watch that was accepted ended.
    good: Option<Instant>,
    /// The last counted answer was a failure.
    failing: bool,
    counts: Probed,
    counted_since: Option<Instant>,
}

impl Gaps {
    /// Continues what a previous coordinator measured of an outage that still lasts.
    pub fn after(state: &RunState, endpoint: &str) -> Self {
        let open = state.outages.iter().find(|o| o.endpoint == endpoint && o.milliseconds.is_none());
        let Some(open) = open else { return Self::default() };
        Self {
            first: Some((Instant::now(), open.why.clone())),
            written: true,
            before: Duration::try_from(state.last.duration_since(open.from)).unwrap_or_default(),
            ..Self::default()
        }
    }

    /// An outage begins with two failures in a row, and ends with the first success.
    pub fn take(&mut self, endpoint: &str, answer: Answer) -> Option<Event> {
        self.count(&answer);
        let endpoint = endpoint.to_string();
        match (answer.failed, self.first.take()) {
            (None, Some((since, _))) if std::mem::take(&mut self.written) => {
                let lasted = answer.answered.duration_since(since) + std::mem::take(&mut self.before);
                Some(Event::ApiUp { endpoint, milliseconds: milliseconds(lasted) })
            }
            (None, _) => None,
            (Some(why), None) => {
                self.first = Some((answer.asked, why));
                None
            }
            (Some(why), Some(first)) => {
                self.first = Some(first);
                (!std::mem::replace(&mut self.written, true)).then_some(Event::ApiDown { endpoint, why })
            }
        }
    }

    /// Counts an answer; no outage follows from it.
    pub fn count(&mut self, answer: &Answer) {
        if !answer.counts {
            self.good = None;
            return;
        }
        self.counted_since.get_or_insert(answer.asked);
        self.counts.requests += 1;
        let gap = self.good.map_or(0, |good| milliseconds(answer.asked.duration_since(good)));
        match &answer.failed {
            Some(why) => {
                self.failing = true;
                self.counts.failed += 1;
                self.counts.why.clone_from(why);
                // The gap lasts at least until now.
                self.counts.longest_gap_ms = self.counts.longest_gap_ms.max(gap);
            }
            None => {
                if std::mem::take(&mut self.failing) {
                    self.counts.longest_gap_ms = self.counts.longest_gap_ms.max(gap);
                }
                self.good = Some(answer.asked);
            }
        }
    }

    /// What was accepted has served until then: a gap begins there.
    pub fn ended(&mut self, at: Instant) {
        self.good = Some(at);
    }

    /// Time since the first of the counts that are not in the journal.
    pub fn counted_for(&self) -> Duration {
        self.counted_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// The counts that are not in the journal; `None` if there are none.
    pub fn counts(&mut self, endpoint: &str, kind: ProbeKind) -> Option<Event> {
        self.counted_since.take()?;
        let counts = std::mem::take(&mut self.counts);
        Some(Event::ApiProbed { endpoint: endpoint.into(), kind, counts })
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers every 50 ms, each after a millisecond; `x` is a failure.
    fn played(answers: &str) -> (Vec<Event>, Probed) {
        let (mut gaps, begin) = (Gaps::default(), Instant::now());
        let mut events = vec![];
        for (at, answer) in answers.chars().enumerate() {
            let asked = begin + Duration::from_millis(50) * at as u32;
            let failed = (answer == 'x').then(|| "connection refused".to_string());
            let answer = Answer { asked, answered: asked + Duration::from_millis(1), counts: true, failed };
            events.extend(gaps.take("vip", answer));
        }
        match gaps.counts("vip", ProbeKind::Read) {
            Some(Event::ApiProbed { counts, .. }) => (events, counts),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_failure_counts_and_two_in_a_row_are_an_outage() {
        let (events, counts) = played("..x..xxx..");
        assert_eq!((counts.requests, counts.failed, counts.longest_gap_ms), (10, 4, 200));
        let names: Vec<_> = events.iter().map(Event::name).collect();
        assert_eq!(names, ["api-down", "api-up"]);
        assert!(matches!(&events[1], Event::ApiUp { milliseconds: 151, .. }), "{events:?}");
    }

    #[test]
    fn single_failures_are_no_outage_and_are_not_lost() {
        let (events, counts) = played(".x.x.x.x.");
        assert_eq!((events.len(), counts.failed, counts.longest_gap_ms), (0, 4, 100));
        assert_eq!(counts.why, "connection refused");
    }

    #[test]
    fn the_gap_of_a_watch_begins_when_the_watch_ends() {
        let (mut gaps, begin) = (Gaps::default(), Instant::now());
        let at = |milliseconds| begin + Duration::from_millis(milliseconds);
        let opened = |asked, failed: Option<&str>| Answer {
            asked,
            answered: asked,
            counts: true,
            failed: failed.map(String::from),
        };
        gaps.count(&opened(at(0), None));
        gaps.ended(at(240_000));
        gaps.count(&opened(at(240_050), Some("connection refused")));
        gaps.count(&opened(at(240_100), None));
        let Some(Event::ApiProbed { counts, .. }) = gaps.counts("vip", ProbeKind::Watch) else { panic!() };
        assert_eq!((counts.requests, counts.failed, counts.longest_gap_ms), (3, 1, 100));
    }

    #[test]
    fn a_gap_that_has_not_ended_counts_as_far_as_it_was_seen() {
        let (events, counts) = played("..xxxx");
        assert_eq!((events.len(), counts.longest_gap_ms), (1, 200));
        assert_eq!(played("....").1, Probed { requests: 4, ..Probed::default() });
    }
}
