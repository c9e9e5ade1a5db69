//! `podlift secret`.

use crate::error::{CliError, Exit};
use crate::{Context, out};
use clap::Subcommand;
use std::path::PathBuf;

/// Where a coordinator keeps its sets if its configuration names no other directory.
const SETS: &str = "/var/lib/podlift/backups";

/// Restore a TLS secret that is gone from a sealed backup.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift secret restore runai/runai-tls --set 20261122-020000-4f00 --identity backup-identity.txt")]
pub(crate) struct Secret {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Restore(Restore),
}

/// Create a TLS secret of the cluster again, from a sealed backup and with the operator's identity.
///
/// The set is verified and decrypted here, where the identity is. Only the one secret is sent, over mutual TLS, and neither the journal nor a
/// log gets it. A secret that exists is never replaced: podlift shows both and leaves the choice to you. The set must be of the same cluster.
/// Run this on the head node, or anywhere with a copy of the set.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift secret restore runai/runai-tls --set 20261122-020000-4f00 --identity backup-identity.txt
  podlift secret restore ingress-nginx/ingress-server-default-tls --set ./copies/20261122-020000-4f00 --identity id.txt")]
struct Restore {
    /// The secret as NAMESPACE/NAME.
    #[arg(value_name = "NAMESPACE/NAME", value_parser = named)]
    secret: (String, String),
    /// Name of the set below /var/lib/podlift/backups, or the path of its directory.
    #[arg(long, value_name = "SET")]
    set: PathBuf,
    /// File with the identity whose recipient [backup] of coordinator.toml names, as age-keygen writes it.
    #[arg(long, value_name = "FILE")]
    identity: PathBuf,
}

fn named(text: &str) -> Result<(String, String), String> {
    match text.split_once('/') {
        Some((space, name)) if !space.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok((space.into(), name.into()))
        }
        _ => Err("expected NAMESPACE/NAME, such as runai/runai-tls".into()),
    }
}

impl Secret {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let What::Restore(Restore { secret: (space, name), set, identity }) = self.what;
        let set =
            if set.components().count() == 1 && !set.exists() { PathBuf::from(SETS).join(set) } else { set };
        let mut client = context.client().await?;
        // The cluster's name is asked for, so that a set of another cluster is refused before it is decrypted.
        let cluster = client.status(None, "role=control-plane".into()).await?.view()?.cluster;
        let secret = podlift_client::unsealed(&set, &identity, &cluster, (&space, &name))?;
        out::narrate(&client.restore_secret(secret).await?);
        Ok(Exit::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_a_namespace_and_a_name() {
        assert_eq!(named("runai/runai-tls"), Ok(("runai".into(), "runai-tls".into())));
        for wrong in ["runai-tls", "/x", "runai/", "a/b/c", ""] {
            assert!(named(wrong).unwrap_err().contains("NAMESPACE/NAME"), "{wrong}");
        }
    }
}
