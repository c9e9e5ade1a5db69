//! `podlift validate`.

use crate::error::{CliError, Exit};
use crate::out::{self, Format, Screen};
use crate::progress::Progress;
use crate::{Context, render};
use podlift_client::ValidateQuery;
use podlift_engine::validate::{Outcome, Validation};

/// Validate the whole cluster now: versions, control plane, network, workloads, GPUs, storage, BCM, certificates and the site's own checks.
///
/// Each run does the same as its last phase. A check passes only if everything that it needs was looked at; what could not be looked at
/// leaves it open, with the reason. Some checks make an object in the cluster for a moment, with the label podlift.io/validate; --no-probes
/// leaves those open. The site's checks are in /etc/podlift/checks.d of the head node.
///
/// Exit codes: 0 all checks passed, 1 a check failed, 5 the coordinator can't be reached, 6 no check failed and some are open.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift validate
  podlift validate --only dns --only site:healthcheck_storage.py
  podlift validate --no-probes              # makes no object in the cluster
  podlift validate -o junit > validation.xml")]
pub(crate) struct Validate {
    /// Only this check, by its id; may be repeated.
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
    /// Make no object in the cluster. Checks that need one stay open.
    #[arg(long)]
    no_probes: bool,
}

impl Validate {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let query = ValidateQuery { without_probes: self.no_probes, only: self.only };
        let mut client = context.client().await?;
        let progress = Progress::waiting("validation: looks at the whole cluster");
        let answer = client.validate(&query, |what| progress.message(format!("validation: {what}"))).await?;
        drop(progress);
        let render = |seen: &Validation| match context.format {
            Format::Junit => render::junit::junit(seen),
            _ => render::validate::validation(seen, Screen::of_stdout()),
        };
        out::data(&context.shown(&answer, render)?)?;
        ended(&answer.view()?)
    }
}

/// A check that failed is a failure, and its next command is the next command.
pub(super) fn ended(seen: &Validation) -> Result<Exit, CliError> {
    let counts = &seen.counts;
    let next = |result| seen.checks.iter().find(|c| c.result == result).map_or("", |c| c.next.as_str());
    match (counts.failed, counts.open) {
        (0, 0) => Ok(Exit::Done),
        (0, open) => {
            let what = format!(
                "nothing failed; {} could not be made, or only in part",
                podlift_model::count(open, "check")
            );
            Err(CliError::new(Exit::Incomplete, what, "see above", next(Outcome::Open)))
        }
        (failed, _) => {
            let what = format!("{} failed", podlift_model::count(failed, "check"));
            Err(CliError::new(Exit::Failed, what, seen.summary(), next(Outcome::Failed)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::validate::tests::{checked, seen};

    #[test]
    fn the_exit_code_tells_whether_all_was_seen_and_right() {
        use Outcome::{Failed, Open, Passed};
        for (results, want, next) in [
            (vec![Passed, Passed], Ok(Exit::Done), ""),
            (vec![Passed, Open], Err(Exit::Incomplete), "kubectl get 1"),
            (vec![Open, Failed, Passed], Err(Exit::Failed), "kubectl get 1"),
        ] {
            let checks = results
                .iter()
                .enumerate()
                .map(|(n, result)| checked(&format!("c{n}"), *result, &format!("kubectl get {n}")));
            let end = ended(&seen(checks.collect()));
            assert_eq!(end.as_ref().map_err(|e| e.exit), want.as_ref().map_err(|e| *e), "{results:?}");
            assert_eq!(end.err().map_or(String::new(), |e| e.next), next);
        }
    }
}
