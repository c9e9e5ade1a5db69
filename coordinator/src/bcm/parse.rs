//! What the BCM tools print, read strictly: they say errors with exit code 0 too, so that what is not exactly as documented is kept as it
//! came and believed by nobody. Pure.

use super::Ran;
use podlift_engine::survey::BcmApplication;
use podlift_model::{Minor, PackageVersion};

/// `1.32` a line, newest first, some with a suffix in brackets.
pub fn kubernetes_versions(ran: &Ran) -> Result<Vec<Minor>, String> {
    let text = printed(ran)?;
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    let minors: Option<Vec<Minor>> = lines.map(|l| without_suffix(l).parse().ok()).collect();
    match minors {
        Some(minors) if !minors.is_empty() => Ok(minors),
        Some(_) => Err("it listed no version at all".into()),
        None => Err(format!("it printed something else than a list of versions: {}", short(text))),
    }
}

/// `1.31.9-1.1`, with or without `(where it comes from)`.
pub fn cluster_version(ran: &Ran) -> Result<PackageVersion, String> {
    let text = printed(ran)?.trim();
    without_suffix(text)
        .parse()
        .map_err(|_| format!("it printed something else than a version: {}", short(text)))
}

/// The table of `applications; list`: name, format, whether it is enabled.
pub fn applications(ran: &Ran) -> Result<Vec<BcmApplication>, String> {
    let text = printed(ran)?;
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

fn printed(ran: &Ran) -> Result<&str, String> {
    let said = format!("{}{}", ran.stdout, ran.stderr);
    match ran.exit {
        Some(0) if ran.cut => Err("it printed more than any answer would".into()),
        Some(0) => Ok(&ran.stdout),
        Some(code) => Err(format!("it exited {code}: {}", short(&said))),
        None => Err(format!("it was ended by a signal: {}", short(&said))),
    }
}

fn without_suffix(line: &str) -> &str {
    match line.split_once(" (") {
        Some((before, rest)) if rest.ends_with(')') => before.trim_end(),
        _ => line,
    }
}

/// The raw text, as much of it as a person reads.
fn short(text: &str) -> String {
    const LIMIT: usize = 2000;
    let text = text.trim();
    match text.char_indices().nth(LIMIT) {
        Some((at, _)) => format!("{:?} …", &text[..at]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(exit: i32, stdout: &str) -> Ran {
        Ran { exit: Some(exit), stdout: stdout.into(), ..Ran::default() }
    }

    #[test]
    fn a_list_of_minors() {
        // As the manual prints it.
        let text =
            "1.30\n1.29 (NVIDIA AI Enterprise certified)\n1.28 (NVIDIA AI Enterprise certified)\n1.27\n";
        let minors = kubernetes_versions(&ran(0, text)).unwrap();
        let want: Vec<Minor> = ["1.30", "1.29", "1.28", "1.27"].map(|m| m.parse().unwrap()).to_vec();
        assert_eq!(minors, want);
    }

    #[test]
    fn what_is_no_list_is_kept_as_it_came() {
        for (said, want) in [
            (ran(0, "Error: CMDaemon is not running\n"), "Error: CMDaemon is not running"),
            (ran(0, "1.32\nError: cache is stale\n"), "cache is stale"),
            (ran(0, "1.32 is not supported\n"), "1.32 is not supported"),
            (ran(0, "\n \n"), "no version at all"),
            (ran(1, "boom"), "exited 1: \"boom\""),
            (Ran { exit: None, stderr: "Killed".into(), ..Ran::default() }, "by a signal: \"Killed\""),
            (Ran { cut: true, ..ran(0, "1.32\n") }, "more than any answer"),
            (ran(0, &"é".repeat(9000)), "…"),
        ] {
            let why = kubernetes_versions(&said).unwrap_err();
            assert!(why.contains(want) && why.len() < 5000, "{why}");
        }
    }

    #[test]
    fn a_table_of_applications_and_nothing_else() {
        // As cmsh prints it: padded to the right.
        let text = "Name (key)          Format Enabled\n------------------- ------ -------\ncalico              Yaml   yes    \nflannel             Yaml   no     \n";
        let rows = applications(&ran(0, text)).unwrap();
        let told: Vec<(&str, bool)> = rows.iter().map(|a| (a.name.as_str(), a.enabled)).collect();
        assert_eq!(told, [("calico", true), ("flannel", false)]);
        for odd in ["", "Command 'appgroups' not found.\n", "Name (key)\nx", &text.replace(" no ", " maybe ")]
        {
            assert!(applications(&ran(0, odd)).unwrap_err().contains("something else"), "{odd}");
        }
        assert!(applications(&ran(1, text)).unwrap_err().contains("exited 1"));
    }

    #[test]
    fn a_version_with_and_without_where_it_comes_from() {
        for text in ["1.31.9-1.1\n", "1.31.9-1.1 (default)\n"] {
            assert_eq!(cluster_version(&ran(0, text)).unwrap().to_string(), "1.31.9-1.1");
        }
        assert!(cluster_version(&ran(0, "No such object")).unwrap_err().contains("No such object"));
    }
}
