//! `cm-kubernetes-setup --list-versions`: the minors of Kubernetes that this BCM can manage.

use super::{odd, printed, short, without_suffix};
use podlift_host::{Host, Invocation};
use podlift_model::{Failure, Minor};

pub async fn look(host: &Host) -> Result<Vec<Minor>, Failure> {
    parse(&printed(host, Invocation::new("cm-kubernetes-setup", ["--list-versions"])).await?).map_err(odd)
}

/// Reads lines such as `1.32`, newest first, some with a suffix in brackets.
fn parse(text: &str) -> Result<Vec<Minor>, String> {
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    let minors: Option<Vec<Minor>> = lines.map(|l| without_suffix(l).parse().ok()).collect();
    match minors {
        Some(minors) if !minors.is_empty() => Ok(minors),
        Some(_) => Err("it listed no version at all".into()),
        None => Err(format!("it printed something else than a list of versions: {}", short(text))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{Fakes, said};

    #[tokio::test]
    async fn one_fixed_command() {
        // The text that the manual prints.
        let text =
            "1.30\n1.29 (NVIDIA AI Enterprise certified)\n1.28 (NVIDIA AI Enterprise certified)\n1.27\n";
        let fakes = Fakes::new(move |_| said(text));
        let want: Vec<Minor> = ["1.30", "1.29", "1.28", "1.27"].map(|m| m.parse().unwrap()).to_vec();
        assert_eq!(look(&fakes.host).await, Ok(want));
        assert_eq!(fakes.commands.calls(), ["cm-kubernetes-setup --list-versions"]);
    }

    #[test]
    fn what_is_no_list_is_kept_as_it_came() {
        for (text, want) in [
            ("Error: CMDaemon is not running\n", "Error: CMDaemon is not running"),
            ("1.32\nError: cache is stale\n", "cache is stale"),
            ("1.32 is not supported\n", "1.32 is not supported"),
            ("\n \n", "no version at all"),
        ] {
            let why = parse(text).unwrap_err();
            assert!(why.contains(want) && why.len() < 5000, "{why}");
        }
    }
}
