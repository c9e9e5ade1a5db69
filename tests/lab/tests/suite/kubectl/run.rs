//! A World, its address, and kubectl with a kubeconfig for it.

use super::front;
use crate::common;
use podlift_lab::{Shape, World};
use std::ffi::OsString;
use std::process::Stdio;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::process::{Child, Command};

pub struct Kubectl {
    pub world: Arc<World>,
    home: TempDir,
}

pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Thirty times as fast as life, at 1.32.
pub fn shape() -> Shape {
    Shape { factor: 30, inference: (2, 2), from: "v1.32.9".parse().unwrap(), ..common::recorded() }
}

impl Kubectl {
    pub async fn new(shape: Shape) -> Self {
        let world = common::world(shape);
        let (address, ca) = front::serve(world.clone(), "runai-01").await;
        Self::at(world, &address, &ca)
    }

    /// For a server at this address; the World gives its name to the token only.
    pub fn at(world: Arc<World>, address: &str, ca: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("ca.crt"), ca).unwrap();
        let config = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: lab\ncontexts: [{{name: lab, context: {{cluster: lab, user: lab}}}}]\n\
             clusters: [{{name: lab, cluster: {{server: 'https://{address}', certificate-authority: ca.crt}}}}]\n\
             users: [{{name: lab, user: {{token: {}}}}}]\n",
            world.shape.token
        );
        std::fs::write(home.path().join("config"), config).unwrap();
        Self { world, home }
    }

    /// A file for `-f`.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    pub fn command(&self, line: &str) -> Command {
        let program = std::env::var_os("KUBECTL").unwrap_or_else(|| OsString::from("kubectl"));
        let mut command = Command::new(program);
        command
            .args(line.split_whitespace())
            .env_clear()
            .env("HOME", self.home.path())
            .env("KUBECONFIG", self.home.path().join("config"))
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub fn spawn(&self, line: &str) -> Child {
        self.command(line).spawn().unwrap_or_else(|e| panic!("{MISSING} ({e})"))
    }

    pub async fn run(&self, line: &str) -> Ran {
        let child = self.spawn(line);
        let ended = tokio::time::timeout(std::time::Duration::from_secs(60), child.wait_with_output());
        let ended = ended.await.unwrap_or_else(|_| panic!("kubectl {line} does not end")).unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ran { code: ended.status.code().unwrap_or(-1), out: text(&ended.stdout), err: text(&ended.stderr) }
    }

    /// Runs well and without a word on stderr.
    #[track_caller]
    pub fn ok<'a>(&'a self, line: &'a str) -> impl Future<Output = String> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let ran = self.run(line).await;
            assert_eq!((ran.code, ran.err.as_str()), (0, ""), "kubectl {line} at {caller}: {}", ran.out);
            ran.out
        }
    }
}

const MISSING: &str = "no kubectl: these tests need version 1.32; install it from https://dl.k8s.io/release/v1.32.13/bin/linux/amd64/kubectl or name it with KUBECTL=PATH";

/// Words of each line, so that the width of a column does not matter.
pub fn rows(text: &str) -> Vec<Vec<&str>> {
    text.lines().map(|l| l.split_whitespace().collect()).collect()
}
