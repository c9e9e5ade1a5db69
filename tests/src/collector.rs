//! An OTLP collector that keeps what it is sent.

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Runtime;
use tonic::{Request, Response, Status};

/// One span, as far as tests look at it.
#[derive(Debug, Clone)]
pub struct Span {
    pub service: String,
    pub name: String,
    pub trace: String,
    pub id: String,
    pub parent: String,
    pub attributes: BTreeMap<String, String>,
}

impl Span {
    /// Empty where it has none of that name.
    pub fn get(&self, attribute: &str) -> &str {
        self.attributes.get(attribute).map_or("", String::as_str)
    }
}

/// A collector on a runtime of its own, whose threads go on while a test's clock is paused.
pub struct Collector {
    spans: Arc<Mutex<Vec<Span>>>,
    pub address: SocketAddr,
    pub runtime: Runtime,
}

impl Collector {
    pub fn start() -> Self {
        let failed = |e: std::io::Error| -> ! { panic!("a collector: {e}") };
        let runtime = runtime();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|e| failed(e));
        let address = listener.local_addr().unwrap_or_else(|e| failed(e));
        listener.set_nonblocking(true).unwrap_or_else(|e| failed(e));
        let spans: Arc<Mutex<Vec<Span>>> = Arc::default();
        let service = TraceServiceServer::new(Keeper(spans.clone()));
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap_or_else(|e| failed(e));
            let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
            tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming).await
        });
        Self { spans, address, runtime }
    }

    /// What has arrived.
    pub fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Carries an exporter or a collector.
pub fn runtime() -> Runtime {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.unwrap_or_else(|e| panic!("a runtime: {e}"))
}

struct Keeper(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Keeper {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for resource in request.into_inner().resource_spans {
            let about = attributes(resource.resource.map(|r| r.attributes).unwrap_or_default());
            let service = about.get("service.name").cloned().unwrap_or_default();
            kept.extend(resource.scope_spans.into_iter().flat_map(|s| s.spans).map(|s| Span {
                service: service.clone(),
                name: s.name,
                trace: hex(&s.trace_id),
                id: hex(&s.span_id),
                parent: hex(&s.parent_span_id),
                attributes: attributes(s.attributes),
            }));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn attributes(pairs: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |pair: KeyValue| {
        let value = match pair.value.and_then(|v| v.value) {
            Some(Value::StringValue(text)) => text,
            other => format!("{other:?}"),
        };
        (pair.key, value)
    };
    pairs.into_iter().map(text).collect()
}
