//! `main versioninfo`, and the version of the package that has the list of Kubernetes versions.

use super::{cmsh, lines, printed};
use crate::run;
use podlift_host::{Host, Invocation};
use podlift_model::Failure;

/// BCM's own version: `11.0 (build 165270)`. `None` if the answer has none.
pub async fn bcm(host: &Host) -> Result<Option<String>, Failure> {
    Ok(parse(&printed(host, cmsh::script("main versioninfo")).await?))
}

/// The version of `cm-setup`; `None` if it is not installed as a Debian package.
pub async fn cm_setup(host: &Host) -> Result<Option<String>, Failure> {
    let call = Invocation::new("dpkg-query", ["-W", "-f=${Version}", "cm-setup"]);
    let output = run(host, &call).await?;
    let version = output.stdout.trim();
    Ok((output.success() && !version.is_empty()).then(|| version.to_string()))
}

fn parse(text: &str) -> Option<String> {
    let value = |name: &str| {
        let line = lines::of(text).map(str::trim).find(|l| l.to_lowercase().starts_with(name))?;
        let value = line[name.len()..].trim_start_matches([' ', ':', '|']).trim();
        value.starts_with(|c: char| c.is_ascii_digit()).then(|| value.to_string())
    };
    let version = value("cluster manager")?;
    Some(match value("build index") {
        Some(build) => format!("{version} (build {build})"),
        None => version,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{Fakes, exited, said};

    #[tokio::test]
    async fn what_is_installed() {
        let fakes = Fakes::new(|call| match call.program {
            "cmsh" => said("Cluster Manager   11.0\nCMDaemon          3.1\nBuild Index       165270\n"),
            _ => said("11.0-123456"),
        });
        assert_eq!(bcm(&fakes.host).await, Ok(Some("11.0 (build 165270)".into())));
        assert_eq!(cm_setup(&fakes.host).await, Ok(Some("11.0-123456".into())));
        let none = Fakes::new(|call| match call.program {
            "cmsh" => said("not known\n"),
            _ => exited(1, "dpkg-query: no packages found matching cm-setup\n"),
        });
        assert_eq!((bcm(&none.host).await, cm_setup(&none.host).await), (Ok(None), Ok(None)));
    }
}
