//! The verbs of the coordinator, with typed requests and answers.

use crate::answer::{Answer, View};
use crate::error::{self, Error};
use crate::requests::{Approval, BackupQuery, Command, EventsQuery, PlanQuery, Start, ValidateQuery};
use crate::sealed::Unsealed;
use crate::version::{Observed, Peer};
use podlift_engine::machine::Record;
use podlift_engine::program::Program;
use podlift_engine::validate::Validation;
use podlift_engine::view::{BackupCheck, Backups, Clusters, Heal, HealAsk, NodeDetail, Report, Runs, Status};
use podlift_model::{NodeName, RunId};
use podlift_proto::v1::control_service_client::ControlServiceClient;
use podlift_proto::v1::{self, Document, backup_update, plan_update, validate_update};
use std::sync::Arc;
use tonic::{Code, Streaming};

/// Bytes of one message: plans and reports of large clusters are long.
const MESSAGE_LIMIT: usize = 256 << 20;

/// How far a long request has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is counted, for example "surveys".
    pub what: String,
    pub done: u32,
    /// 0 where the total is not known.
    pub total: u32,
}

impl std::fmt::Display for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { what, done, total } = self;
        if *total == 0 { f.write_str(what) } else { write!(f, "{what} ({done} of {total})") }
    }
}

/// A connection to the coordinator. A clone shares it.
#[derive(Clone)]
pub struct Client {
    rpc: ControlServiceClient<Observed>,
    peer: Arc<Peer>,
}

impl Client {
    pub(crate) fn new(channel: Observed) -> Self {
        let peer = channel.peer.clone();
        Self { rpc: ControlServiceClient::new(channel).max_decoding_message_size(MESSAGE_LIMIT), peer }
    }

    fn answer<T: View>(&self, document: Document) -> Result<Answer<T>, Error> {
        Answer::new(document, &self.peer)
    }

    /// The newest run, or `run`, and the nodes that match the selector (Kubernetes' syntax; empty for all).
    pub async fn status(&mut self, run: Option<String>, selector: String) -> Result<Answer<Status>, Error> {
        let request = v1::StatusRequest { run: run.unwrap_or_default(), selector };
        let document = self.rpc.status(request).await?.into_inner();
        self.answer(document)
    }

    /// One node in full, with the last `events` records that name it.
    pub async fn node(
        &mut self,
        node: NodeName,
        run: Option<String>,
        events: u32,
    ) -> Result<Answer<NodeDetail>, Error> {
        let request = v1::NodeRequest { node: node.into(), run: run.unwrap_or_default(), events };
        let document = self.rpc.node(request).await?.into_inner();
        self.answer(document)
    }

    pub async fn runs(&mut self) -> Result<Answer<Runs>, Error> {
        let document = self.rpc.runs(v1::RunsRequest {}).await?.into_inner();
        self.answer(document)
    }

    /// Report of the newest run, or of `run`.
    pub async fn report(&mut self, run: Option<String>) -> Result<Answer<Report>, Error> {
        let request = v1::ReportRequest { run: run.unwrap_or_default() };
        let document = self.rpc.report(request).await?.into_inner();
        self.answer(document)
    }

    pub async fn heal(&mut self, query: HealAsk) -> Result<Answer<Heal>, Error> {
        let request = v1::HealRequest {
            node: query.node.map(String::from).unwrap_or_default(),
            last: u32::try_from(query.last).unwrap_or(u32::MAX),
            id: query.id.unwrap_or_default(),
        };
        let document = self.rpc.heal(request).await?.into_inner();
        self.answer(document)
    }

    pub async fn backups(&mut self) -> Result<Answer<Backups>, Error> {
        let document = self.rpc.backups(v1::BackupsRequest {}).await?.into_inner();
        self.answer(document)
    }

    /// The Kubernetes clusters of BCM, as the head node's agent sees them now.
    pub async fn clusters(&mut self) -> Result<Answer<Clusters>, Error> {
        let document = self.rpc.clusters(v1::ClustersRequest {}).await?.into_inner();
        self.answer(document)
    }

    /// Makes a plan and changes nothing. That takes as long as the slowest node.
    pub async fn plan(
        &mut self,
        query: &PlanQuery,
        mut progress: impl FnMut(Progress),
    ) -> Result<Answer<Program>, Error> {
        let mut updates = match self.rpc.plan_watch(query.to_wire()).await {
            Ok(updates) => updates.into_inner(),
            // An older coordinator reports no progress.
            Err(status) if status.code() == Code::Unimplemented => {
                let document = self.rpc.plan(query.to_wire()).await?.into_inner();
                return self.answer(document);
            }
            Err(status) => return Err(status.into()),
        };
        while let Some(update) = updates.message().await? {
            match update.update {
                Some(plan_update::Update::Progress(v1::PlanProgress { what, done, total })) => {
                    progress(Progress { what, done, total });
                }
                Some(plan_update::Update::Plan(document)) => return self.answer(document),
                None => {}
            }
        }
        Err(Error::failed("no plan was made", "the coordinator ended its answer before the plan"))
    }

    /// Starts a run and returns its id.
    pub async fn start(
        &mut self,
        start: &Start,
        expect_hash: String,
        approval: Option<Approval>,
    ) -> Result<String, Error> {
        let request = start.to_wire(expect_hash, approval);
        Ok(self.rpc.start_run(request).await?.into_inner().run)
    }

    /// Gives a command and returns the coordinator's answer, a sentence for people.
    pub async fn command(&mut self, command: &Command) -> Result<String, Error> {
        Ok(self.rpc.command(command.to_wire()).await?.into_inner().message)
    }

    /// Makes a backup and returns its verification.
    pub async fn backup(
        &mut self,
        query: BackupQuery,
        progress: impl FnMut(Progress),
    ) -> Result<Answer<BackupCheck>, Error> {
        let without = query.without.iter().map(ToString::to_string).collect();
        let request = v1::BackupRequest { name: query.name.map(String::from).unwrap_or_default(), without };
        let updates = self.rpc.backup(request).await?.into_inner();
        self.last(updates, progress).await
    }

    /// Reads every byte of a backup; of the newest where there is no name.
    pub async fn verify_backup(
        &mut self,
        name: Option<RunId>,
        progress: impl FnMut(Progress),
    ) -> Result<Answer<BackupCheck>, Error> {
        let request = v1::VerifyBackupRequest { name: name.map(String::from).unwrap_or_default() };
        let updates = self.rpc.verify_backup(request).await?.into_inner();
        self.last(updates, progress).await
    }

    /// Looks at the whole cluster and judges it. `looking` is told what is looked at.
    pub async fn validate(
        &mut self,
        query: &ValidateQuery,
        mut looking: impl FnMut(String),
    ) -> Result<Answer<Validation>, Error> {
        let mut updates = self.rpc.validate(query.to_wire()).await?.into_inner();
        while let Some(update) = updates.message().await.map_err(error::of_stream)? {
            match update.update {
                Some(validate_update::Update::Looking(what)) => looking(what),
                Some(validate_update::Update::Validation(document)) => return self.answer(document),
                None => {}
            }
        }
        Err(Error::unreachable(
            "the cluster was not validated",
            "the coordinator ended its answer before the result",
        ))
    }

    /// Has the coordinator create a lost secret again, and returns its answer. A secret that exists is never replaced.
    pub async fn restore_secret(&mut self, secret: Unsealed) -> Result<String, Error> {
        let Unsealed { namespace, name, object } = secret;
        // The message needs bytes of its own; those of `object` are wiped when it is dropped.
        let request = v1::RestoreSecretRequest { namespace, name, object: object.to_vec() };
        Ok(self.rpc.restore_secret(request).await?.into_inner().message)
    }

    async fn last(
        &self,
        mut updates: Streaming<v1::BackupUpdate>,
        mut progress: impl FnMut(Progress),
    ) -> Result<Answer<BackupCheck>, Error> {
        while let Some(update) = updates.message().await? {
            match update.update {
                Some(backup_update::Update::Progress(v1::BackupProgress { what, done, total })) => {
                    progress(Progress { what, done, total });
                }
                Some(backup_update::Update::Check(document)) => return self.answer(document),
                None => {}
            }
        }
        Err(Error::unreachable(
            "the coordinator went away",
            "it ended its answer before the result of the verification",
        ))
    }

    /// Records of the journal, oldest first.
    pub async fn events(&mut self, query: &EventsQuery) -> Result<Events, Error> {
        let stream = self.rpc.events(query.to_wire()).await?.into_inner();
        Ok(Events { stream, peer: self.peer.clone() })
    }
}

/// A stream of records.
pub struct Events {
    stream: Streaming<Document>,
    peer: Arc<Peer>,
}

impl Events {
    /// The next record; `None` at the end of the stream. A broken stream is an error of kind `Unreachable`.
    pub async fn next(&mut self) -> Result<Option<Answer<Record>>, Error> {
        let document = self.stream.message().await.map_err(error::of_stream)?;
        document.map(|d| Answer::new(d, &self.peer)).transpose()
    }
}
