//! The annotations of a pod that ask for a checkpoint: `podlift.io/checkpoint` has a JSON array with the words of a command, or a signal
//! (`signal:USR1`), and `podlift.io/checkpoint-grace` has the longest time for it (`120s`).

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The annotation with the command or the signal.
pub const HOOK: &str = "podlift.io/checkpoint";
/// The annotation with the longest time.
pub const GRACE: &str = "podlift.io/checkpoint-grace";
/// Longest grace of a pod, and longest time of an op, in seconds.
pub const LONGEST_SECONDS: u32 = 3600;
/// Grace of a pod without the annotation, in seconds.
const USUAL_SECONDS: u32 = 60;
/// Most words of a command, and most bytes of all its words.
const WORDS: usize = 64;
const BYTES: usize = 8 << 10;

/// What the owner of a pod asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checkpoint {
    pub hook: Hook,
    /// Longest time of a command. After a signal, the time that the program gets to save its work.
    pub grace_seconds: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Hook {
    /// Words of a command, which is run in the pod's container. No shell reads them.
    Command(Vec<String>),
    /// A signal to the first process of the pod's container.
    Signal(CheckpointSignal),
}

/// Signals that a program can catch to save its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum CheckpointSignal {
    Hup,
    Int,
    Quit,
    Usr1,
    Usr2,
    Term,
}
crate::op::names!(CheckpointSignal {
    Hup = "HUP", Int = "INT", Quit = "QUIT", Usr1 = "USR1", Usr2 = "USR2", Term = "TERM"
});

impl CheckpointSignal {
    /// Linux's number of the signal, the same on x86-64 and arm64.
    pub fn number(self) -> u32 {
        match self {
            Self::Hup => 1,
            Self::Int => 2,
            Self::Quit => 3,
            Self::Usr1 => 10,
            Self::Usr2 => 12,
            Self::Term => 15,
        }
    }
}

/// An annotation that asks for a checkpoint and can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("annotation {annotation} = {value:?} is not valid: expected {expected}")]
pub struct InvalidHook {
    pub annotation: &'static str,
    /// At most 100 characters of it.
    pub value: String,
    pub expected: &'static str,
}

impl Checkpoint {
    /// What a pod's annotations ask for, by a function that gives the value of an annotation. `None` without `podlift.io/checkpoint`.
    pub fn of<'a>(annotation: impl Fn(&str) -> Option<&'a str>) -> Result<Option<Self>, InvalidHook> {
        let Some(text) = annotation(HOOK) else { return Ok(None) };
        let grace_seconds = annotation(GRACE).map_or(Ok(USUAL_SECONDS), grace)?;
        Ok(Some(Self { hook: hook(text)?, grace_seconds }))
    }
}

fn hook(text: &str) -> Result<Hook, InvalidHook> {
    match text.trim().strip_prefix("signal:") {
        Some(name) => signal(name).ok_or_else(|| {
            invalid(HOOK, text, "signal: and one of HUP INT QUIT USR1 USR2 TERM, for example signal:USR1")
        }),
        None => command(text).ok_or_else(|| {
            invalid(
                HOOK,
                text,
                "a JSON array with the words of a command, for example [\"/bin/save\",\"--now\"] (1 to 64 words, 8 KiB), or signal:USR1",
            )
        }),
    }
}

fn signal(name: &str) -> Option<Hook> {
    let name = name.trim();
    name.strip_prefix("SIG").unwrap_or(name).parse().ok().map(Hook::Signal)
}

fn command(text: &str) -> Option<Hook> {
    let words: Vec<String> = serde_json::from_str(text).ok()?;
    let bytes: usize = words.iter().map(String::len).sum();
    let named = words.first().is_some_and(|program| !program.trim().is_empty());
    // The kernel ends a word at a zero byte.
    let whole = !words.iter().any(|word| word.contains('\0'));
    (named && whole && words.len() <= WORDS && bytes <= BYTES).then_some(Hook::Command(words))
}

fn grace(text: &str) -> Result<u32, InvalidHook> {
    let parsed = text.trim().parse::<SignedDuration>().ok();
    let seconds = parsed.and_then(|grace| u32::try_from(grace.as_secs()).ok());
    let valid = seconds.filter(|seconds| (1..=LONGEST_SECONDS).contains(seconds));
    valid.ok_or_else(|| invalid(GRACE, text, "a time from 1s to 1h with its unit, for example 120s or 10m"))
}

fn invalid(annotation: &'static str, value: &str, expected: &'static str) -> InvalidHook {
    InvalidHook { annotation, value: value.chars().take(100).collect(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(hook: Option<&'static str>, grace: Option<&'static str>) -> Result<Option<Checkpoint>, String> {
        let annotation = |name: &str| if name == HOOK { hook } else { grace.filter(|_| name == GRACE) };
        Checkpoint::of(annotation).map_err(|e| e.to_string())
    }

    #[test]
    fn commands_signals_and_their_grace() {
        let command = |words: &[&str]| Hook::Command(words.iter().map(ToString::to_string).collect());
        let cases = [
            (r#"["/bin/save","--to","/ckpt"]"#, Some("120s"), command(&["/bin/save", "--to", "/ckpt"]), 120),
            (r#"["sh","-c","echo a; echo b"]"#, Some("1h"), command(&["sh", "-c", "echo a; echo b"]), 3600),
            ("[\"save\"]\n", None, command(&["save"]), 60),
            ("signal:USR1", Some("2m"), Hook::Signal(CheckpointSignal::Usr1), 120),
            ("signal:SIGTERM", Some("1m30s"), Hook::Signal(CheckpointSignal::Term), 90),
        ];
        for (text, grace, hook, grace_seconds) in cases {
            assert_eq!(read(Some(text), grace), Ok(Some(Checkpoint { hook, grace_seconds })), "{text}");
        }
        assert_eq!(read(None, Some("x")), Ok(None), "no hook, so that its grace does not matter");
    }

    #[test]
    fn what_is_no_hook_is_refused_with_its_value() {
        let long = Box::leak(format!("[\"{}\"]", "x".repeat(9000)).into_boxed_str());
        let hooks = [
            "",
            "/bin/save",
            "[]",
            "[\"\"]",
            "[1]",
            r#"{"command":["a"]}"#,
            r#"["a\u0000b"]"#,
            "signal:",
            "signal:KILL",
            "signal:usr1",
            "signal:10",
            long,
        ];
        for text in hooks {
            let error = read(Some(text), None).unwrap_err();
            assert!(error.starts_with("annotation podlift.io/checkpoint = \""), "{text}: {error}");
            assert!(error.len() < 400, "{error}");
        }
        for text in ["", "120", "0s", "-5s", "999ms", "61m", "soon"] {
            let error = read(Some("signal:USR1"), Some(text)).unwrap_err();
            let want =
                format!("annotation podlift.io/checkpoint-grace = {text:?} is not valid: expected a time");
            assert!(error.starts_with(&want), "{error}");
        }
    }

    #[test]
    fn the_signals_have_linux_numbers_and_names() {
        let all: Vec<_> = CheckpointSignal::ALL.iter().map(|s| (s.name(), s.number())).collect();
        assert_eq!(all, [("HUP", 1), ("INT", 2), ("QUIT", 3), ("USR1", 10), ("USR2", 12), ("TERM", 15)]);
        assert_eq!(serde_json::to_string(&CheckpointSignal::Usr2).unwrap(), "\"USR2\"");
    }
}
