//! Progress of long work on stderr: a bar or a spinner below the lines on a terminal, and plain lines elsewhere.

use super::out;
use indicatif::{ProgressBar, ProgressStyle};
use podlift_client::Progress as Counted;
use std::io::IsTerminal as _;
use std::time::Duration;

const TICK: Duration = Duration::from_millis(120);

/// `None` without a terminal.
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    /// A bar for the steps of a run.
    pub fn steps() -> Self {
        // Always more than one.
        Self::on_terminal(ProgressBar::new(0), "{elapsed_precise} [{bar:24.}] {pos}/{len} steps  {wide_msg}")
    }

    /// A spinner for work of unknown length. Without a terminal, `what` is printed once.
    pub fn waiting(what: &'static str) -> Self {
        let progress = Self::on_terminal(ProgressBar::new_spinner(), "{spinner} {wide_msg} {elapsed}");
        match &progress.0 {
            Some(bar) => {
                bar.set_message(what);
                bar.enable_steady_tick(TICK);
            }
            None => out::narrate(what),
        }
        progress
    }

    fn on_terminal(bar: ProgressBar, template: &str) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(None);
        }
        // ASCII looks the same on every terminal, and without colour NO_COLOR needs no special case.
        let style =
            ProgressStyle::with_template(template).map(|s| s.progress_chars("#>-").tick_chars("-\\|/ "));
        Self(style.ok().map(|style| bar.with_style(style)))
    }

    /// How far a look has come. Without a terminal only its end is printed.
    pub fn look(&self, seen: &Counted) {
        let Counted { what, done, total } = seen;
        let of = if *total == 0 { done.to_string() } else { format!("{done} of {total}") };
        match &self.0 {
            Some(bar) => bar.set_message(format!("{what}: {of}")),
            None if *total > 0 && done == total => out::narrate(&format!("{what}: {of}")),
            None => {}
        }
    }

    /// Prints a line above the bar.
    pub fn line(&self, text: &str) {
        match &self.0 {
            Some(bar) => bar.suspend(|| out::narrate(text)),
            None => out::narrate(text),
        }
    }

    /// Sets the message of the spinner; does nothing without a terminal.
    pub fn message(&self, text: String) {
        if let Some(bar) = &self.0 {
            bar.set_message(text);
        }
    }

    /// Whether a bar is shown.
    pub fn is_live(&self) -> bool {
        self.0.is_some()
    }

    /// Sets the bar to `done` of `all` steps.
    pub fn set(&self, done: u32, all: u32, phase: &str) {
        if let Some(bar) = &self.0 {
            bar.set_length(all.into());
            bar.set_position(done.into());
            bar.set_message(phase.to_string());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
