//! Jobs by their ids, `namespace/Kind/name`.

use super::numbers;
use std::collections::BTreeMap;

/// The first `most` jobs, and the number of the others: `runai/PyTorchJob/llm, lab/Job/b and 2 more`.
pub(crate) fn some(ids: &[String], most: usize) -> String {
    let cut = if ids.len() <= most.saturating_add(1) { ids.len() } else { most };
    match ids.len() - cut {
        0 => ids.join(", "),
        more => format!("{} and {more} more", ids[..cut].join(", ")),
    }
}

/// `runai 180 (9 jobs), lab 32.3 (1 job)`: GPU-hours by namespace, the most first.
pub(crate) fn by_namespace<'a>(jobs: impl IntoIterator<Item = (&'a str, f64)>) -> String {
    let mut sums: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
    for (id, hours) in jobs {
        let namespace = id.split('/').next().unwrap_or(id);
        let sum = sums.entry(namespace).or_default();
        *sum = (sum.0 + 1, sum.1 + hours);
    }
    let mut sums: Vec<(&str, (usize, f64))> = sums.into_iter().collect();
    sums.sort_by(|a, b| b.1.1.total_cmp(&a.1.1));
    let one = |(namespace, (jobs, hours)): &(&str, (usize, f64))| {
        format!("{namespace} {} ({})", numbers::hours(*hours), podlift_model::count(*jobs, "job"))
    };
    sums.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_jobs_stand_for_many() {
        let ids: Vec<String> = ["a/Job/b", "c/Job/d", "e/Job/f", "g/Job/h"].map(String::from).into();
        assert_eq!(some(&ids[..3], 2), "a/Job/b, c/Job/d, e/Job/f", "one more fits as well as its number");
        assert_eq!(some(&ids, 2), "a/Job/b, c/Job/d and 2 more");
        assert_eq!((some(&[], 2), some(&ids, usize::MAX)), (String::new(), ids.join(", ")));
    }

    #[test]
    fn the_namespace_that_loses_most_stands_first() {
        let jobs = [("lab/Job/a", 1.5), ("runai/PyTorchJob/llm", 120.2), ("runai/Job/x", 60.0)];
        assert_eq!(by_namespace(jobs), "runai 180 (2 jobs), lab 1.5 (1 job)");
        assert_eq!(by_namespace([]), "");
    }
}
