//! `podlift watch`: a live screen. What is shown is a pure function of the model, and the model is a fold of records, statuses and keys.
//! Nothing here decides about a run: keys become the same commands as the verbs.

mod draw;
mod input;
mod keys;
mod model;
mod screen;
#[cfg(test)]
mod tests;

pub(super) use screen::run;
