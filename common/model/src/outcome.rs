//! How an op ends. There are exactly three outcomes: done, failed and indeterminate.

use crate::bcm::{
    BcmApplication, BcmCluster, BcmExcludes, BcmImage, BcmNode, BcmProvisioning, BcmSync, HeadState,
};
use crate::checkpoint::CheckpointResult;
use crate::components::{ComponentState, ProxyState};
use crate::deletion::DeletionState;
use crate::facts::{ApiServerState, BackupState, EtcdState, NodeFacts, PackageOffer};
use crate::flags::FlagChange;
use crate::heal::HealFinding;
use crate::images::ImagesState;
use crate::site_check::{SiteCheckResult, SiteCheckView};
use crate::survey::{BackupFile, CertificatesState, DevicesState, FilePart, NodeSurvey};
use crate::version::{Minor, PackageVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "result")]
pub enum OpOutcome {
    Done {
        output: OpOutput,
    },
    Failed {
        failure: Failure,
    },
    /// The outcome is unknown and can't be found out from the op. The coordinator has to look at the node before it does anything else.
    Indeterminate {
        why: String,
    },
}

/// What an op found or did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "value")]
pub enum OpOutput {
    /// The op changed something, and this line is all that it reports.
    Changed(String),
    /// The node was already in the wanted state.
    Unchanged(String),
    Facts(Box<NodeFacts>),
    Packages(Vec<PackageOffer>),
    Diff(Vec<FlagChange>),
    Etcd(EtcdState),
    ApiServer(ApiServerState),
    Components(Vec<ComponentState>),
    Images(ImagesState),
    Devices(DevicesState),
    Manifests(Vec<HealFinding>),
    Backup(BackupState),
    Survey(Box<NodeSurvey>),
    BackupFiles(Vec<BackupFile>),
    BackupPart(FilePart),
    BcmVersions(Vec<Minor>),
    BcmClusterVersion(PackageVersion),
    BcmApplications(Vec<BcmApplication>),
    BcmHead(HeadState),
    BcmClusters(Vec<BcmCluster>),
    BcmNodes(Vec<BcmNode>),
    BcmImages(Vec<BcmImage>),
    /// `None` if BCM has no image of that name.
    BcmImage(Option<Box<BcmImage>>),
    BcmExcludes(BcmExcludes),
    BcmProvisioning(BcmProvisioning),
    BcmSync(Box<BcmSync>),
    /// In the order of the op's pods.
    Checkpoints(Vec<CheckpointResult>),
    /// Sorted by name.
    SiteChecks(Vec<SiteCheckView>),
    SiteCheck(Box<SiteCheckResult>),
    Certificates(CertificatesState),
    Deletion(DeletionState),
    /// `None` if the node's kubelet reaches the API without a proxy of the node.
    Proxy(Option<ProxyState>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// May pass without intervention.
    Transient,
    /// The same request will fail again.
    Permanent,
    /// A person has to decide.
    Operator,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, JsonSchema)]
#[error("{message}")]
pub struct Failure {
    pub class: FailureClass,
    /// Stable, kebab-case, for machines: `package-version-missing`.
    pub code: String,
    /// What did not happen, why, and the next command.
    pub message: String,
    /// Tail of the tool's own output.
    #[serde(default)]
    pub detail: String,
}

impl Failure {
    pub fn new(class: FailureClass, code: &str, message: impl Into<String>) -> Self {
        Self { class, code: code.into(), message: message.into(), detail: String::new() }
    }
    pub fn transient(code: &str, message: impl Into<String>) -> Self {
        Self::new(FailureClass::Transient, code, message)
    }
    pub fn permanent(code: &str, message: impl Into<String>) -> Self {
        Self::new(FailureClass::Permanent, code, message)
    }
    pub fn operator(code: &str, message: impl Into<String>) -> Self {
        Self::new(FailureClass::Operator, code, message)
    }
    /// Adds the last lines of what the tool printed.
    pub fn with_detail(mut self, text: &str) -> Self {
        const LINES: usize = 30;
        let lines: Vec<&str> = text.trim_end().lines().collect();
        self.detail = lines[lines.len().saturating_sub(LINES)..].join("\n");
        self
    }
}

impl OpOutcome {
    pub fn changed(line: impl Into<String>) -> Self {
        Self::Done { output: OpOutput::Changed(line.into()) }
    }
    pub fn unchanged(line: impl Into<String>) -> Self {
        Self::Done { output: OpOutput::Unchanged(line.into()) }
    }
}

impl From<Result<OpOutput, Failure>> for OpOutcome {
    fn from(result: Result<OpOutput, Failure>) -> Self {
        match result {
            Ok(output) => Self::Done { output },
            Err(failure) => Self::Failed { failure },
        }
    }
}
