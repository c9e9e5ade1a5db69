//! Metrics for Prometheus, in the OpenMetrics text format, over plain HTTP for this machine. This module does not know what is measured.
//! The measured work never waits for it: if the metrics address is not available, that is logged and the work continues.

mod listen;
mod page;
mod serve;

pub use listen::Listen;
pub use page::{Labels, Out, TEXT, encode, seconds};
pub use serve::{Page, Served, serve};
