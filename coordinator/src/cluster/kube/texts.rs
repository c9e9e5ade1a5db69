//! One copy of each text that many objects have: names of namespaces, nodes and controllers, keys and values of labels. A large cluster has
//! tens of thousands of pods, and a few thousand such texts.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

static POOL: LazyLock<Mutex<Pool>> = LazyLock::new(Mutex::default);

/// The shared copy of a text. It lives as long as one of its users.
pub(super) fn shared(text: &str) -> Arc<str> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner).shared(text)
}

#[derive(Default)]
struct Pool {
    texts: HashSet<Arc<str>>,
    /// Number of texts at which those without a user are looked for.
    full: usize,
}

/// Below this number nothing is looked for.
const SMALL: usize = 4096;

impl Pool {
    fn shared(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        if self.texts.len() >= self.full.max(SMALL) {
            self.texts.retain(|text| Arc::strong_count(text) > 1);
            self.full = self.texts.len() * 2;
        }
        let new: Arc<str> = text.into();
        self.texts.insert(new.clone());
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_one_and_unused_ones_go() {
        let mut pool = Pool::default();
        let kept = pool.shared("kube-system");
        assert!(Arc::ptr_eq(&kept, &pool.shared("kube-system")));
        for number in 0..10 * SMALL {
            drop(pool.shared(&format!("job-{number}")));
        }
        assert!(pool.texts.len() <= SMALL, "{}", pool.texts.len());
        assert!(Arc::ptr_eq(&kept, &pool.shared("kube-system")), "a text in use stays");
    }
}
