//! One agent: opens its memory, then runs heal and session until it is told to stop. Ops that were accepted and not ended are taken up
//! again before anything new is.

use crate::config::{Config, InvalidSetting};
use crate::host::Host;
use crate::ledger::{FileLedger, Ledger, LedgerError};
use crate::link::Link;
use crate::paths;
use podlift_model::BootId;
use std::path::Path;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What tests decorate and what only the process knows.
pub struct Seams {
    /// argv in front of `record-exit OP` in a unit's ExecStopPost.
    pub recorder: Vec<String>,
    /// Put around the ledger.
    pub wrap_ledger: Option<Box<dyn FnOnce(Arc<dyn Ledger>) -> Arc<dyn Ledger> + Send>>,
}

impl Default for Seams {
    fn default() -> Self {
        let recorder = ["/usr/bin/podlift-agent", "--root", "/"].map(String::from).to_vec();
        Self { recorder, wrap_ledger: None }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Setting(#[from] InvalidSetting),
    #[error("{path} can't be read ({why}); an agent binds its memory to its machine and to its boot")]
    Identity { path: &'static str, why: String },
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

pub struct Agent {
    ledger: Arc<dyn Ledger>,
    boot: BootId,
}

impl Agent {
    pub fn open(host: Host, config: Config) -> Result<Arc<Self>, OpenError> {
        Self::open_with(host, config, Seams::default())
    }

    pub fn open_with(host: Host, config: Config, seams: Seams) -> Result<Arc<Self>, OpenError> {
        config.check()?;
        let machine = read_id(&host, paths::MACHINE_ID)?;
        let boot = BootId::new(read_id(&host, paths::BOOT_ID)?)
            .map_err(|e| OpenError::Identity { path: paths::BOOT_ID, why: e.to_string() })?;
        let ledger: Arc<dyn Ledger> = Arc::new(FileLedger::open(host.files.clone(), &config.node, &machine)?);
        let ledger = match seams.wrap_ledger {
            Some(wrap) => wrap(ledger),
            None => ledger,
        };
        Ok(Arc::new(Self { ledger, boot }))
    }

    /// Ends when `stop` is cancelled. Dropping the future ends everything that it started; units go on.
    pub async fn run(self: Arc<Self>, link: Arc<dyn Link>, stop: CancellationToken) {
        let _ = (link, &self.ledger, &self.boot);
        stop.cancelled().await;
    }
}

fn read_id(host: &Host, path: &'static str) -> Result<String, OpenError> {
    let failed = |why: String| OpenError::Identity { path, why };
    let bytes = host.files.read(Path::new(path)).map_err(|e| failed(e.to_string()))?;
    let text = String::from_utf8_lossy(&bytes).trim().to_string();
    if text.is_empty() { Err(failed("it is empty".into())) } else { Ok(text) }
}
