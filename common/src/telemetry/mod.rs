//! Logs and traces. Logs go to systemd's journal, field by field, if stderr is connected to it. Otherwise they go to stderr, as text, or as
//! JSON with `--log-json`. Traces go to an OTLP collector if one is configured. stdout stays for data. Telemetry never delays the work:
//! what a collector does not accept is dropped.

mod journald;
mod otlp;
pub mod trace;

pub use otlp::{Endpoint, InvalidEndpoint};

use opentelemetry_sdk::trace::SdkTracerProvider;
use serde::Deserialize;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt as _;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// `[telemetry]` of a configuration file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where spans are sent, e.g. "http://127.0.0.1:4317"; `None` if they are not sent.
    pub otlp_endpoint: Option<Endpoint>,
}

/// How a process identifies itself to a collector.
#[derive(Debug, Clone, Copy)]
pub struct Service {
    pub name: &'static str,
    pub version: &'static str,
}

/// Keeps the exporter whose remaining spans are sent at the end.
#[derive(Debug, Default)]
#[must_use = "spans that are still on their way are sent by `flush`"]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

type Boxed = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts logs without traces.
pub fn init(filter: &str, format: LogFormat) {
    start(filter, format, Service { name: "podlift", version: "" }, None).flush();
}

/// Installs the subscriber once; a second call changes nothing. `filter` has a level and levels of single targets, e.g.
/// `info,podlift_agent=debug`; an invalid one counts as `info`. With an endpoint it must be called within a tokio runtime, whose threads carry
/// the export.
///
/// `EnvFilter` would also filter by fields of spans, and keep an engine for regular expressions in the memory of every agent.
pub fn start(filter: &str, format: LogFormat, service: Service, endpoint: Option<&Endpoint>) -> Telemetry {
    let targets = targets(filter);
    let mut layers: Vec<Boxed> = vec![logs(format).with_filter(targets).boxed()];
    let (traces, failed) = match endpoint.map(|e| otlp::provider(e, service)).transpose() {
        Ok(provider) => (provider, None),
        Err(error) => (None, Some(error)),
    };
    layers.extend(traces.as_ref().map(otlp::layer));
    if tracing_subscriber::registry().with(layers).try_init().is_err() {
        return Telemetry::default();
    }
    if let Some(error) = failed {
        tracing::error!(%error, "traces are not exported: set telemetry.otlp_endpoint right, or leave it out");
    }
    Telemetry { traces }
}

fn targets(filter: &str) -> Targets {
    filter.parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO))
}

fn logs(format: LogFormat) -> Boxed {
    if let Some(journal) = journald::layer() {
        return journal;
    }
    let text = fmt::layer().with_writer(std::io::stderr).with_target(false);
    match format {
        LogFormat::Text => text.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).boxed(),
        LogFormat::Json => text.json().boxed(),
    }
}

impl Telemetry {
    /// Sends the remaining spans, for at most two seconds: an unreachable collector must not delay the end of the process.
    pub fn flush(self) {
        if let Some(traces) = self.traces
            && let Err(error) = traces.shutdown_with_timeout(otlp::AT_THE_END)
        {
            tracing::debug!(%error, "some spans were not exported");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn a_level_for_all_and_levels_of_targets() {
        let of = |filter: &str, target: &str, level| targets(filter).would_enable(target, &level);
        assert!(of("info", "podlift_agent", Level::INFO) && !of("info", "podlift_agent", Level::DEBUG));
        let one = "info,podlift_agent=debug";
        assert!(of(one, "podlift_agent::look", Level::DEBUG) && !of(one, "h2", Level::DEBUG));
        assert!(of("=/=", "podlift_agent", Level::INFO) && !of("off", "podlift_agent", Level::ERROR));
    }
}
