//! The four patches that an API server takes. Each changes a JSON object by its own rules and knows nothing of who asks.

mod apply;
mod json;
mod merge;
mod strategic;

pub use apply::{Conflict, apply};
pub use json::json;
pub use merge::merge;
pub use strategic::strategic;
