//! Bars of a bench: `bars` in its figures names the most, or with `_least` in the name the least, that a figure may be.

use serde_json::Value;

/// The suffix of a bar from which on a figure is good.
const LEAST: &str = "_least";

/// A line for each figure that misses its bar. A figure that was not measured misses none.
pub fn missed(figures: &Value) -> Vec<String> {
    let bars = figures["bars"].as_object().into_iter().flatten();
    let line = |(name, bar): (&String, &Value)| {
        let (figure, least) =
            name.strip_suffix(LEAST).map_or((name.as_str(), false), |figure| (figure, true));
        let (seen, bar) = (figures[figure].as_f64()?, bar.as_f64()?);
        let well = if least { seen >= bar } else { seen <= bar };
        let word = if least { "at least" } else { "at most" };
        (!well).then(|| format!("{figure} is {seen}, expected {word} {bar}"))
    };
    bars.filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn figures_beyond_their_bars_are_named() {
        let figures = json!({"wall_ratio": 0.8, "request_ratio": 0.3, "times": 9.0, "other": null,
            "bars": {"wall_ratio": 0.7, "request_ratio": 0.3, "times_least": 10, "other": 1}});
        let want = ["times is 9, expected at least 10", "wall_ratio is 0.8, expected at most 0.7"];
        let mut seen = missed(&figures);
        seen.sort();
        assert_eq!(seen, want);
    }
}
