//! `dpkg --audit` and `dpkg-deb -x`: packages that dpkg has left half done, and a package unpacked outside of the system.

use super::{exited, must, run};
use podlift_host::{Host, Invocation};
use podlift_model::Failure;
use std::path::Path;

/// Packages that dpkg has not finished.
pub async fn audit(host: &Host) -> Result<Vec<String>, Failure> {
    let call = Invocation::new("dpkg", ["--audit"]);
    let output = run(host, &call).await?;
    let found = parse(&output.stdout);
    // It may exit 1 because it has something to report.
    if output.success() || !found.is_empty() { Ok(found) } else { Err(exited(&call, &output)) }
}

/// Reads paragraphs: a problem, and below it one line ` PACKAGE  DESCRIPTION` for each package. A lost file of dpkg's own or a foreign
/// architecture does not count as half done.
fn parse(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for paragraph in text.split("\n\n").filter(|p| !p.contains("control file") && !p.contains("architecture"))
    {
        let lines = paragraph.lines().filter_map(|l| l.strip_prefix(' ')?.split_whitespace().next());
        names.extend(lines.map(|word| word.split(':').next().unwrap_or(word).to_string()));
    }
    names.sort();
    names.dedup();
    names
}

/// Unpacks the files of a package below a folder. dpkg's database does not change, and no script of the package runs.
pub async fn unpack(host: &Host, package: &Path, to: &str) -> Result<(), Failure> {
    let call = Invocation::new("dpkg-deb", ["-x", &package.display().to_string(), to]);
    must(host, &call).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_what_is_half_done() {
        let text = include_str!("../../../tests/fixtures/apt/audit.txt");
        assert_eq!(parse(text), ["kubeadm", "kubelet"]);
        let healthy = text.split("\n\n").nth(2).unwrap();
        assert!(healthy.contains("list control file"), "{healthy}");
        assert_eq!(parse(healthy), [""; 0]);
        assert_eq!(parse(""), [""; 0]);
    }
}
