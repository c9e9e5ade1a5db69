//! The question before a command that can't be taken back.

use crate::error::CliError;
use crate::out;
use std::io::IsTerminal as _;

/// What a command does, and the word that confirms it.
pub(super) struct Question<'a> {
    /// What does not happen without a confirmation: "nothing was started".
    pub not: &'a str,
    /// What the command means, in one or two sentences; empty if it was shown already.
    pub means: &'a str,
    pub word: &'a str,
    /// The command that does not ask.
    pub without: &'a str,
}

impl Question<'_> {
    /// Refuses at once if nobody can be asked, before a request is made.
    pub fn can_be_asked(&self, yes: bool) -> Result<(), CliError> {
        if yes || std::io::stdin().is_terminal() {
            return Ok(());
        }
        let why = "stdin is no terminal, so podlift can't ask for a confirmation";
        let why = if self.means.is_empty() { why.into() } else { format!("{}\n{why}", self.means) };
        Err(CliError::usage(self.not, why, self.without))
    }

    /// Asks, unless `yes` confirms already.
    pub fn ask(&self, yes: bool) -> Result<(), CliError> {
        self.can_be_asked(yes)?;
        if !self.means.is_empty() {
            out::narrate(self.means);
        }
        if yes {
            return Ok(());
        }
        out::narrate(&format!("Type {} to confirm:", self.word));
        let mut line = String::new();
        match std::io::stdin().read_line(&mut line).is_ok() && line.trim() == self.word {
            true => Ok(()),
            false => Err(CliError::failed(self.not, format!("{} was not typed", self.word))),
        }
    }
}
