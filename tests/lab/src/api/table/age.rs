//! How long ago, in the words of `k8s.io/apimachinery/pkg/util/duration`.

use jiff::Timestamp;
use serde_json::{Value, json};

/// The moment of printing.
#[derive(Debug, Clone, Copy)]
pub struct Now(pub Timestamp);

impl Now {
    pub fn since(self, at: &Value) -> String {
        match at.as_str().and_then(|t| t.parse::<Timestamp>().ok()) {
            Some(at) => between(self.0.duration_since(at).as_secs()),
            None => "<unknown>".into(),
        }
    }

    /// Of an object.
    pub fn age(self, v: &Value) -> Value {
        json!(self.since(&v["metadata"]["creationTimestamp"]))
    }
}

/// `HumanDuration`: two units at most, fewer the longer it is.
pub fn between(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two =
        |a: i64, x: &str, b: i64, y: &str| if b == 0 { format!("{a}{x}") } else { format!("{a}{x}{b}{y}") };
    match seconds {
        ..=-2 => "<invalid>".into(),
        -1..=0 => "0s".into(),
        1..120 => format!("{seconds}s"),
        120..600 => two(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        _ if hours < 192 => two(days, "d", hours % 24, "h"),
        _ if days < 730 => format!("{days}d"),
        _ if days < 2920 => two(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}
