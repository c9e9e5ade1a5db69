//! The only reader of command lines of Kubernetes components: which word is the program, which words are its flags, and what can't be
//! known. It follows the rules of pflag (github.com/spf13/pflag `flag.go`, parseLongArg and parseSingleShortArg) after component-base's
//! normalisation of word separators (`cli/flag/flags.go`, WordSepNormalizeFunc). It does no IO and never guesses: a shell is opaque.
//!
//! Heal, learning, survey, plan and repair all use this reader. It also knows which flags are lists, whose order has a meaning, and which
//! values are paths. If it can't know the flags, it returns the error `Opaque` and never an empty set.

pub mod kinds;
mod program;
#[cfg(test)]
mod tests;

pub use kinds::{Kind, is_path, kind};
pub use program::Opaque;

use kinds::is_bool;

/// A command line as its program will parse it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// Index of the word that names the program; `None` if the image's entrypoint is the program.
    pub program: Option<usize>,
    /// In the order of the command line.
    pub flags: Vec<FlagUse>,
    /// Indices of words after the program that are neither flags nor values. A component with such a word refuses to start.
    pub extra: Vec<usize>,
}

/// One occurrence of a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagUse {
    /// Name without leading dashes and with `_` replaced by `-`.
    pub name: String,
    pub value: String,
    pub form: Form,
    /// Index of the word that names the flag.
    pub word: usize,
    /// Index of the last word of this occurrence: the value's own word in the form `Separate`, otherwise `word`.
    pub last: usize,
}

/// How a flag and its value are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `--name=value`
    Joined,
    /// `--name value`, two words.
    Separate,
    /// `--name` alone: true, or empty if the flag needs a value.
    Bare,
}

impl CommandLine {
    /// Reads the words of a container: `command`, then `args`. `program` is its base name, e.g. `kube-apiserver`. The error names the word
    /// that hides the flags.
    pub fn read(program: &str, words: &[&str]) -> Result<Self, Opaque> {
        let (program, first) = program::find(program, words)?;
        Ok(Self { program, ..Self::flags_from(words, first) })
    }

    /// Reads words that are all flags, from an environment variable or from a process after its program's name.
    pub fn flags_of(words: &[&str]) -> Self {
        Self::flags_from(words, 0)
    }

    fn flags_from(words: &[&str], first: usize) -> Self {
        let mut line = Self::default();
        let mut at = first;
        while at < words.len() {
            match words[at] {
                // The components ignore an empty argument.
                "" => {}
                "--" => {
                    line.extra.extend(at + 1..words.len());
                    break;
                }
                _ => match flag_at(words, at) {
                    Some(flag) => {
                        at = flag.last;
                        line.flags.push(flag);
                    }
                    None => line.extra.push(at),
                },
            }
            at += 1;
        }
        line
    }

    /// All occurrences of a flag, by its normalised name.
    pub fn uses<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a FlagUse> {
        self.flags.iter().filter(move |flag| flag.name == name)
    }
}

/// `None` if the word is no flag.
fn flag_at(words: &[&str], at: usize) -> Option<FlagUse> {
    let (written, joined) = long(words[at]).or_else(|| short(words[at]))?;
    let name = normal(written);
    let next = words.get(at + 1).copied();
    let (value, form, last) = match joined {
        Some(value) => (value, Form::Joined, at),
        None => match next.filter(|next| takes(&name, next)) {
            Some(value) => (value, Form::Separate, at + 1),
            // No word follows a flag that needs a value: the program refuses to start, so the value must not read as "true".
            None if !is_bool(&name) && kind(&name).is_some() => ("", Form::Bare, at),
            None => ("true", Form::Bare, at),
        },
    };
    Some(FlagUse { name, value: value.into(), form, word: at, last })
}

/// `--name`, `--name=value`.
fn long(word: &str) -> Option<(&str, Option<&str>)> {
    let flag = word.strip_prefix("--").filter(|f| !f.is_empty() && !f.starts_with(['-', '=']))?;
    Some(flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value))))
}

/// `-v=4`, `-v4`, `-v 4`: verbosity is the only one-letter flag of the components.
fn short(word: &str) -> Option<(&str, Option<&str>)> {
    let rest = word.strip_prefix("-v")?;
    Some(("v", (!rest.is_empty()).then(|| rest.strip_prefix('=').unwrap_or(rest))))
}

/// Whether the next word is this flag's value. pflag takes any word after a flag that needs a value. After an unknown flag, a word with a
/// dash counts as the next flag.
fn takes(name: &str, next: &str) -> bool {
    !is_bool(name) && (kind(name).is_some() || !next.starts_with('-'))
}

/// The normalised name by which component-base compares flags.
pub fn normal(name: &str) -> String {
    name.replace('_', "-")
}

/// Whether the kubelet substitutes a variable in this text when it starts the container: `$(POD_IP)`. `$$(POD_IP)` is plain text.
pub fn is_expanded(value: &str) -> bool {
    let mut rest = value;
    while let Some(at) = rest.find("$(") {
        let dollars = rest[..at].bytes().rev().take_while(|b| *b == b'$').count();
        if dollars % 2 == 0 && rest[at..].contains(')') {
            return true;
        }
        rest = &rest[at + 2..];
    }
    false
}
