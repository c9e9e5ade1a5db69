//! Goals: each makes a program from what was observed. What a run does is decided here, and nowhere after it was started.

pub mod upgrade;
