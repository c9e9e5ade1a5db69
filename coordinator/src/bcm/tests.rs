//! Both sides of the socket, over tools that a test writes.
#![allow(clippy::disallowed_methods)] // the tests put small programs on a disk of their own

use super::helper::serve;
use super::run::Tools;
use super::*;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

struct Site {
    dir: tempfile::TempDir,
    tools: Tools,
}

/// A head node with these programs.
fn site(programs: &[(&str, &str)]) -> Site {
    let dir = tempfile::tempdir().unwrap();
    for (name, script) in programs {
        let path = dir.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = [dir.path(), "/usr/bin".as_ref(), "/bin".as_ref()].map(PathBuf::from).to_vec();
    Site { dir, tools: Tools { path, limit: Duration::from_secs(20) } }
}

fn me() -> u32 {
    nix::unistd::getuid().as_raw()
}

impl Site {
    /// Asks as the coordinator does; `allowed` may.
    async fn ask(&self, question: &Question, allowed: &[u32]) -> Result<Ran, BcmError> {
        let socket = self.dir.path().join("bcm.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let client = SocketBcm::new(socket);
        let helper = async {
            let (stream, _) = listener.accept().await.unwrap();
            serve(stream, allowed, &self.tools).await.unwrap();
        };
        tokio::join!(client.ask(question), helper).0
    }
}

fn versions() -> Question {
    Question::KubernetesVersions {}
}

#[tokio::test]
async fn a_question_is_one_fixed_command() {
    let site = site(&[("cmsh", r#"printf '%s|' "$@"; env >&2"#)]);
    let question = Question::ClusterVersion { cluster: "runaicluster".parse().unwrap() };
    let ran = site.ask(&question, &[me()]).await.unwrap();
    assert_eq!(ran.stdout, "-n|-q|--hide-events|-c|kubernetes use runaicluster; get version|");
    assert_eq!(ran.exit, Some(0));
    let mut names: Vec<&str> = ran.stderr.lines().filter_map(|l| l.split_once('=')).map(|(n, _)| n).collect();
    names.retain(|n| !matches!(*n, "PWD" | "_" | "SHLVL" | "OLDPWD"));
    names.sort_unstable();
    assert_eq!(names, ["HOME", "LC_ALL", "PATH", "TERM"], "nothing of the caller's environment");
}

#[tokio::test]
async fn applications_are_listed_as_cmsh_takes_it() {
    let site = site(&[("cmsh", r#"printf '%s|' "$@""#)]);
    let asked = Question::Applications { cluster: "runaicluster".parse().unwrap() };
    let told = site.ask(&asked, &[me()]).await.unwrap().stdout;
    let want =
        "-n|-q|--hide-events|-c|kubernetes use runaicluster; appgroups; use system; applications; list|";
    assert_eq!(told, want);
}

#[tokio::test]
async fn what_the_tool_says_comes_back_as_it_is() {
    let site = site(&[("cm-kubernetes-setup", "echo 1.33; echo 'no licence' >&2; exit 3")]);
    let ran = site.ask(&versions(), &[me()]).await.unwrap();
    let want = Ran { exit: Some(3), stdout: "1.33\n".into(), stderr: "no licence\n".into(), cut: false };
    assert_eq!(ran, want);
}

#[tokio::test]
async fn nobody_else_may_ask() {
    let site = site(&[("cm-kubernetes-setup", "touch \"$(dirname \"$0\")/ran\"; echo 1.33")]);
    let refused = site.ask(&versions(), &[me() + 1]).await.unwrap_err();
    assert!(matches!(&refused, BcmError::Refused { why } if why.contains("may not ask")), "{refused}");
    assert!(!site.dir.path().join("ran").exists());
}

#[tokio::test]
async fn a_tool_that_is_missing_hangs_or_talks_too_much() {
    let missing = site(&[]).ask(&versions(), &[me()]).await.unwrap_err();
    assert!(missing.to_string().contains("cm-kubernetes-setup is in none of"), "{missing}");
    let mut slow = site(&[("cm-kubernetes-setup", "sleep 600 & wait")]);
    slow.tools.limit = Duration::from_millis(100);
    let hung = slow.ask(&versions(), &[me()]).await.unwrap_err();
    assert!(hung.to_string().contains("did not end within 0.1 s"), "{hung}");
    let loud = site(&[("cm-kubernetes-setup", "head -c 1000000 /dev/zero | tr '\\0' x")]);
    let ran = loud.ask(&versions(), &[me()]).await.unwrap();
    assert_eq!((ran.cut, ran.stdout.len()), (true, 64 << 10));
}

#[tokio::test]
async fn only_what_is_known_is_a_question() {
    let site = site(&[("cmsh", "echo ran")]);
    let asks = [
        r#"{"verb":"shell","command":"id"}"#,
        r#"{"verb":"cluster-version","cluster":"a; !id"}"#,
        r#"{"verb":"cluster-version","cluster":"-x"}"#,
        r#"{"verb":"cluster-version","cluster":"a","more":1}"#,
        r#"{"verb":"cluster-version"}"#,
        "",
    ];
    for text in asks.into_iter().map(String::from).chain([format!("\"{}\"", "x".repeat(10_000))]) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let allowed = [me()];
        let talk = async move {
            let (mut read, mut write) = ours.into_split();
            // A question that is too long is not read to its end.
            drop(write.write_all(format!("{text}\n").as_bytes()).await);
            let mut answer = Vec::new();
            drop(read.read_to_end(&mut answer).await);
            (text, String::from_utf8(answer).unwrap())
        };
        let (_, (text, answer)) = tokio::join!(serve(theirs, &allowed, &site.tools), talk);
        assert!(answer.contains("refused") && answer.contains("not a question"), "{text}: {answer}");
    }
}

#[tokio::test]
async fn a_helper_that_is_not_there_or_says_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let gone = SocketBcm::new(dir.path().join("none")).ask(&versions()).await.unwrap_err();
    assert!(gone.to_string().contains("systemctl enable --now podlift-bcm.socket"), "{gone}");
    let socket = dir.path().join("mute");
    let _listener = UnixListener::bind(&socket).unwrap();
    let mute = SocketBcm::new(socket).within(Duration::from_millis(50)).ask(&versions()).await.unwrap_err();
    assert!(matches!(mute, BcmError::TimedOut { .. }), "{mute}");
}
