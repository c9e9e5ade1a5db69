//! Run and fleet, kept current: a feed that reconnects by itself, and the model that it fills. A user interface draws the model.

mod feed;
mod model;
mod work;

pub use feed::{Feed, Update};
pub use model::{Link, Live};
pub use work::{Work, WorkState};
