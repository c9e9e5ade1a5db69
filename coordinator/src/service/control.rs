//! Requests of the command line: viewers read, operators command, admins take over.

use super::caller::allow;
use super::{backup, events, read, words};
use crate::core::{Command, Coordinator, CoordinatorError, PlanAsk};
use crate::journal::Query;
use podlift_common::tls::Role;
use podlift_common::wire::{StatusError, to_document, to_status};
use podlift_engine::view;
use podlift_model::RunId;
use podlift_proto::v1::control_service_server::ControlService;
use podlift_proto::v1::{self, Document};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

pub struct Control {
    coordinator: Arc<Coordinator>,
}

fn bad(error: impl StatusError) -> Status {
    to_status(&error)
}

/// Reads the journal on a thread that may wait for the disk.
async fn reading<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, CoordinatorError> + Send + 'static,
) -> Result<T, Status> {
    let done = tokio::task::spawn_blocking(read).await;
    done.map_err(|e| Status::internal(e.to_string()))?.map_err(bad)
}

impl Control {
    pub fn new(coordinator: Arc<Coordinator>) -> Self {
        Self { coordinator }
    }
}

#[tonic::async_trait]
impl ControlService for Control {
    type PlanWatchStream = ReceiverStream<Result<v1::PlanUpdate, Status>>;
    type EventsStream = ReceiverStream<Result<Document, Status>>;
    type BackupStream = ReceiverStream<Result<v1::BackupUpdate, Status>>;
    type VerifyBackupStream = ReceiverStream<Result<v1::BackupUpdate, Status>>;
    type ValidateStream = ReceiverStream<Result<v1::ValidateUpdate, Status>>;

    async fn plan(&self, request: Request<v1::PlanRequest>) -> Result<Response<Document>, Status> {
        let by = allow(&request, Role::Viewer)?;
        let ask = read::plan(request.get_ref()).map_err(bad)?;
        let made = self.coordinator.shared_plan(&ask, &by).made().await.map_err(bad)?;
        Ok(Response::new(super::plan_watch::document(&made)))
    }

    async fn plan_watch(
        &self,
        request: Request<v1::PlanRequest>,
    ) -> Result<Response<Self::PlanWatchStream>, Status> {
        let by = allow(&request, Role::Viewer)?;
        let ask = read::plan(request.get_ref()).map_err(bad)?;
        let (send, receive) = mpsc::channel(64);
        tokio::spawn(super::plan_watch::watch(self.coordinator.clone(), ask, by, send));
        Ok(Response::new(ReceiverStream::new(receive)))
    }

    async fn start_run(
        &self,
        request: Request<v1::StartRunRequest>,
    ) -> Result<Response<v1::StartRunReply>, Status> {
        let by = allow(&request, Role::Operator)?;
        let request = request.into_inner();
        let approve = read::approve(&request).map_err(bad)?;
        let (run, hash) = match read::kept(&request).map_err(bad)? {
            Some(kept) => {
                let goal = read::goal(request.goal).map_err(bad)?;
                self.coordinator.start_plan(&kept, goal, approve, &by).await
            }
            None => {
                let ask = read::plan(&request.plan.unwrap_or_default()).map_err(bad)?;
                let expect = Some(request.expect_hash.as_str()).filter(|h| !h.is_empty());
                self.coordinator.start_run(&PlanAsk { approve, ..ask }, expect, &by).await
            }
        }
        .map_err(bad)?;
        Ok(Response::new(v1::StartRunReply { run: run.to_string(), plan_hash: hash.to_string() }))
    }

    async fn command(
        &self,
        request: Request<v1::CommandRequest>,
    ) -> Result<Response<v1::CommandReply>, Status> {
        let command = read::command(request.get_ref()).map_err(bad)?;
        let least = match command {
            Command::Takeover | Command::Adopt | Command::Archive { .. } => Role::Admin,
            Command::VerifyArchive { .. } => Role::Viewer,
            _ => Role::Operator,
        };
        let by = allow(&request, least)?;
        let run = read::run(&request.get_ref().run).map_err(bad)?;
        let message = self.coordinator.command(run.as_ref(), command, &by).await.map_err(bad)?;
        Ok(Response::new(v1::CommandReply { message }))
    }

    async fn status(&self, request: Request<v1::StatusRequest>) -> Result<Response<Document>, Status> {
        allow(&request, Role::Viewer)?;
        let run = read::run(&request.get_ref().run).map_err(bad)?;
        let status = match request.get_ref().selector.trim() {
            "" => self.coordinator.status(run.as_ref()),
            selector => self.coordinator.selected(run.as_ref(), selector),
        };
        let status = status.map_err(bad)?;
        Ok(Response::new(to_document(view::status::SCHEMA, &status)))
    }

    async fn events(
        &self,
        request: Request<v1::EventsRequest>,
    ) -> Result<Response<Self::EventsStream>, Status> {
        allow(&request, Role::Viewer)?;
        let ask = request.into_inner();
        let run = self.of_run(&ask.run)?;
        let query = Query::run(run.as_ref(), ask.from);
        Ok(events::stream(self.coordinator.store().clone(), query, &ask))
    }

    async fn report(&self, request: Request<v1::ReportRequest>) -> Result<Response<Document>, Status> {
        allow(&request, Role::Viewer)?;
        let run = read::run(&request.get_ref().run).map_err(bad)?;
        let report = self.coordinator.report(run.as_ref()).map_err(bad)?;
        Ok(Response::new(to_document(view::report::SCHEMA, &report)))
    }

    async fn runs(&self, request: Request<v1::RunsRequest>) -> Result<Response<Document>, Status> {
        allow(&request, Role::Viewer)?;
        Ok(Response::new(to_document(view::runs::SCHEMA, &self.coordinator.runs())))
    }

    async fn node(&self, request: Request<v1::NodeRequest>) -> Result<Response<Document>, Status> {
        allow(&request, Role::Viewer)?;
        let ask = request.get_ref();
        let (node, run) = (read::node(&ask.node).map_err(bad)?, read::run(&ask.run).map_err(bad)?);
        let (coordinator, events) = (self.coordinator.clone(), ask.events as usize);
        let detail = reading(move || coordinator.node(run.as_ref(), &node, events)).await?;
        Ok(Response::new(to_document(view::node::SCHEMA, &detail)))
    }

    async fn heal(&self, request: Request<v1::HealRequest>) -> Result<Response<Document>, Status> {
        allow(&request, Role::Viewer)?;
        let ask = read::heal(request.get_ref()).map_err(bad)?;
        let coordinator = self.coordinator.clone();
        let heal = reading(move || coordinator.heal(&ask)).await?;
        Ok(Response::new(to_document(view::heal::SCHEMA, &heal)))
    }

    async fn backup(
        &self,
        request: Request<v1::BackupRequest>,
    ) -> Result<Response<Self::BackupStream>, Status> {
        let by = allow(&request, Role::Operator)?;
        let ask = read::backup(request.get_ref()).map_err(bad)?;
        let coordinator = self.coordinator.clone();
        Ok(backup::streamed(|progress| async move { coordinator.backup(&ask, &by, progress).await }))
    }

    async fn backups(&self, request: Request<v1::BackupsRequest>) -> Result<Response<Document>, Status> {
        allow(&request, Role::Viewer)?;
        let backups = self.coordinator.backups().await.map_err(bad)?;
        Ok(Response::new(to_document(view::backups::SCHEMA, &backups)))
    }

    async fn clusters(&self, request: Request<v1::ClustersRequest>) -> Result<Response<Document>, Status> {
        allow(&request, Role::Viewer)?;
        let clusters = self.coordinator.clusters().await.map_err(bad)?;
        Ok(Response::new(to_document(view::clusters::SCHEMA, &clusters)))
    }

    async fn verify_backup(
        &self,
        request: Request<v1::VerifyBackupRequest>,
    ) -> Result<Response<Self::VerifyBackupStream>, Status> {
        allow(&request, Role::Viewer)?;
        let name = read::backup_name(&request.get_ref().name).map_err(bad)?;
        let coordinator = self.coordinator.clone();
        Ok(backup::streamed(
            |progress| async move { coordinator.verify_backup(name.as_ref(), progress).await },
        ))
    }

    async fn validate(
        &self,
        request: Request<v1::ValidateRequest>,
    ) -> Result<Response<Self::ValidateStream>, Status> {
        let ask = words::validate(request.get_ref());
        // Probes make objects in the cluster and run scripts of the site.
        allow(&request, if ask.without_probes { Role::Viewer } else { Role::Operator })?;
        Ok(super::validate::streamed(self.coordinator.clone(), ask))
    }

    async fn restore_secret(
        &self,
        request: Request<v1::RestoreSecretRequest>,
    ) -> Result<Response<v1::CommandReply>, Status> {
        let by = allow(&request, Role::Operator)?;
        let copy = words::secret(request.into_inner()).map_err(bad)?;
        let message = self.coordinator.restore_secret(copy, &by).await.map_err(bad)?;
        Ok(Response::new(v1::CommandReply { message }))
    }
}

impl Control {
    /// `None` means every run and the fleet.
    fn of_run(&self, text: &str) -> Result<Option<RunId>, Status> {
        if text == "all" {
            return Ok(None);
        }
        let asked = read::run(text).map_err(bad)?;
        let state = self.coordinator.shown(asked.as_ref()).map_err(bad)?;
        let state = state.ok_or_else(|| bad(CoordinatorError::NoRunEver))?;
        Ok(Some(state.run.clone()))
    }
}
