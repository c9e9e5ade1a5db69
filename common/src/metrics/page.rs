//! The parts of a scrape: gauges that are read at the time of the scrape, and the whole text.

use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;

/// Content type of the text.
pub const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Label names are fixed, and values are few: never an id that grows with time.
pub type Labels = Vec<(&'static str, String)>;

/// For a collector: whole families of values that were read just now. A family without values still has its description.
pub struct Out<'a>(pub DescriptorEncoder<'a>);

impl Out<'_> {
    pub fn gauges(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        rows: impl IntoIterator<Item = (Labels, f64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
        for (labels, value) in rows {
            match labels.is_empty() {
                // Otherwise the name would have an empty pair of braces.
                true => family.encode_gauge(&value)?,
                false => family.encode_family(&labels)?.encode_gauge(&value)?,
            }
        }
        Ok(())
    }

    /// One value without labels.
    pub fn gauge(&mut self, name: &str, help: &str, unit: Option<Unit>, value: f64) -> fmt::Result {
        self.0.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?.encode_gauge(&value)
    }
}

/// The whole text, as Prometheus reads it.
pub fn encode(registry: &Registry) -> Result<String, fmt::Error> {
    let mut out = String::new();
    text::encode(&mut out, registry)?;
    Ok(out)
}

/// A wall-clock time in seconds since 1970, as Prometheus expects it.
pub fn seconds(at: jiff::Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}
