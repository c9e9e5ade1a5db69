//! `podlift status`.

use crate::client::read;
use crate::error::{CliError, Exit};
use crate::out::{self, Screen};
use crate::{Context, render};
use podlift_engine::view::{self, status};
use podlift_proto::v1::StatusRequest;

/// Show the newest run and the fleet, each row with the age of what it shows.
#[derive(Debug, clap::Args)]
pub(crate) struct Status {
    /// Only this node.
    node: Option<podlift_model::NodeName>,
    /// Another run than the newest.
    #[arg(long)]
    run: Option<String>,
}

impl Status {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let mut client = context.client().await?;
        let request = StatusRequest { run: self.run.unwrap_or_default() };
        let document = client.status(request).await?.into_inner();
        let text = match out::document(context.format, &document)? {
            Some(text) => text,
            None => {
                let only = self.node.as_ref().map(|n| n.as_str());
                let seen: view::Status = read(status::SCHEMA, &document)?;
                render::status::status(&seen, only, Screen::of_stdout())
            }
        };
        out::data(&text);
        Ok(Exit::Done)
    }
}
