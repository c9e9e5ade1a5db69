//! The command line as it was typed. An error shows it again with one option more, so that no argument gets lost.

use std::ffi::OsString;

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
        let words = before.iter().map(String::as_str).chain([option]).chain(after.iter().map(String::as_str));
        let quoted = words.map(|word| shlex::try_quote(word).unwrap_or_else(|_| word.into()));
        quoted.fold(String::from("podlift"), |line, word| line + " " + &word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
