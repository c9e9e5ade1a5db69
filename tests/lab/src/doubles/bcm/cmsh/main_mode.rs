//! `main versioninfo`.

use super::session::{Problem, Session};

const VERSIONS: &str = "Version Information\n------------------------ --------------------------------------------------\n\
    Cluster Manager          11.0\nCMDaemon                 3.1\nCMDaemon Build Index     165270\nCMDaemon Build Hash      a1b2c3d4e5\nDatabase Version         36\n";

impl Session<'_> {
    pub(super) fn main(&mut self, words: &[&str]) -> Result<(), Problem> {
        match words {
            ["versioninfo"] => {
                self.ctx.print(VERSIONS, false);
                Ok(())
            }
            _ => Err(self.unknown(words)),
        }
    }
}
