//! The last list of objects that are listed once a minute at most: all pods, for choices of a batch while no watch of pods lives, and the
//! objects of gangs. A large cluster has tens of thousands of pods. A choice from older ones is judged again soon, and a drain looks at its
//! node itself.

use podlift_model::Failure;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

pub(super) const AGE: Duration = Duration::from_secs(60);

pub(super) struct Listed<T>(Mutex<Option<(Instant, Vec<T>)>>);

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Listed<T> {
    /// The last list if it was asked for less than `AGE` ago; otherwise that of `ask`. A list that fails is asked for again by the next
    /// caller.
    pub async fn all<F>(&self, ask: impl FnOnce() -> F) -> Result<Vec<T>, Failure>
    where
        F: Future<Output = Result<Vec<T>, Failure>>,
    {
        let mut last = self.0.lock().await;
        if let Some((asked, list)) = &*last
            && asked.elapsed() < AGE
        {
            return Ok(list.clone());
        }
        *last = None;
        let asked = Instant::now();
        let list = ask().await?;
        *last = Some((asked, list.clone()));
        Ok(list)
    }

    /// Like `all`. A list that fails is that of before, or empty, until `AGE` is over again.
    pub async fn all_or_last<F>(&self, ask: impl FnOnce() -> F) -> Vec<T>
    where
        F: Future<Output = Result<Vec<T>, Failure>>,
    {
        let mut last = self.0.lock().await;
        if let Some((asked, list)) = &*last
            && asked.elapsed() < AGE
        {
            return list.clone();
        }
        let asked = Instant::now();
        let list = ask().await.unwrap_or_else(|_| last.take().map(|(_, list)| list).unwrap_or_default());
        *last = Some((asked, list.clone()));
        list
    }

    /// The watch lives again, and the list is not needed any more.
    pub async fn forget(&self) {
        *self.0.lock().await = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_model::codes;

    #[tokio::test(start_paused = true)]
    async fn a_list_that_fails_is_the_last_one_and_is_not_asked_for_at_every_choice() {
        let (listed, asked) = (Listed::<u32>::default(), std::cell::Cell::new(0));
        let look = async |answer: Result<Vec<u32>, Failure>| {
            let ask = || async {
                asked.set(asked.get() + 1);
                answer
            };
            (listed.all_or_last(ask).await, asked.get())
        };
        let failed = || Err(Failure::transient(codes::API_BUSY, "busy"));
        assert_eq!(look(failed()).await, (vec![], 1));
        assert_eq!(look(Ok(vec![7])).await, (vec![], 1), "within the minute");
        tokio::time::advance(AGE).await;
        assert_eq!(look(Ok(vec![7])).await, (vec![7], 2));
        tokio::time::advance(AGE).await;
        assert_eq!(look(failed()).await, (vec![7], 3));
        assert_eq!(look(Ok(vec![8])).await, (vec![7], 3));
        tokio::time::advance(AGE).await;
        assert_eq!(look(Ok(vec![8])).await, (vec![8], 4));
    }
}
