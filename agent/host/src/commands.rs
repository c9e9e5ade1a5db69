//! Commands: fixed program names from a configured search path, an environment built from nothing, no shell, no stdin.

use async_trait::async_trait;
use std::time::Duration;

/// One call of one program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// A name on the search path, or the path of a file of the node if it begins with `/`.
    pub program: &'static str,
    pub args: Vec<String>,
    /// The whole environment except PATH, which is the configured search path.
    pub env: Vec<(&'static str, String)>,
    /// After this time the process group gets SIGTERM, and SIGKILL five seconds later.
    pub timeout: Duration,
    /// The program's working directory, a folder of the node; `None` for `/`.
    pub folder: Option<&'static str>,
}

impl Invocation {
    pub fn new<S: Into<String>>(program: &'static str, args: impl IntoIterator<Item = S>) -> Self {
        let args = args.into_iter().map(Into::into).collect();
        Self {
            program,
            args,
            env: vec![("LC_ALL", "C.UTF-8".into())],
            timeout: Duration::from_secs(60),
            folder: None,
        }
    }
    pub fn env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.env.push((name, value.into()));
        self
    }
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
    pub fn in_folder(mut self, folder: &'static str) -> Self {
        self.folder = Some(folder);
        self
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    pub fn success(&self) -> bool {
        self.code == 0
    }
}

/// What a program that is not podlift's may read and print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// Content of a sealed file in memory that the program finds as `/dev/fd/0`, so that no change of a file on the disk reaches it. Its
    /// standard input is at the end of that file.
    pub script: Vec<u8>,
    /// Bytes of both outputs together. A program that prints more is ended as after its time.
    pub most: usize,
    /// Bytes of the end of each output that are kept.
    pub kept: usize,
}

/// How such a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Exited(i32),
    Signalled(i32),
    /// It was ended because its time was over.
    Time,
    /// It printed more than it may.
    Output,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounded {
    pub end: End,
    /// The ends of its outputs.
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

/// The last bytes of an output as text.
pub(crate) fn tail(bytes: &[u8], kept: usize) -> String {
    String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(kept)..]).into_owned()
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    #[error(
        "{program} is not on the command path ({path}); install it or set commands.path in the agent's configuration"
    )]
    NotFound { program: String, path: String },
    #[error("{program} did not end within {seconds} s and was stopped")]
    TimedOut { program: String, seconds: u64 },
    #[error("{program} could not be run: {why}")]
    Spawn { program: String, why: String },
    #[error("{program} was ended by signal {signal}")]
    Signalled { program: String, signal: i32 },
}

#[async_trait]
pub trait Commands: Send + Sync {
    /// Runs the program to its end. A non-zero exit is an `Ok` with its code; the caller decides what it means.
    async fn run(&self, call: &Invocation) -> Result<Output, CommandError>;

    /// Runs a program with a script and bounds on what it prints. The time of the call and the bounds end it, and neither is an error. A port
    /// that starts no processes judges the output that it makes up.
    async fn run_bounded(&self, call: &Invocation, bounds: &Bounds) -> Result<Bounded, CommandError> {
        let ended = |end| Bounded { end, stdout: String::new(), stderr: String::new(), took: call.timeout };
        let output = match self.run(call).await {
            Ok(output) => output,
            Err(CommandError::TimedOut { .. }) => return Ok(ended(End::Time)),
            Err(CommandError::Signalled { signal, .. }) => return Ok(ended(End::Signalled(signal))),
            Err(error) => return Err(error),
        };
        let flooded = output.stdout.len() + output.stderr.len() > bounds.most;
        Ok(Bounded {
            end: if flooded { End::Output } else { End::Exited(output.code) },
            stdout: tail(output.stdout.as_bytes(), bounds.kept),
            stderr: tail(output.stderr.as_bytes(), bounds.kept),
            took: Duration::ZERO,
        })
    }
}
