//! The course of a run that goes on: the batch that is at work, what the run waits for, and when it will end.

use crate::render::{batch, clock};
use jiff::Timestamp;
use podlift_engine::view::{Eta, RunSummary};
use std::fmt::Write as _;

/// One fact of the course.
pub(crate) struct Line {
    pub text: String,
    /// Whether it is the reason why no other node begins.
    pub waits: bool,
}

/// Empty for a run that is paused or over.
pub(crate) fn lines(run: &RunSummary, eta: Option<&Eta>, now: Timestamp) -> Vec<Line> {
    if run.status != "running" {
        return Vec::new();
    }
    let plain = |text: String| Line { text, waits: false };
    let at_work = run.batch.as_ref().map(|of| plain(batch::chosen(of)));
    let waits = run
        .waits
        .as_ref()
        .map(|wait| Line { text: format!("no other node begins: {}", batch::waits(wait, now)), waits: true });
    let ends = eta.map(|eta| plain(format!("ends {}", clock::eta(eta, now))));
    at_work.into_iter().chain(waits).chain(ends).collect()
}

pub(super) fn text(run: &RunSummary, eta: Option<&Eta>, now: Timestamp) -> String {
    lines(run, eta, now).into_iter().fold(String::new(), |mut out, line| {
        let _ = writeln!(out, "  {}", line.text);
        out
    })
}
