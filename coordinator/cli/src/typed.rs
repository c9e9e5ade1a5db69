//! The command line as it was typed. An error shows it again with one option more, so that no argument gets lost.

use std::ffi::OsString;

/// Options whose value is a plan in a file.
const FILES: [&str; 2] = ["--plan", "--file"];
/// Global options, each followed by its value.
const VALUED: [&str; 4] = ["--config", "--output", "-o", "--color"];
/// Options of a start, which no plan has: those that are followed by their value, and all of them.
const STARTING_VALUED: [&str; 2] = ["--approve", "--expect-hash"];
const STARTING: [&str; 4] = ["--approve", "--expect-hash", "--yes", "--detach"];

#[derive(Debug, Clone, Default)]
pub(super) struct Typed(Vec<String>);

impl Typed {
    /// The first word is the program's path, which is shown as `podlift`.
    pub fn new(words: &[OsString]) -> Self {
        Self(words.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect())
    }

    /// The same command with this option, quoted for a shell. An option behind `--` would be an argument, so that it is put before.
    pub fn with(&self, option: &str) -> String {
        let end = self.0.iter().position(|word| word == "--").unwrap_or(self.0.len());
        let (before, after) = self.0.split_at(end);
        line(before.iter().map(String::as_str).chain([option]).chain(after.iter().map(String::as_str)))
    }

    /// The command that only shows the plan which this one would start, with every argument that a plan has. `None` if the plan is in a file,
    /// or if this is no command that starts a run.
    pub fn planned(&self) -> Option<String> {
        let of_file = |word: &String| FILES.iter().any(|f| word == f || word.starts_with(&format!("{f}=")));
        if self.0.iter().any(of_file) {
            return None;
        }
        let mut words = self.0.iter().map(String::as_str);
        let (mut planned, mut verb) = (Vec::new(), None);
        while let Some(word) = words.next() {
            match word {
                "upgrade" | "repair" if verb.is_none() => {
                    verb = Some(word);
                    planned.extend(if word == "upgrade" { &["plan"][..] } else { &["repair", "--plan"][..] });
                }
                _ if VALUED.contains(&word) => {
                    planned.extend([Some(word), words.next()].into_iter().flatten())
                }
                _ if STARTING_VALUED.contains(&word) => {
                    words.next();
                }
                _ if STARTING.iter().any(|of| word == *of || word.starts_with(&format!("{of}="))) => {}
                _ => planned.push(word),
            }
        }
        verb.map(|_| line(planned.into_iter()))
    }
}

/// The words as one line, quoted for a shell.
fn line<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let quoted = words.map(|word| shlex::try_quote(word).unwrap_or_else(|_| word.into()));
    quoted.fold(String::from("podlift"), |line, word| line + " " + &word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(line: &str) -> Option<String> {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        Typed::new(&words).planned()
    }

    #[test]
    fn the_plan_of_a_start_has_the_same_arguments() {
        for (typed, shown) in [
            ("podlift upgrade --to v1.32.9 --yes", "podlift plan --to v1.32.9"),
            (
                "podlift --config upgrade upgrade --detach --to v1.32.9 --approve batch --without rack=r7 --grow",
                "podlift --config upgrade plan --to v1.32.9 --without 'rack=r7' --grow",
            ),
            (
                "podlift upgrade --resume-deferred --expect-hash 12ab --approve=all",
                "podlift plan --resume-deferred",
            ),
            ("podlift repair --yes --without dgx031", "podlift repair --plan --without dgx031"),
        ] {
            let line = planned(typed).unwrap();
            assert_eq!(line, shown, "{typed}");
            let words = shlex::split(&line).unwrap();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            assert_eq!(crate::parse(&words), Ok(()), "{line}");
        }
        for other in [
            "podlift upgrade --plan plan.json",
            "podlift repair --file=repair.json",
            "podlift status",
            "podlift",
        ] {
            assert_eq!(planned(other), None, "{other}");
        }
    }

    #[test]
    fn the_line_is_shown_again_with_all_that_was_typed() {
        let cases: [(&[&str], &str); 4] = [
            (&["/usr/bin/podlift", "abort"], "podlift abort --yes"),
            (
                &["podlift", "defer", "runai-03", "--reason", "GPU tray; it's out", "--run", "r1"],
                "podlift defer runai-03 --reason \"GPU tray; it's out\" --run r1 --yes",
            ),
            (&["podlift", "defer", "--", "runai-03"], "podlift defer --yes -- runai-03"),
            (
                &[
                    "podlift",
                    "--config",
                    "/etc/pod lift.toml",
                    "upgrade",
                    "--to",
                    "v1.32.9",
                    "--waive",
                    "etcd=$HOME",
                ],
                "podlift --config '/etc/pod lift.toml' upgrade --to v1.32.9 --waive 'etcd=$HOME' --yes",
            ),
        ];
        for (typed, shown) in cases {
            let words: Vec<OsString> = typed.iter().map(OsString::from).collect();
            let line = Typed::new(&words).with("--yes");
            assert_eq!(line, shown);
            let again = shlex::split(&line).unwrap();
            let without: Vec<&String> = again.iter().skip(1).filter(|word| *word != "--yes").collect();
            assert_eq!(without, typed[1..].iter().collect::<Vec<_>>(), "the shell reads what was typed");
            assert_eq!(crate::parse(&again.iter().map(String::as_str).collect::<Vec<_>>()), Ok(()), "{line}");
        }
    }
}
