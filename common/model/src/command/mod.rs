//! The one reader of command lines of Kubernetes components: which word is the program, which words are its flags, and what can't be
//! known. pflag's rules (github.com/spf13/pflag `flag.go`, parseLongArg and parseSingleShortArg) after component-base's word separator
//! normalisation (`cli/flag/flags.go`, WordSepNormalizeFunc). Pure. Never guesses: a shell is opaque.
//!
//! Heal, learning, survey, plan and repair all use this reader. It also knows which flags are lists, whose order has a meaning, and
//! which values are paths. What it can't know is the value `opaque`, never an empty set of flags.

pub mod kinds;
mod program;
#[cfg(test)]
mod tests;

pub use kinds::{Kind, is_path, kind};
pub use program::Opaque;

use kinds::is_bool;

/// A command line as its program will read it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// Index of the word that names the program; `None` where the image's entrypoint is the program.
    pub program: Option<usize>,
    /// In the order in which they stand.
    pub flags: Vec<FlagUse>,
    /// Indices of words behind the program that are neither flags nor values: a component with one refuses to start.
    pub extra: Vec<usize>,
}

/// One use of a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagUse {
    /// Without dashes, `_` as `-`.
    pub name: String,
    pub value: String,
    pub form: Form,
    /// Index of the word that names the flag.
    pub word: usize,
    /// Index of the word that ends it: the value's own in the form `Separate`, else `word`.
    pub last: usize,
}

/// How a flag and its value are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `--name=value`
    Joined,
    /// `--name value`, two words.
    Separate,
    /// `--name`: true, or empty where the flag needs a value.
    Bare,
}

impl CommandLine {
    /// Reads the words of a container: `command`, then `args`. `program` is its base name, e.g. `kube-apiserver`. Fails with what hides
    /// the flags.
    pub fn read(program: &str, words: &[&str]) -> Result<Self, Opaque> {
        let (program, first) = program::find(program, words)?;
        Ok(Self { program, ..Self::flags_from(words, first) })
    }

    /// Reads words that are flags and nothing else, as of an environment variable or of a process behind its program's name.
    pub fn flags_of(words: &[&str]) -> Self {
        Self::flags_from(words, 0)
    }

    fn flags_from(words: &[&str], first: usize) -> Self {
        let mut line = Self::default();
        let mut at = first;
        while at < words.len() {
            match words[at] {
                // The components take an empty argument for none.
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

    /// All uses of a flag, by its normalised name.
    pub fn uses<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a FlagUse> {
        self.flags.iter().filter(move |flag| flag.name == name)
    }
}

/// None: the word is no flag.
fn flag_at(words: &[&str], at: usize) -> Option<FlagUse> {
    let (written, joined) = long(words[at]).or_else(|| short(words[at]))?;
    let name = normal(written);
    let next = words.get(at + 1).copied();
    let (value, form, last) = match joined {
        Some(value) => (value, Form::Joined, at),
        None => match next.filter(|next| takes(&name, next)) {
            Some(value) => (value, Form::Separate, at + 1),
            // Nothing follows a flag that needs a value: its program refuses to start, and nobody may take that for "true".
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

/// `-v=4`, `-v4`, `-v 4`: verbosity is the only letter that the components have.
fn short(word: &str) -> Option<(&str, Option<&str>)> {
    let rest = word.strip_prefix("-v")?;
    Some(("v", (!rest.is_empty()).then(|| rest.strip_prefix('=').unwrap_or(rest))))
}

/// Whether the next word is this flag's value. pflag takes whatever follows a flag that needs a value; of a flag that is not known a word
/// with a dash is taken for the next flag.
fn takes(name: &str, next: &str) -> bool {
    !is_bool(name) && (kind(name).is_some() || !next.starts_with('-'))
}

/// A flag's name as component-base compares it.
pub fn normal(name: &str) -> String {
    name.replace('_', "-")
}

/// Whether the kubelet puts something else into this text when it starts the container: `$(POD_IP)`. `$$(POD_IP)` is text.
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
