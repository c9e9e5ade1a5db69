//! Percentiles by nearest rank.

#[derive(Debug, Default)]
pub struct Samples(Vec<u64>);

impl Samples {
    pub fn push(&mut self, sample: u64) {
        self.0.push(sample);
    }

    /// Zero where there is no sample.
    pub fn percentile(&self, p: u64) -> u64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() as u64 * p).div_ceil(100).max(1) as usize;
        sorted.get(rank - 1).copied().unwrap_or(0)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_rank() {
        let mut s = Samples::default();
        assert_eq!(s.percentile(99), 0);
        (1..=200).for_each(|n| s.push(n));
        assert_eq!((s.percentile(50), s.percentile(99), s.len()), (100, 198, 200));
    }
}
