//! `crictl exec --sync`: runs a command in a running container, within the runtime's own time limit.
//!
//! With `--sync` the runtime ends the command at its limit, and also when crictl is ended (containerd `cri/server/container_execsync.go`),
//! so that no command runs on unseen. The price is its output: of a command that fails, crictl prints the error output alone, within a line
//! of its own log, and it exits with 1 whatever the command's exit code was (cri-tools 1.28 to 1.36, `cmd/crictl/exec.go`, and
//! `cri-client/pkg/remote_runtime.go`).

use crate::run;
use podlift_host::{Host, Invocation, Output};
use podlift_model::{Failure, codes};
use std::time::Duration;

/// How long the runtime may take to end a command whose time is over.
const MARGIN: Duration = Duration::from_secs(15);
/// What is kept of the output: its end.
const LINES: usize = 20;
const BYTES: usize = 2000;

/// How the command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Executed {
    /// `output` is the end of what it printed.
    Exited { code: i32, output: String },
    /// It did not end within its limit, and the runtime ended it.
    TimedOut,
    /// The runtime did not start it, for example because the container has no such program.
    Refused(String),
}

/// Runs the words in the container, without a shell.
pub async fn exec(
    host: &Host,
    container: &str,
    words: &[String],
    limit: Duration,
) -> Result<Executed, Failure> {
    let seconds = limit.as_secs().max(1).to_string();
    let own = ["exec", "--sync", "--timeout", &seconds, container];
    let args = own.into_iter().chain(words.iter().map(String::as_str));
    let call = Invocation::new("crictl", args).timeout(limit + MARGIN);
    match run(host, &call).await {
        Ok(output) => Ok(ended(words, &output)),
        Err(failure) if failure.code == codes::COMMAND_TIMEOUT => Ok(Executed::TimedOut),
        Err(failure) => Err(failure),
    }
}

fn ended(words: &[String], output: &Output) -> Executed {
    if output.success() {
        return Executed::Exited { code: 0, output: tail(&output.stdout) };
    }
    let message = logged(&output.stderr);
    // crictl's words before the runtime's: without them, crictl did not reach the runtime.
    let Some((_, said)) = message.split_once("synchronously: ") else {
        return Executed::Refused(tail(&message));
    };
    let of_command = format!("command '{}' exited with ", words.join(" "));
    let exited = said.strip_prefix(of_command.as_str()).and_then(|rest| {
        let (code, printed) = rest.split_once(':')?;
        Some(Executed::Exited { code: code.parse().ok()?, output: tail(printed) })
    });
    let late = ["timed out", "DeadlineExceeded", "context deadline exceeded"];
    match exited {
        Some(exited) => exited,
        None if late.iter().any(|words| said.contains(words)) => Executed::TimedOut,
        None => Executed::Refused(tail(said)),
    }
}

/// The message of crictl's last log line of level fatal: `time="…" level=fatal msg="…"`, quoted as Go quotes. Another text is returned as
/// it is.
fn logged(text: &str) -> String {
    let fatal = text.lines().rev().find(|line| line.contains("level=fatal"));
    match fatal.and_then(|line| line.split_once("msg=\"")) {
        Some((_, quoted)) => unquoted(quoted),
        None => text.trim().into(),
    }
}

/// The text up to the closing quote.
fn unquoted(quoted: &str) -> String {
    let mut out = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next().filter(|c| *c != '"') {
        let escaped = if c == '\\' { chars.next() } else { None };
        let digits = match escaped {
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            _ => 0,
        };
        match escaped {
            None => out.push(c),
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('a' | 'b' | 'f' | 'r' | 'v') => out.push(' '),
            Some('x' | 'u' | 'U') => {
                let code: String = chars.by_ref().take(digits).collect();
                let decoded = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
                out.push(decoded.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(other) => out.push(other),
        }
    }
    out
}

/// The end of a text that another program printed, without control characters: it goes into terminals and logs.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().collect();
    let last = lines[lines.len().saturating_sub(LINES)..].join("\n");
    let clean: String = last.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect();
    let start = (0..=clean.len()).find(|at| clean.is_char_boundary(*at) && clean.len() - at <= BYTES);
    clean[start.unwrap_or_default()..].into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::CommandError;
    use podlift_host::testing::{Fakes, exited, said};

    const FATAL: &str = "time=\"2026-11-27T09:00:00Z\" level=fatal msg=\"execing command in container";

    fn words() -> Vec<String> {
        ["/bin/save", "--to", "/ckpt"].map(String::from).to_vec()
    }

    async fn outcome(
        answer: impl Fn(&Invocation) -> Result<Output, CommandError> + Send + Sync + 'static,
    ) -> (Result<Executed, Failure>, Vec<String>) {
        let fakes = Fakes::new(answer);
        let ended = exec(&fakes.host, "c1", &words(), Duration::from_secs(120)).await;
        (ended, fakes.commands.calls())
    }

    /// Texts of crictl 1.28 (without the container's id), of 1.30 and of 1.34, as their sources write them.
    #[tokio::test]
    async fn the_end_of_the_command_is_read_from_what_crictl_prints() {
        let ran = |code, output: &str| Executed::Exited { code, output: output.into() };
        let command = "command '/bin/save --to /ckpt' exited with";
        let cases = [
            (format!("{FATAL} synchronously: {command} 3: disk full\\n\""), ran(3, "disk full")),
            (format!("{FATAL} c1 synchronously: {command} 137: a\\n\\\"b\\\"\\x1b[0m\\u00fc\""), ran(137, "a\n\"b\" [0mü")),
            (format!("{FATAL} c1 synchronously: {command} 1: \""), ran(1, "")),
            (
                format!("level=error msg=\"x\"\n{FATAL} c1 synchronously: command timed out: \\\"/bin/save\\\" timed out after 2m0s\"\n"),
                Executed::TimedOut,
            ),
            (format!("{FATAL} synchronously: command \\\"/bin/save --to /ckpt\\\" timed out\""), Executed::TimedOut),
            (
                format!("{FATAL} c1 synchronously: rpc error: code = DeadlineExceeded desc = failed to exec in container: timeout 2m0s exceeded: context deadline exceeded\""),
                Executed::TimedOut,
            ),
            (
                format!("{FATAL} c1 synchronously: rpc error: code = Unknown desc = failed to exec in container: exec: \\\"/bin/save\\\": no such file or directory\""),
                Executed::Refused("rpc error: code = Unknown desc = failed to exec in container: exec: \"/bin/save\": no such file or directory".into()),
            ),
            (
                "time=\"x\" level=fatal msg=\"validate service connection: context deadline exceeded\"".into(),
                Executed::Refused("validate service connection: context deadline exceeded".into()),
            ),
            ("FATA[0000] plain text".into(), Executed::Refused("FATA[0000] plain text".into())),
        ];
        for (stderr, want) in cases {
            let text = stderr.clone();
            let (ended, _) = outcome(move |_| exited(1, &text)).await;
            assert_eq!(ended, Ok(want), "{stderr}");
        }
    }

    #[tokio::test]
    async fn the_words_are_passed_on_as_they_are_and_the_limit_is_the_runtimes() {
        let (ended, calls) = outcome(|_| said("saved\n\n")).await;
        assert_eq!(ended, Ok(Executed::Exited { code: 0, output: "saved".into() }));
        assert_eq!(calls, ["crictl exec --sync --timeout 120 c1 /bin/save --to /ckpt"]);
        let late = |call: &Invocation| {
            assert_eq!(call.timeout, Duration::from_secs(135));
            Err(CommandError::TimedOut { program: "crictl".into(), seconds: 135 })
        };
        assert_eq!(outcome(late).await.0, Ok(Executed::TimedOut));
        let missing = |_: &Invocation| {
            Err(CommandError::NotFound { program: "crictl".into(), path: "/usr/bin".into() })
        };
        assert_eq!(outcome(missing).await.0.unwrap_err().code, codes::COMMAND_MISSING);
    }

    #[test]
    fn only_the_end_of_an_output_is_kept() {
        let many: String = (0..100).map(|n| format!("line {n}\n")).collect();
        let kept = tail(&many);
        assert_eq!((kept.lines().count(), kept.lines().last()), (20, Some("line 99")));
        let wide = tail(&"ü".repeat(1500));
        assert_eq!((wide.len(), wide.chars().count()), (2000, 1000));
        assert_eq!(tail("a\tb\u{1b}[0m\n"), "a b [0m", "no control characters");
    }
}
