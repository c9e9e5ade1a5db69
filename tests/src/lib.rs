//! What the suites share: a World with real agents and a real coordinator in one process, under a paused clock, joined by channels. A
//! promise is a function that fails with what was broken; a sabotage takes one safety of the product away by decorating a port, and the
//! promise that guards it must then fail.

pub mod cases;
pub mod collector;
pub mod crash;
pub mod cut;
pub mod direct;
pub mod fault_matrix;
pub mod images;
pub mod link;
pub mod metric_names;
pub mod pauses;
pub mod pod;
pub mod press;
pub mod prober;
pub mod promises;
pub mod promtool;
pub mod robbed;
pub mod rollout;
pub mod sabotage;
pub mod scrape;
pub mod wire;

use std::future::Future;

/// Runs on a current-thread runtime whose clock is paused: time passes only when nothing else can happen.
pub fn paused<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let runtime = runtime.unwrap_or_else(|e| panic!("a runtime: {e}"));
    runtime.block_on(test)
}

/// What a broken promise says.
pub type Kept = Result<(), String>;

/// `Err(what)` unless it holds.
pub fn ensure(holds: bool, what: impl FnOnce() -> String) -> Kept {
    if holds { Ok(()) } else { Err(what()) }
}
