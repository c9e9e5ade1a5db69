//! Repeats a request that failed for a reason that may pass: no answer, a reset, 429, 500, 503, 504, a server without its roles yet.

use podlift_model::{Failure, FailureClass};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(5);

pub(super) struct Patience {
    /// The end of the drain's own time.
    pub deadline: Instant,
}

impl Patience {
    /// Asks until there is an answer, an error that does not pass, or no time left. The pauses grow.
    pub async fn ask<T, F>(&self, request: impl Fn() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut pause = FIRST;
        loop {
            let failure = match request().await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if failure.class != FailureClass::Transient || Instant::now() + pause > self.deadline {
                return Err(failure);
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST);
        }
    }
}
