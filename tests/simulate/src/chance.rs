//! Numbers that look random and are the same for the same seed: SplitMix64.

#[derive(Debug, Clone)]
pub(crate) struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to 1, without 1.
    pub fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The time until the next of events that come so many times a second.
    pub fn gap(&mut self, rate: f64) -> f64 {
        -(1.0 - self.part()).ln() / rate
    }

    /// The standard normal distribution (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.part()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.part()).cos()
    }

    /// One of the values, by their weights.
    pub fn pick<T: Copy>(&mut self, values: &[(T, f64)]) -> Option<T> {
        let mut left = self.part() * values.iter().map(|(_, weight)| weight).sum::<f64>();
        let hit = values.iter().find(|(_, weight)| {
            left -= weight;
            left < 0.0
        });
        hit.or(values.last()).map(|(value, _)| *value)
    }
}
