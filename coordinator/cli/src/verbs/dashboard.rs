//! `podlift dashboard`. The page and its server are in the client crate.

use crate::Context;
use crate::error::{CliError, Exit};
use crate::out;
use crate::render::{event, place};
use podlift_client::dashboard::Dashboard as Server;
use podlift_common::clock::SystemClock;
use podlift_engine::machine::{Record, RunState};
use std::sync::Arc;

/// Show run and fleet live in a browser on this machine.
///
/// podlift prints an address with a token and serves it on 127.0.0.1 until Ctrl-C. The page only reads, so a viewer's certificate is enough.
/// It follows the coordinator through restarts. To look from another machine, forward the port: `ssh -L 8089:127.0.0.1:8089 HEAD`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift dashboard
  podlift dashboard --port 8089     # a fixed port, for ssh -L 8089:127.0.0.1:8089")]
pub(crate) struct Dashboard {
    /// Port on 127.0.0.1; a free one by default.
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    port: u16,
}

impl Dashboard {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        // A wrong configuration is reported before an address is printed.
        context.client().await?;
        let server = Server::bind(self.port).await.map_err(|error| {
            let what = format!("port {} of 127.0.0.1 can't be used", self.port);
            CliError::usage(what, error.to_string(), "podlift dashboard")
        })?;
        out::data(&server.url())?;
        out::narrate("open this address in a browser; Ctrl-C ends the dashboard, and the run continues");
        tokio::select! {
            () = server.serve(&context.endpoint, Arc::new(SystemClock), line) => Ok(Exit::Failed),
            _ = tokio::signal::ctrl_c() => Ok(Exit::Done),
        }
    }
}

/// A record as `podlift events` shows it, without its colours.
fn line(record: &Record, run: Option<&RunState>) -> Option<String> {
    let head = run.and_then(|run| place::head(&run.plan));
    Some(anstream::adapter::strip_str(&event::text(&record.event, head)).to_string())
}
