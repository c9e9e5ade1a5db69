//! Sends spans to an OTLP collector over gRPC. Its own thread exports them in batches. A full queue drops spans; an unreachable collector
//! is tried again with the next batch. The work never waits.

use super::{Boxed, Service};
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::time::Duration;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::Layer as _;

/// Time limit of one batch.
const EXPORT: Duration = Duration::from_secs(5);
/// Time limit for the remaining spans when the process ends.
pub(super) const AT_THE_END: Duration = Duration::from_secs(2);

/// Our crates, whose spans are exported. Spans of the libraries below would also export the export itself.
const OURS: [&str; 5] =
    ["podlift_common", "podlift_coordinator", "podlift_agent", "podlift_heal", "podlift_host"];

/// `http://HOST:PORT` of a collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "telemetry.otlp_endpoint = {0:?} is not valid: expected http://HOST:PORT of an OTLP collector's gRPC receiver, for example \"http://127.0.0.1:4317\" (TLS to somewhere else is that collector's work)"
)]
pub struct InvalidEndpoint(String);

impl std::str::FromStr for Endpoint {
    type Err = InvalidEndpoint;
    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let uri: Option<http::Uri> = text.parse().ok();
        let fits = |u: &http::Uri| {
            u.scheme_str() == Some("http")
                && u.port_u16().is_some()
                && matches!(u.path(), "" | "/")
                && u.query().is_none()
        };
        uri.filter(fits).map(|_| Self(text.into())).ok_or_else(|| InvalidEndpoint(text.into()))
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

pub(super) fn provider(to: &Endpoint, service: Service) -> Result<SdkTracerProvider, ExporterBuildError> {
    let exporter =
        SpanExporter::builder().with_tonic().with_endpoint(to.0.clone()).with_timeout(EXPORT).build()?;
    let version = KeyValue::new("service.version", service.version);
    let resource = Resource::builder_empty().with_service_name(service.name).with_attribute(version).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

pub(super) fn layer(provider: &SdkTracerProvider) -> Boxed {
    let ours = Targets::new().with_targets(OURS.map(|target| (target, LevelFilter::INFO)));
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("podlift"));
    // Source location and thread of a span do not help a reader of traces.
    spans.with_location(false).with_threads(false).with_filter(ours).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        for text in ["http://127.0.0.1:4317", "http://collector.site:4317/"] {
            assert!(text.parse::<Endpoint>().is_ok(), "{text}");
        }
        for text in [
            "",
            "127.0.0.1:4317",
            "https://127.0.0.1:4317",
            "http://127.0.0.1",
            "http://a:1/v1/traces",
            "a b",
        ] {
            let e = text.parse::<Endpoint>().unwrap_err().to_string();
            assert!(
                e.starts_with(&format!("telemetry.otlp_endpoint = {text:?} is not valid: expected")),
                "{e}"
            );
        }
    }
}
