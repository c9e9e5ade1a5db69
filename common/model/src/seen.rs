//! A look that may not have been possible.

/// What was seen, or why it could not be seen.
pub type Seen<T> = Result<T, String>;
