//! rsync's exclude patterns: `/a` (from the root), `a` (anywhere), `a/` (directories), `*` (within a name), `**` (across names), `/a/***` (the
//! directory and all in it). A path is excluded as soon as one of its parents is. As in BCM's lists, `no-new-files: PATTERN` also keeps out
//! what only the image has.

use std::path::Path;

const NO_NEW: &str = "no-new-files:";

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patterns(Vec<(String, bool)>);

impl Patterns {
    /// From the lines of a list; comments and `- ` before a pattern are allowed.
    pub fn of<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> Self {
        let parse = |line: &str| {
            let line = line.trim();
            let (rest, no_new) = match line.strip_prefix(NO_NEW) {
                Some(rest) => (rest.trim(), true),
                None => (line, false),
            };
            let pattern = rest.strip_prefix("- ").unwrap_or(rest).trim();
            (!pattern.is_empty() && !pattern.starts_with('#')).then(|| (pattern.to_string(), no_new))
        };
        Self(lines.into_iter().filter_map(|line| parse(line.as_ref())).collect())
    }

    /// What is on the node at this path stays as it is.
    pub fn keeps(&self, path: &Path) -> bool {
        self.0.iter().any(|(pattern, _)| covers(pattern, path))
    }

    /// What only the image has at this path does not come.
    pub fn keeps_out(&self, path: &Path) -> bool {
        self.0.iter().any(|(pattern, no_new)| *no_new && covers(pattern, path))
    }
}

fn covers(pattern: &str, path: &Path) -> bool {
    path.ancestors().take_while(|p| p.parent().is_some()).any(|p| matches(pattern, &p.to_string_lossy()))
}

fn matches(pattern: &str, path: &str) -> bool {
    if let Some(folder) = pattern.strip_suffix("/***") {
        return matches(folder, path);
    }
    let pattern = pattern.trim_end_matches('/');
    match pattern.starts_with('/') {
        true => glob(pattern.as_bytes(), path.as_bytes()),
        // It may begin at any name of the path.
        false => path.match_indices('/').any(|(i, _)| glob(pattern.as_bytes(), &path.as_bytes()[i + 1..])),
    }
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', b'*', rest @ ..] => (0..=text.len()).any(|i| glob(rest, &text[i..])),
        [b'*', rest @ ..] => {
            let name = text.iter().position(|c| *c == b'/').unwrap_or(text.len());
            (0..=name).any(|i| glob(rest, &text[i..]))
        }
        [b'?', rest @ ..] => text.first().is_some_and(|c| *c != b'/') && glob(rest, &text[1..]),
        [c, rest @ ..] => text.first() == Some(c) && glob(rest, &text[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_rsync_reads_them() {
        for (pattern, path, want) in [
            ("/etc/kubernetes", "/etc/kubernetes/admin.conf", true),
            ("/etc/kubernetes/", "/etc/kubernetes/pki/ca.crt", true),
            ("/etc/kubernetes/*", "/etc/kubernetes/pki/ca.crt", true),
            ("/etc/kubernetes/***", "/etc/kubernetes", true),
            ("/etc/kube", "/etc/kubernetes/admin.conf", false),
            ("/etc/*", "/etcetera", false),
            ("machine-id", "/etc/machine-id", true),
            ("etc/machine-id", "/etc/machine-id", true),
            ("*.pem", "/var/lib/kubelet/pki/a.pem", true),
            ("/var/*/pki", "/var/lib/kubelet/pki", false),
            ("/var/**/pki", "/var/lib/kubelet/pki", true),
            ("no-new-files: - /proc/*", "/proc/1/mountinfo", true),
        ] {
            assert_eq!(Patterns::of([pattern]).keeps(Path::new(path)), want, "{pattern} {path}");
        }
        let lists = Patterns::of(["# of the category", "/data/*", "no-new-files: - /sys"]);
        assert!(lists.keeps_out(Path::new("/sys/class")) && !lists.keeps_out(Path::new("/data/x")));
    }
}
