//! `cmsh … applications; list`: the applications that BCM itself applies to a cluster.

use super::{cmsh, odd, printed, short};
use podlift_host::Host;
use podlift_model::bcm::BcmApplication;
use podlift_model::{ClusterName, Failure};

pub async fn look(host: &Host, cluster: &ClusterName) -> Result<Vec<BcmApplication>, Failure> {
    let words = "appgroups; use system; applications; list";
    parse(&printed(host, cmsh::of_cluster(cluster, words)).await?).map_err(odd)
}

/// The table of `applications; list`: name, format, whether it is enabled.
fn parse(text: &str) -> Result<Vec<BcmApplication>, String> {
    let odd = || format!("it printed something else than a list of applications: {}", short(text));
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    let header = lines.next().is_some_and(|l| l.starts_with("Name (key)"));
    let ruler = lines.next().is_some_and(|l| l.chars().all(|c| matches!(c, '-' | ' ')));
    if !header || !ruler {
        return Err(odd());
    }
    lines.map(|line| application(line).ok_or_else(odd)).collect()
}

fn application(line: &str) -> Option<BcmApplication> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, _format, enabled @ ("yes" | "no")] = words.as_slice() else { return None };
    Some(BcmApplication { name: (*name).into(), enabled: *enabled == "yes" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{Fakes, said};

    /// cmsh's output, padded to the right.
    const TABLE: &str = "Name (key)          Format Enabled\n------------------- ------ -------\ncalico              Yaml   yes    \nflannel             Yaml   no     \n";

    #[tokio::test]
    async fn one_fixed_command() {
        let fakes = Fakes::new(|_| said(TABLE));
        let rows = look(&fakes.host, &"runaicluster".parse().unwrap()).await.unwrap();
        let told: Vec<(&str, bool)> = rows.iter().map(|a| (a.name.as_str(), a.enabled)).collect();
        assert_eq!(told, [("calico", true), ("flannel", false)]);
        let want = "cmsh -n -q --hide-events --color no -c kubernetes use runaicluster; appgroups; use system; applications; list";
        assert_eq!(fakes.commands.calls(), [want]);
    }

    #[test]
    fn a_table_and_nothing_else() {
        for odd in
            ["", "Command 'appgroups' not found.\n", "Name (key)\nx", &TABLE.replace(" no ", " maybe ")]
        {
            assert!(parse(odd).unwrap_err().contains("something else"), "{odd}");
        }
    }
}
