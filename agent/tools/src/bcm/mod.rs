//! BCM's own tools on a head node, one command per file. Their output is parsed strictly, because they report errors with exit code 0 too.
//! Output that differs from the documentation is kept as raw text and not used.

pub mod cluster_version;
pub mod cmsh;
pub mod kubernetes_versions;
pub mod system_applications;

use crate::run;
use podlift_host::{Host, Invocation};
use podlift_model::Failure;

/// Code of the failure if a tool prints something else than its documentation says.
pub const ODD: &str = "bcm-answer";
/// Bytes; no valid answer is longer.
const LIMIT: usize = 64 << 10;

/// A tool's stdout, if it exited 0.
async fn printed(host: &Host, call: Invocation) -> Result<String, Failure> {
    // cmsh looks for root's certificate below HOME.
    let call = call.env("HOME", "/root").env("TERM", "dumb");
    let output = run(host, &call).await?;
    let said = format!("{}{}", output.stdout, output.stderr);
    match output.code {
        0 if said.len() > LIMIT => Err(odd("it printed more than any answer would")),
        0 => Ok(output.stdout),
        code => Err(odd(format!("it exited {code}: {}", short(&said)))),
    }
}

fn odd(why: impl Into<String>) -> Failure {
    Failure::permanent(ODD, why)
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
