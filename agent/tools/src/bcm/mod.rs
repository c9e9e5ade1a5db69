//! BCM's own tools on a head node, one command per file. Their output is parsed strictly, because they report errors with exit code 0 too.
//! Output that differs from the documentation is kept as raw text and not used. Provisioning may be asked for by CMDaemon's JSON API instead
//! (`api`); `cmdaemon` knows which of the two it is.

pub mod api;
pub mod categories;
pub mod change;
pub mod chroot;
pub mod cluster_version;
pub mod clusters;
pub mod cmdaemon;
pub mod cmha;
pub mod cmsh;
pub mod excludes;
pub mod image;
pub mod images;
pub mod kubeadm_manage;
pub mod kubernetes_versions;
mod lines;
pub mod lock;
pub mod nodes;
pub mod provisioning;
pub mod synclog;
pub mod system_applications;
mod table;
pub mod tasks;
pub mod version;

pub use cmdaemon::Cmdaemon;

use crate::run;
use podlift_host::{Host, Invocation, Output};
use podlift_model::bcm::HeadState;
use podlift_model::{Failure, codes};

/// Code of the failure if a tool prints something else than its documentation says.
pub const ODD: &str = codes::BCM_ANSWER;
/// Bytes; no valid answer about a cluster of a few thousand nodes is longer.
const LIMIT: usize = 4 << 20;

/// The head node itself.
pub async fn head(host: &Host) -> Result<HeadState, Failure> {
    let (mode, text) = cmha::look(host).await?;
    Ok(HeadState {
        mode,
        text,
        // They only explain what BCM supports, so nothing waits for them.
        cm_setup: version::cm_setup(host).await.unwrap_or_default(),
        bcm: version::bcm(host).await.unwrap_or_default(),
        kubeadm_manage: kubeadm_manage::look(host).await?,
    })
}

/// A tool's stdout, if it exited 0.
async fn printed(host: &Host, call: Invocation) -> Result<String, Failure> {
    printed_up_to(host, call, LIMIT).await
}

async fn ran(host: &Host, call: Invocation) -> Result<Output, Failure> {
    // cmsh looks for root's certificate below HOME.
    run(host, &call.env("HOME", "/root").env("TERM", "dumb")).await
}

/// All that a tool printed, whatever its exit code: for changes, whose result is looked at separately.
async fn told(host: &Host, call: Invocation) -> Result<String, Failure> {
    let output = ran(host, call).await?;
    let said = format!("{}\n{}", output.stdout.trim(), output.stderr.trim());
    Ok(match output.code {
        0 => said.trim().to_string(),
        code => format!("exited {code}: {}", said.trim()),
    })
}

async fn printed_up_to(host: &Host, call: Invocation, limit: usize) -> Result<String, Failure> {
    let output = ran(host, call).await?;
    let said = format!("{}{}", output.stdout, output.stderr);
    match output.code {
        0 if said.len() > limit => Err(odd("it printed more than any answer would")),
        0 => Ok(output.stdout),
        code => Err(odd(format!("it exited {code}: {}", short(&said)))),
    }
}

fn odd(why: impl Into<String>) -> Failure {
    Failure::permanent(ODD, why)
}

/// Whether a value of `get` is inherited: `default-image (category:default)`.
fn has_suffix(value: &str) -> bool {
    without_suffix(value) != value
}

/// `1.32 (NVIDIA AI Enterprise certified)` without the part in brackets.
fn without_suffix(line: &str) -> &str {
    match line.split_once(" (") {
        Some((before, rest)) if rest.ends_with(')') => before.trim_end(),
        _ => line,
    }
}

/// The raw text, shortened to what a person reads.
fn short(text: &str) -> String {
    const SHOWN: usize = 2000;
    let text = text.trim();
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{:?} …", &text[..at]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{Fakes, exited, said};

    #[tokio::test]
    async fn what_is_no_answer_is_kept_as_it_came() {
        let printed_by = async |stdout: String, code: i32| {
            let fakes = Fakes::new(move |_| match code {
                0 => said(&stdout),
                code => exited(code, &stdout),
            });
            printed(&fakes.host, Invocation::new("cmsh", ["-c", "x"])).await
        };
        assert_eq!(printed_by("1.32\n".into(), 0).await, Ok("1.32\n".into()));
        let exited = printed_by("boom".into(), 1).await.unwrap_err();
        assert_eq!((exited.code.as_str(), exited.message.as_str()), (ODD, "it exited 1: \"boom\""));
        let long = printed_by("é".repeat(LIMIT), 0).await.unwrap_err();
        assert!(long.message.contains("more than any answer"), "{}", long.message);
        let shown = printed_by("é".repeat(9000), 2).await.unwrap_err();
        assert!(shown.message.ends_with("…") && shown.message.len() < 5000, "{}", shown.message);
    }

    #[test]
    fn what_stands_in_brackets_is_left_out() {
        for (line, want) in [("1.31", "1.31"), ("1.31 (certified)", "1.31"), ("1.31 (x", "1.31 (x")] {
            assert_eq!(without_suffix(line), want);
        }
    }
}
