//! Metrics for Prometheus, in the OpenMetrics text format, over plain HTTP for this machine. Nothing here knows what is measured, and
//! nothing that is measured waits for it: a metrics address that can't be had is logged, and the work goes on.

mod listen;
mod page;
mod serve;

pub use listen::Listen;
pub use page::{Labels, Out, TEXT, encode, seconds};
pub use serve::{Page, Served, serve};
