//! Goals: each makes a program from what was observed. The goal makes all decisions of a run before the run starts.

pub mod upgrade;
