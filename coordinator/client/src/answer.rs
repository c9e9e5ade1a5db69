//! Answers of the coordinator: JSON documents of a named kind, read as the views of the engine.

use crate::error::{Error, Kind};
use crate::version::{OWN, Peer};
use podlift_engine::machine::{EVENT_SCHEMA, Record};
use podlift_engine::program::{self, Program};
use podlift_engine::validate::{self, Validation};
use podlift_engine::view::{
    BackupCheck, Backups, Clusters, Heal, NodeDetail, Report, Runs, Status, backups, clusters, heal, node,
    report, runs, status,
};
use podlift_proto::v1::Document;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;
use std::sync::Arc;

/// A view that travels as a document.
pub trait View: DeserializeOwned {
    /// Kind and version of its document, for example "podlift.status/v1".
    const KIND: &'static str;
}

macro_rules! views {
    ($($view:ty => $kind:expr),* $(,)?) => { $(impl View for $view { const KIND: &'static str = $kind; })* };
}

views! {
    Program => program::SCHEMA,
    Record => EVENT_SCHEMA,
    Status => status::SCHEMA,
    NodeDetail => node::SCHEMA,
    Runs => runs::SCHEMA,
    Report => report::SCHEMA,
    Heal => heal::SCHEMA,
    Backups => backups::SCHEMA,
    BackupCheck => backups::CHECK_SCHEMA,
    Clusters => clusters::SCHEMA,
    Validation => validate::SCHEMA,
}

/// A document of the right kind. It is parsed only where its view is asked for, because the document of a large fleet is long.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    json: String,
    peer: Arc<Peer>,
    view: PhantomData<fn() -> T>,
}

impl<T: View> Answer<T> {
    /// Refuses a document of another kind, as a newer coordinator may send it.
    pub(crate) fn new(document: Document, peer: &Arc<Peer>) -> Result<Self, Error> {
        match document.kind == T::KIND {
            true => Ok(Self { json: document.json, peer: peer.clone(), view: PhantomData }),
            false => {
                let why = format!("it is of kind {}, and this podlift knows {}", document.kind, T::KIND);
                Err(other_version(&why, peer))
            }
        }
    }

    /// The document exactly as the coordinator has sent it.
    pub fn json(&self) -> &str {
        &self.json
    }

    pub fn view(&self) -> Result<T, Error> {
        serde_json::from_str(&self.json)
            .map_err(|e| other_version(&format!("it can't be read: {e}"), &self.peer))
    }
}

fn other_version(why: &str, peer: &Peer) -> Error {
    let theirs = peer.version().unwrap_or("of an unknown version");
    Error::new(
        Kind::Failed,
        "this podlift does not understand the coordinator's answer",
        format!("{why}; the coordinator is podlift {theirs}, and this is {OWN}"),
        "apt-get install --only-upgrade podlift",
    )
}
