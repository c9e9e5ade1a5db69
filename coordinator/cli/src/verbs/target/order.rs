//! Arguments that say when workers go, and how many at once. They outweigh the site's rules and the coordinator's configuration for the plan
//! in which they are.

use jiff::SignedDuration;
use podlift_engine::program::{self, Limit, Window};

/// The heading of these arguments in the help.
const HEADING: &str = "Order of the workers";

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Order {
    /// Workers that may be unavailable at once, including those that already are: a number, or a share of the run's workers. As configured
    /// by default.
    #[arg(long, value_name = "N|P%", value_parser = super::workers, help_heading = HEADING)]
    pub max_unavailable: Option<Limit>,
    /// Pause when this many workers have failed: a number, or a share of the run's workers. By default at the first failure until the first
    /// workers are over, then at 5%.
    #[arg(long, value_name = "N|P%", help_heading = HEADING)]
    pub max_failed: Option<Limit>,
    /// Workers that go first and alone; with 0 no worker goes first. As configured by default.
    #[arg(long, value_name = "N", value_parser = first, help_heading = HEADING)]
    pub canary: Option<u32>,
    /// How long these workers must stay Ready with work on them before the next one is touched, e.g. 30m. As configured by default.
    #[arg(long, value_name = "DURATION", value_parser = soak, help_heading = HEADING)]
    pub canary_soak: Option<u32>,
    /// Take batches of 1, 2, 4, … workers, each after the one before has ended well. `--grow=false` turns the site's rule off.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        hide_possible_values = true, help_heading = HEADING)]
    pub grow: Option<bool>,
    /// Which workers go first. As the site's rules say by default.
    #[arg(long, value_enum, value_name = "ORDER", help_heading = HEADING)]
    pub order: Option<By>,
    /// Begin nodes only in this window, in place of the windows of the site's rules; may be repeated. For example
    /// "fri,sat 22:00-06:00 Europe/Berlin", "2031-12-05 22:00-06:00 Europe/Berlin" or "22:00-06:00 UTC".
    #[arg(long = "window", value_name = "WINDOW", help_heading = HEADING)]
    pub windows: Vec<Window>,
}

/// The order of the workers, by its name in `policy.toml`.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum By {
    /// Idle nodes first, then those whose jobs lose least.
    LeastLoss,
    /// By the names of the nodes; the nodes of a job stay together.
    AsPlanned,
}

impl From<By> for program::Order {
    fn from(by: By) -> Self {
        match by {
            By::LeastLoss => Self::LeastLoss,
            By::AsPlanned => Self::AsPlanned,
        }
    }
}

fn first(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "expected a number of workers, for example 2, or 0 for none".into())
}

/// Whole seconds.
fn soak(text: &str) -> Result<u32, String> {
    let time = text.parse::<SignedDuration>().ok().filter(|time| time.subsec_nanos() == 0);
    time.and_then(|time| u32::try_from(time.as_secs()).ok())
        .ok_or_else(|| "expected a time in whole seconds with its unit, for example 90s, 30m or 2h".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_soak_has_a_unit_and_is_not_negative() {
        for (text, seconds) in [("90s", 90), ("30m", 1800), ("2h", 7200), ("1h30m", 5400), ("0s", 0)] {
            assert_eq!(soak(text), Ok(seconds), "{text}");
        }
        for bad in ["30", "", "soon", "-5m", "5m ago", "250ms", "9000000h", "NaN"] {
            assert!(soak(bad).unwrap_err().contains("for example 90s, 30m or 2h"), "{bad}");
        }
    }

    #[test]
    fn a_canary_is_a_number() {
        assert_eq!((first("0"), first("12")), (Ok(0), Ok(12)));
        for bad in ["-1", "5%", "", "one"] {
            assert!(first(bad).unwrap_err().contains("expected a number of workers"), "{bad}");
        }
    }
}
