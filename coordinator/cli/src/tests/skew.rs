//! A coordinator of another version: the command line shows known documents, refuses unknown ones, and names both versions.

use super::{Exit, podlift, prepared};
use crate::tests::ended;
use podlift_common::tls;
use podlift_common::wire::VERSION_HEADER;
use podlift_proto::v1::control_service_server::{ControlService, ControlServiceServer};
use podlift_proto::v1::*;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

/// A coordinator that is newer in one form of status, and older because it lacks the request for runs.
struct Other;

fn old<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("unknown method"))
}

#[tonic::async_trait]
impl ControlService for Other {
    type PlanWatchStream = ReceiverStream<Result<PlanUpdate, Status>>;
    type EventsStream = ReceiverStream<Result<Document, Status>>;
    type BackupStream = ReceiverStream<Result<BackupUpdate, Status>>;
    type VerifyBackupStream = ReceiverStream<Result<BackupUpdate, Status>>;
    type ValidateStream = ReceiverStream<Result<ValidateUpdate, Status>>;

    async fn status(&self, request: Request<StatusRequest>) -> Result<Response<Document>, Status> {
        let version = if request.get_ref().run == "same" { "v1" } else { "v2" };
        let json = r#"{"schema":"podlift.status/v1","cluster":"c","at":"2026-11-22T02:00:00Z","coordinator":"9.0.0",
            "epoch":null,"read_only":null,"run":null,"nodes":[],"new_in_9":true}"#;
        let kind = format!("podlift.status/{version}");
        let mut answer = Response::new(Document { kind, json: json.into() });
        answer.metadata_mut().insert(VERSION_HEADER, tonic::metadata::MetadataValue::from_static("9.0.0"));
        Ok(answer)
    }
    async fn runs(&self, _: Request<RunsRequest>) -> Result<Response<Document>, Status> {
        old()
    }
    async fn node(&self, _: Request<NodeRequest>) -> Result<Response<Document>, Status> {
        old()
    }
    async fn heal(&self, _: Request<HealRequest>) -> Result<Response<Document>, Status> {
        old()
    }
    async fn backup(&self, _: Request<BackupRequest>) -> Result<Response<Self::BackupStream>, Status> {
        old()
    }
    async fn clusters(&self, _: Request<ClustersRequest>) -> Result<Response<Document>, Status> {
        old()
    }
    async fn backups(&self, _: Request<BackupsRequest>) -> Result<Response<Document>, Status> {
        old()
    }
    async fn verify_backup(
        &self,
        _: Request<VerifyBackupRequest>,
    ) -> Result<Response<Self::VerifyBackupStream>, Status> {
        old()
    }
    async fn plan(&self, _: Request<PlanRequest>) -> Result<Response<Document>, Status> {
        old()
    }
    async fn plan_watch(&self, _: Request<PlanRequest>) -> Result<Response<Self::PlanWatchStream>, Status> {
        old()
    }
    async fn report(&self, _: Request<ReportRequest>) -> Result<Response<Document>, Status> {
        old()
    }
    async fn start_run(&self, _: Request<StartRunRequest>) -> Result<Response<StartRunReply>, Status> {
        old()
    }
    async fn command(&self, _: Request<CommandRequest>) -> Result<Response<CommandReply>, Status> {
        old()
    }
    async fn validate(&self, _: Request<ValidateRequest>) -> Result<Response<Self::ValidateStream>, Status> {
        old()
    }
    async fn restore_secret(
        &self,
        _: Request<RestoreSecretRequest>,
    ) -> Result<Response<CommandReply>, Status> {
        old()
    }
    async fn events(&self, _: Request<EventsRequest>) -> Result<Response<Self::EventsStream>, Status> {
        old()
    }
}

#[tokio::test]
async fn another_podlift_is_named_and_only_what_is_unknown_is_refused() {
    let (dir, listener, material) = prepared().await;
    let incoming = tls::incoming(listener, &material).unwrap();
    let server = tonic::transport::Server::builder().add_service(ControlServiceServer::new(Other));
    let serving = tokio::spawn(server.serve_with_incoming(incoming));
    let line = |verb: &str| format!("podlift --config DIR/eve.toml {verb}");
    assert_eq!(podlift(&line("status --run same"), dir.path()).await, Exit::Done, "fields may be new");
    for format in ["table", "json", "yaml"] {
        let error = ended(&line(&format!("status -o {format}")), dir.path()).await.unwrap_err();
        assert_eq!(
            (error.exit, error.next.as_str()),
            (Exit::Failed, "apt-get install --only-upgrade podlift")
        );
        assert_eq!(
            error.why,
            format!(
                "it is of kind podlift.status/v2, and this podlift knows podlift.status/v1; the coordinator is podlift 9.0.0, and this is {}",
                env!("CARGO_PKG_VERSION")
            )
        );
    }
    let error = ended(&line("status --run same -l role=worker"), dir.path()).await.unwrap_err();
    assert_eq!((error.exit, error.what.as_str()), (Exit::Failed, "the coordinator has ignored the selector"));
    let error = ended(&line("runs"), dir.path()).await.unwrap_err();
    assert_eq!(error.next, "apt-get install --only-upgrade podlift");
    let error = ended(&line("validate"), dir.path()).await.unwrap_err();
    assert_eq!(error.next, "apt-get install --only-upgrade podlift");
    serving.abort();
}
