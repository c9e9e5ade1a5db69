//! The last list of all pods, for choices of a batch while no watch of pods lives. A large cluster has tens of thousands of pods, so they are
//! listed once a minute at most. A choice from older pods is judged again soon, and a drain looks at its node itself.

use podlift_engine::survey::PodView;
use podlift_model::Failure;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

pub(super) const AGE: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Listed(Mutex<Option<(Instant, Vec<PodView>)>>);

impl Listed {
    /// The last list if it was asked for less than `AGE` ago; otherwise that of `ask`. A list that fails is asked for again by the next
    /// caller.
    pub async fn pods<F>(&self, ask: impl FnOnce() -> F) -> Result<Vec<PodView>, Failure>
    where
        F: Future<Output = Result<Vec<PodView>, Failure>>,
    {
        let mut last = self.0.lock().await;
        if let Some((asked, pods)) = &*last
            && asked.elapsed() < AGE
        {
            return Ok(pods.clone());
        }
        *last = None;
        let asked = Instant::now();
        let pods = ask().await?;
        *last = Some((asked, pods.clone()));
        Ok(pods)
    }

    /// The watch lives again, and the list is not needed any more.
    pub async fn forget(&self) {
        *self.0.lock().await = None;
    }
}
