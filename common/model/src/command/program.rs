//! Which word of a container's command line is the program. Wrappers (flock, go-runner, nice, tini) put their own words in front of it.

use std::fmt;

/// Why the flags of a command line can't be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opaque {
    /// A shell splits the words again. Has the shell's name and, if present, its `-c`.
    Shell(String),
    /// No word names the program: it is a wrapper, or a whole command line in one word.
    NoProgram { program: String, first: String },
}

impl fmt::Display for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shell(shell) => write!(f, "opaque: {shell} (a shell splits its command line)"),
            Self::NoProgram { program, first } => {
                write!(f, "opaque: {first} (no word of its command line is the program {program})")
            }
        }
    }
}

impl std::error::Error for Opaque {}

const SHELLS: &[&str] = &["sh", "bash", "dash", "ash", "zsh", "ksh", "busybox"];

/// Index of the program's word (`None` if the image's entrypoint is the program), and of the first word after it.
pub(super) fn find(program: &str, words: &[&str]) -> Result<(Option<usize>, usize), Opaque> {
    if let Some(shell) = shell(program, words) {
        return Err(Opaque::Shell(shell));
    }
    let named = named(program, words);
    let Some(first) = words.first() else { return Ok((None, 0)) };
    match named {
        Some(at) => Ok((Some(at), at + 1)),
        None if first.starts_with('-') => Ok((None, 0)),
        None => Err(Opaque::NoProgram { program: program.into(), first: clipped(first) }),
    }
}

/// A shell before the program, or anywhere if no word is the program.
fn shell(program: &str, words: &[&str]) -> Option<String> {
    let before = named(program, words).unwrap_or(words.len());
    let at = words[..before].iter().position(|w| SHELLS.contains(&base(w)))?;
    let c = words[at + 1..].iter().find(|w| w.starts_with('-') && w.ends_with('c') && !w.starts_with("--"));
    Some(c.map_or_else(|| base(words[at]).to_string(), |c| format!("{} {c}", base(words[at]))))
}

/// The last of the words with the program's name that stand before its first flag: a wrapper's lock file may have the same name. A word
/// behind that is a flag's value.
fn named(program: &str, words: &[&str]) -> Option<usize> {
    let is_it = |at: usize| base(words[at]) == program || is_hyperkube(program, words, at);
    let all = || (0..words.len()).filter(|at| is_it(*at));
    let starts = |at: &usize| words.get(at + 1).is_none_or(|next| next.is_empty() || next.starts_with('-'));
    all().find(starts).or_else(|| all().next())
}

/// `hyperkube kube-apiserver`, `hyperkube apiserver`.
fn is_hyperkube(program: &str, words: &[&str], at: usize) -> bool {
    let short = program.strip_prefix("kube-");
    at > 0 && base(words[at - 1]) == "hyperkube" && short == Some(words[at])
}

fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

fn clipped(word: &str) -> String {
    let line = word.lines().next().unwrap_or_default();
    match line.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.into(),
    }
}
