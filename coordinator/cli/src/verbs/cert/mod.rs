//! `podlift cert`: makes the cluster's CA, and one certificate for one identity at a time. It needs no coordinator.

mod init;
mod issue;

use crate::error::{CliError, Exit};
use clap::Subcommand;
use podlift_common::durable;
use podlift_common::tls::ca::Pair;
use std::path::{Path, PathBuf};

/// Make podlift's certificates.
///
/// These commands need no coordinator. They run on the host that has the CA's key.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift cert init --cluster runaicluster
  podlift cert issue operator ann --cluster runaicluster --role operator")]
pub(crate) struct Cert {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Init(init::Init),
    Issue(issue::Issue),
}

impl Cert {
    pub fn run(self) -> Result<Exit, CliError> {
        match self.what {
            What::Init(verb) => verb.run(),
            What::Issue(verb) => verb.run(),
        }
    }
}

/// Writes NAME.crt and NAME.key. Fails if one of them exists.
fn write(dir: &Path, name: &str, pair: &Pair) -> Result<(PathBuf, PathBuf), CliError> {
    let file = |end: &str| dir.join(format!("{name}.{end}"));
    let (certificate, key) = (file("crt"), file("key"));
    if let Some(there) = [&certificate, &key].into_iter().find(|p| p.exists()) {
        let what = format!("{} exists already", there.display());
        let why = "a certificate is never overwritten: move it away, or name another folder";
        return Err(CliError::new(Exit::Failed, what, why, &format!("ls -l {}", dir.display())));
    }
    let failed =
        |path: &Path, e: std::io::Error| CliError::failed(format!("{} can't be written", path.display()), e);
    durable::write(&key, pair.key.as_bytes(), 0o600).map_err(|e| failed(&key, e))?;
    durable::write(&certificate, pair.certificate.as_bytes(), 0o644).map_err(|e| failed(&certificate, e))?;
    Ok((certificate, key))
}

fn show(files: &(PathBuf, PathBuf)) -> Result<(), CliError> {
    crate::out::data(&format!("{}\n{}", files.0.display(), files.1.display()))
}
