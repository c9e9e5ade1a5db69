//! The course of a run that goes on: what the head node does, the batch that is at work, what the run waits for, and when it will end.

use crate::render::{batch, clock, place};
use jiff::Timestamp;
use podlift_engine::view::{AtHead, Eta, RunSummary};
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
    let at_head = run.at_head.as_ref().map(|at| plain(of_head(at)));
    let at_work = run.batch.as_ref().map(|of| plain(batch::chosen(of)));
    let waits = run
        .waits
        .as_ref()
        .map(|wait| Line { text: format!("no other node begins: {}", batch::waits(wait, now)), waits: true });
    let ends = eta.map(|eta| plain(format!("ends {}", clock::eta(eta, now))));
    at_head.into_iter().chain(at_work).chain(waits).chain(ends).collect()
}

/// `head-01 image-packages-dgx-image-k8s-1.32.9, working: Setting up kubelet`.
pub(crate) fn of_head(at: &AtHead) -> String {
    let (place, verb) = place::of(&at.step, Some(&at.head));
    match at.line.as_ref().and_then(|line| line.lines().next()) {
        Some(line) => format!("{place} {verb}, {}: {line}", at.state),
        None => format!("{place} {verb}, {}", at.state),
    }
}

pub(super) fn text(run: &RunSummary, eta: Option<&Eta>, now: Timestamp) -> String {
    lines(run, eta, now).into_iter().fold(String::new(), |mut out, line| {
        let _ = writeln!(out, "  {}", line.text);
        out
    })
}
