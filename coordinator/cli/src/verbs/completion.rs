//! `podlift completion`.

use crate::args::Args;
use crate::error::{CliError, Exit};
use crate::out;
use clap::CommandFactory as _;

/// Print a completion script for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift completion bash > /etc/bash_completion.d/podlift
  podlift completion zsh > \"${fpath[1]}/_podlift\"
  podlift completion fish > ~/.config/fish/completions/podlift.fish")]
pub(crate) struct Completion {
    /// Shell of the script.
    shell: Shell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Completion {
    pub fn run(self) -> Result<Exit, CliError> {
        out::data(&script(self.shell))?;
        Ok(Exit::Done)
    }
}

fn script(shell: Shell) -> String {
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "podlift", &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_can_be_completed_in_every_shell() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let text = script(shell);
            for verb in Args::command().get_subcommands().filter(|c| !c.is_hide_set()) {
                assert!(text.contains(verb.get_name()), "{shell:?} lacks {}", verb.get_name());
            }
        }
    }
}
