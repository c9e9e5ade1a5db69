//! The services over real mTLS on the loopback. Certificates alone decide the identity of a caller.

use crate::core::Settings;
use crate::dispatch::{Agents as _, Hub, HubSettings};
use crate::journal::MemoryJournal;
use crate::testing::{Fleet, assemble, name, store};
use podlift_common::clock::{Clock as _, SystemClock};
use podlift_common::tls::ca::{self, Pair};
use podlift_common::tls::{self, Connector, Expect, Identity, Material};
use podlift_common::wire;
use podlift_model::ClusterName;
use podlift_proto::v1::agent_service_client::AgentServiceClient;
use podlift_proto::v1::control_service_client::ControlServiceClient;
use podlift_proto::v1::from_agent::Kind;
use podlift_proto::v1::plan_update::Update;
use podlift_proto::v1::{FromAgent, Hello, PlanRequest, StatusRequest, to_agent};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

struct Site {
    dir: tempfile::TempDir,
    ca: Pair,
    address: SocketAddr,
    hub: Arc<Hub>,
    fleet: Arc<Fleet>,
    _stop: DropGuard,
}

fn material(dir: &Path, ca: &Pair, path: &str) -> Material {
    let identity: Identity = format!("spiffe://podlift/{path}").parse().unwrap();
    let pair = ca::issue(ca, &identity, &[], 1, SystemClock.now()).unwrap();
    let files = ["ca.crt", "a.crt", "a.key"].map(|f| dir.join(f));
    for (file, text) in files.iter().zip([ca.certificate.as_str(), &pair.certificate, &pair.key]) {
        podlift_common::durable::write(file, text.as_bytes(), 0o600).unwrap();
    }
    Material::load(&files[0], &files[1], &files[2]).unwrap()
}

async fn site() -> Site {
    site_with(false).await
}

async fn site_with(reflection: bool) -> Site {
    tls::install_provider();
    let dir = tempfile::tempdir().unwrap();
    let cluster = ClusterName::new("runaicluster").unwrap();
    let ca = ca::init(&cluster, SystemClock.now()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let own = material(dir.path(), &ca, "runaicluster/coordinator/head-1");
    let (fleet, store) = (Fleet::new(), store(&MemoryJournal::new()));
    let hub = Hub::new(cluster, store.clone(), Arc::new(SystemClock), HubSettings::default());
    let coordinator = assemble(&fleet, store, "one", Settings::default());
    let stop = CancellationToken::new();
    let (token, serving) = (stop.clone(), hub.clone());
    tokio::spawn(async move {
        crate::server::serve_with(listener, &own, serving, coordinator, reflection, token).await
    });
    Site { dir, ca, address, hub, fleet, _stop: stop.drop_guard() }
}

impl Site {
    async fn dial(&self, path: &str) -> Result<Channel, tonic::transport::Error> {
        let material = material(self.dir.path(), &self.ca, path);
        let (connector, to) = (Connector::new(&material, Expect::Coordinator).unwrap(), self.address);
        let dial = tower::service_fn(move |_| {
            let connector = connector.clone();
            async move { connector.connect(to).await.map(hyper_util::rt::TokioIo::new) }
        });
        Endpoint::from_shared(format!("http://{to}")).unwrap().connect_with_connector(dial).await
    }

    fn hello(&self, node: &str) -> FromAgent {
        let facts = self.fleet.lock().facts[&name("dgx030")].clone();
        let hello = Hello {
            protocol: podlift_proto::PROTOCOL,
            node: node.into(),
            ledger: facts.ledger.to_string(),
            facts: Some(wire::to_document("podlift.facts/v1", &facts)),
            ..Hello::default()
        };
        FromAgent { kind: Some(Kind::Hello(hello)) }
    }
}

#[tokio::test]
async fn a_certificate_speaks_for_one_node() {
    let site = site().await;
    let mut own = AgentServiceClient::new(site.dial("runaicluster/node/dgx030").await.unwrap());
    let words =
        tokio_stream::StreamExt::chain(tokio_stream::iter([site.hello("dgx030")]), tokio_stream::pending());
    let mut session = own.session(words).await.unwrap().into_inner();
    assert!(matches!(session.message().await.unwrap().unwrap().kind, Some(to_agent::Kind::Welcome(_))));
    assert!(site.hub.ledger(&name("dgx030")).is_some());
    let mut other = AgentServiceClient::new(site.dial("runaicluster/node/dgx031").await.unwrap());
    let refused = other.session(tokio_stream::iter([site.hello("dgx030")])).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_message_of_more_than_eight_mebibytes_is_not_read() {
    let site = site().await;
    let mut own = AgentServiceClient::new(site.dial("runaicluster/node/dgx030").await.unwrap());
    let mut large = site.hello("dgx030");
    let Some(Kind::Hello(hello)) = &mut large.kind else { panic!() };
    hello.agent_version = "x".repeat(9 << 20);
    let refused = own.session(tokio_stream::iter([large])).await.unwrap_err();
    assert!(matches!(refused.code(), Code::OutOfRange | Code::ResourceExhausted), "{refused:?}");
    assert!(site.hub.ledger(&name("dgx030")).is_none());
}

#[tokio::test]
async fn neither_nodes_nor_other_clusters_command() {
    let site = site().await;
    let mut node = ControlServiceClient::new(site.dial("runaicluster/node/dgx030").await.unwrap());
    let refused = node.status(StatusRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let told = wire::from_status(&refused).unwrap();
    assert_eq!((told.reason.as_str(), told.next.as_str()), ("DENIED", "podlift cert issue operator NAME"));
    assert_eq!(refused.metadata().get(wire::VERSION_HEADER).unwrap(), env!("CARGO_PKG_VERSION"));
    let stranger = site.dial("othercluster/operator/eve").await;
    let served = match stranger {
        Ok(channel) => ControlServiceClient::new(channel).status(StatusRequest::default()).await.is_ok(),
        Err(_) => false,
    };
    assert!(!served);
}

/// The services that reflection lists.
async fn reflected(site: &Site) -> Result<Vec<String>, tonic::Status> {
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    let channel = site.dial("runaicluster/operator/eve").await.unwrap();
    let message_request = Some(MessageRequest::ListServices(String::new()));
    let ask = tonic_reflection::pb::v1::ServerReflectionRequest { host: String::new(), message_request };
    let mut answers = ServerReflectionClient::new(channel)
        .server_reflection_info(tokio_stream::iter([ask]))
        .await?
        .into_inner();
    match answers.message().await?.and_then(|a| a.message_response) {
        Some(MessageResponse::ListServicesResponse(list)) => {
            Ok(list.service.into_iter().map(|s| s.name).collect())
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn reflection_is_there_only_where_it_was_asked_for() {
    let refused = reflected(&site().await).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
    let services = reflected(&site_with(true).await).await.unwrap();
    for service in ["podlift.v1.ControlService", "podlift.v1.AgentService", "grpc.health.v1.Health"] {
        assert!(services.iter().any(|s| s == service), "{service} is not in {services:?}");
    }
}

#[tokio::test]
async fn a_plan_is_told_while_it_is_made_and_comes_last() {
    let site = site().await;
    let mut viewer = ControlServiceClient::new(site.dial("runaicluster/operator/eve").await.unwrap());
    let ask = |to: &str| PlanRequest { to: to.into(), ..PlanRequest::default() };
    let mut updates = viewer.plan_watch(ask("v1.32.9")).await.unwrap().into_inner();
    let (mut told, mut plan) = (vec![], None);
    while let Some(update) = updates.message().await.unwrap() {
        assert!(plan.is_none(), "nothing comes after the plan");
        match update.update.unwrap() {
            Update::Progress(progress) => told.push((progress.what, progress.done, progress.total)),
            Update::Plan(document) => plan = Some(document),
        }
    }
    assert_eq!(plan.unwrap().kind, podlift_engine::program::SCHEMA);
    assert!(told.contains(&("surveys of nodes".into(), 5, 5)), "{told:?}");
    let mut updates = viewer.plan_watch(ask("v1.99.0")).await.unwrap().into_inner();
    let refused = loop {
        match updates.message().await {
            Ok(told) => assert!(matches!(told.unwrap().update, Some(Update::Progress(_)))),
            Err(refused) => break refused,
        }
    };
    assert_eq!(wire::from_status(&refused).unwrap().reason, "PLAN_IMPOSSIBLE");
}
