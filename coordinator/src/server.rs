//! The network side of the daemon: mTLS listener, the two services, health. Everything is opened and checked before the first connection is
//! accepted.

use crate::cluster::{
    ByAddress, Cluster, Credentials, HttpsProber, KubeCluster, connect, connect_for_watches,
};
use crate::config::Config;
use crate::core::{Coordinator, Parts};
use crate::dispatch::Hub;
use crate::journal::SqliteJournal;
use crate::meters::Meters;
use crate::metrics::{Metered, Metrics};
use crate::pulse;
use crate::service::{AgentSessions, Control};
use crate::store::{Store, StoreError};
use anyhow::{Context as _, ensure};
use podlift_common::clock::{Clock, SystemClock};
use podlift_common::config::ConfigError;
use podlift_common::metrics;
use podlift_common::tls::{self, Material, Subject};
use podlift_engine::program::SitePolicy;
use podlift_model::InstanceId;
use podlift_proto::v1::agent_service_server::AgentServiceServer;
use podlift_proto::v1::control_service_server::ControlServiceServer;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic_reflection::server::v1::{ServerReflection, ServerReflectionServer};

/// Bytes of a message. Plans of large clusters travel as one document.
const MESSAGE_LIMIT: usize = 256 << 20;
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Serves until `stop` is cancelled.
pub async fn serve(config: Config, stop: CancellationToken) -> anyhow::Result<()> {
    let material = material(&config)?;
    let policy = site_policy(&config.policy)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let meters = Arc::new(Meters::default());
    let journal = SqliteJournal::open(&config.journal).map_err(StoreError::Journal)?;
    let store = Store::open(Box::new(Metered::new(journal, &meters)), clock.clone())?;
    let cluster: Arc<dyn Cluster> = Arc::new(kube(&config, policy.as_ref(), &meters).await?);
    let (name, of_hub) = (config.cluster.clone(), config.hub());
    let hub = Hub::over(cluster.clone(), name, store.clone(), clock.clone(), of_hub);
    let parts = Parts {
        cluster_name: config.cluster.clone(),
        store,
        agents: hub.clone(),
        cluster,
        clock,
        instance: InstanceId::new(uuid::Uuid::new_v4().simple().to_string())?,
        settings: config.settings(policy.as_ref()),
        head: config.bcm.as_ref().map(|bcm| bcm.head.clone()),
    };
    let coordinator = Coordinator::with_meters(parts, meters);
    match coordinator.finish_archives().await {
        Ok(0) => {}
        Ok(records) => tracing::info!(records, "an archive that was interrupted is finished"),
        // The records are still in the journal, so nothing is lost.
        Err(error) => tracing::warn!(%error, "an archive that was interrupted is not finished"),
    }
    let metrics = Metrics::new(&coordinator, Some(&config.journal));
    let _metrics = metrics::serve(config.metrics.listen, Arc::new(move || metrics.page())).await;
    let listener = TcpListener::bind(config.listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {}: set listen", config.listen))?;
    tracing::info!(address = %listener.local_addr()?, cluster = %config.cluster, "coordinator listens");
    pulse::ready();
    let served = serve_with(listener, &material, hub, coordinator, config.server.reflection, stop).await;
    pulse::stopping();
    served
}

/// Serves a hub and a coordinator that the caller has assembled.
pub async fn serve_on(
    listener: TcpListener,
    material: &Material,
    hub: Arc<Hub>,
    coordinator: Arc<Coordinator>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    serve_with(listener, material, hub, coordinator, false, stop).await
}

/// Like `serve_on`. With reflection, any client with a certificate may read the descriptors of the services.
pub async fn serve_with(
    listener: TcpListener,
    material: &Material,
    hub: Arc<Hub>,
    coordinator: Arc<Coordinator>,
    reflection: bool,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let incoming = tls::incoming(listener, material).context("TLS")?;
    let sessions = AgentServiceServer::new(AgentSessions::new(hub.clone()));
    let control = ControlServiceServer::new(Control::new(coordinator.clone()));
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<ControlServiceServer<Control>>().await;
    let router = tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .http2_keepalive_timeout(Some(KEEP_ALIVE))
        .layer(tower::util::MapResponseLayer::new(crate::service::tell))
        .add_service(health_service)
        .add_service(sessions.max_decoding_message_size(crate::dispatch::MESSAGE))
        .add_service(
            control.max_encoding_message_size(MESSAGE_LIMIT).max_decoding_message_size(MESSAGE_LIMIT),
        )
        .add_optional_service(reflection.then(reflected).transpose().context("reflection")?);
    tokio::select! {
        served = router.serve_with_incoming(incoming) => served.context("the listener ended")?,
        () = coordinator.run(stop.clone()) => {}
    }
    hub.close();
    Ok(())
}

/// Our services, health and reflection itself, from the checked-in descriptors.
fn reflected() -> Result<ServerReflectionServer<impl ServerReflection>, tonic_reflection::server::Error> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(podlift_proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
}

fn material(config: &Config) -> anyhow::Result<Material> {
    let material = Material::load(&config.tls.ca, &config.tls.certificate, &config.tls.key)?;
    let wanted = Subject::Coordinator(config.name.clone());
    ensure!(
        material.identity.subject == wanted && material.identity.cluster == config.cluster,
        "{} is for {}, and the configuration says coordinator {} of cluster {}: `podlift cert issue coordinator {} --cluster {}` makes the right one",
        config.tls.certificate.display(),
        material.identity.uri(),
        config.name,
        config.cluster,
        config.name,
        config.cluster
    );
    Ok(material)
}

/// The site's policy; `None` if there is no such file.
pub(crate) fn site_policy(path: &Path) -> anyhow::Result<Option<SitePolicy>> {
    let policy: SitePolicy = match podlift_common::config::load(path) {
        Ok(policy) => policy,
        Err(ConfigError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    policy.validate().with_context(|| format!("{} is not valid", path.display()))?;
    Ok(Some(policy))
}

async fn kube(config: &Config, policy: Option<&SitePolicy>, meters: &Meters) -> anyhow::Result<KubeCluster> {
    let k = &config.kubernetes;
    let client = connect(&k.kubeconfig, k.timeout).await?;
    let credentials = Credentials::of(&k.kubeconfig).await?;
    let prober = HttpsProber::new(&k.ca, k.vip.clone(), k.probe_timeout)?.with_credentials(credentials)?;
    let servers = ByAddress::new(&k.kubeconfig, k.timeout).await?;
    let watches = connect_for_watches(&k.kubeconfig, k.timeout).await?;
    let cluster = KubeCluster::new(client, Arc::new(prober), k.timeout).with_servers(Arc::new(servers));
    let cluster = match policy {
        Some(policy) => cluster.with_never_interrupt(policy.never_interrupt.clone()),
        None => cluster,
    };
    Ok(cluster.with_meters(meters.api.clone()).with_watches(watches))
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
