//! What every verb gets: the way to the coordinator, and the format of the output.

use super::error::CliError;
use super::out::{self, Format};
use super::typed::Typed;
use podlift_client::{Answer, Client, Command, Endpoint, View};
use std::path::PathBuf;

#[derive(Clone)]
pub(super) struct Context {
    pub endpoint: Endpoint,
    pub format: Format,
    /// What was typed; empty in tests that give no line.
    pub typed: Typed,
}

impl Context {
    /// `config` is the client's configuration file.
    pub fn new(config: PathBuf, format: Format) -> Self {
        let warn = |text: &str| out::narrate(&format!("warning: {text}"));
        Self { endpoint: Endpoint::new(config, warn), format, typed: Typed::default() }
    }

    /// The command that was typed, with the option that confirms it.
    pub fn confirmed(&self) -> String {
        self.typed.with("--yes")
    }

    pub async fn client(&self) -> Result<Client, CliError> {
        Ok(self.endpoint.connect().await?)
    }

    /// Gives a command and shows the coordinator's answer. Returns the connection, so that the run can be followed.
    pub async fn command(&self, command: Command) -> Result<Client, CliError> {
        let mut client = self.client().await?;
        out::narrate(&client.command(&command).await?);
        Ok(client)
    }

    /// The document as data, or as `render` writes it for people.
    pub fn shown<T: View>(
        &self,
        answer: &Answer<T>,
        render: impl FnOnce(&T) -> String,
    ) -> Result<String, CliError> {
        match self.format {
            Format::Json | Format::Yaml => out::document(self.format, answer.json()),
            Format::Table | Format::Wide | Format::Html | Format::Junit => Ok(render(&answer.view()?)),
        }
    }
}
