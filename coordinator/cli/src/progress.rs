//! Progress of long work on stderr: a bar or a spinner on a terminal, with the lines above it; plain lines anywhere else.

use super::out;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal as _;
use std::time::Duration;

const TICK: Duration = Duration::from_millis(120);

/// None: no terminal.
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    /// Steps of a run.
    pub fn steps() -> Self {
        Self::on_terminal(ProgressBar::new(0), "{elapsed_precise} [{bar:24.}] {pos}/{len} steps  {wide_msg}")
    }

    /// Something that takes a while and does not say how long. Said once where it can't turn.
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
        // ASCII, so that it looks the same everywhere; no colour, so that NO_COLOR has nothing to do.
        let style =
            ProgressStyle::with_template(template).map(|s| s.progress_chars("#>-").tick_chars("-\\|/ "));
        Self(style.ok().map(|style| bar.with_style(style)))
    }

    /// How far a look has come. Where nothing turns, only its end is said.
    pub fn look(&self, what: &str, done: u32, total: u32) {
        let of = if total == 0 { done.to_string() } else { format!("{done} of {total}") };
        match &self.0 {
            Some(bar) => bar.set_message(format!("{what}: {of}")),
            None if total > 0 && done == total => out::narrate(&format!("{what}: {of}")),
            None => {}
        }
    }

    /// A line above the bar.
    pub fn line(&self, text: &str) {
        match &self.0 {
            Some(bar) => bar.suspend(|| out::narrate(text)),
            None => out::narrate(text),
        }
    }

    /// What it is at; only where somebody sees a spinner.
    pub fn say(&self, text: String) {
        if let Some(bar) = &self.0 {
            bar.set_message(text);
        }
    }

    /// Whether somebody sees a bar.
    pub fn is_live(&self) -> bool {
        self.0.is_some()
    }

    pub fn set(&self, over: u32, all: u32, phase: &str) {
        if let Some(bar) = &self.0 {
            bar.set_length(all.into());
            bar.set_position(over.into());
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
