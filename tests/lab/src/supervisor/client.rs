//! The multi-call double as a process: this program under the name of a tool in a node's folder. Thin: it asks the supervisor and prints
//! what comes back.
#![allow(clippy::disallowed_methods)] // this is an edge: a process's own environment

use super::socket::{Answer, Ask};
use crate::doubles::{dpkg, nft};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// In the lab's folder.
pub const SOCKET: &str = "lab.sock";

/// A call of this program under a tool's name: `LAB/bin/NODE/TOOL`.
pub struct Asked {
    socket: PathBuf,
    node: String,
    tool: String,
}

/// None: called as itself.
pub fn asked_as(program: &Path) -> Option<Asked> {
    let text = |p: &Path| Some(p.file_name()?.to_str()?.to_string());
    let dir = program.parent()?;
    let bin = dir.parent().filter(|b| b.ends_with("bin"))?;
    let socket = bin.parent()?.join(SOCKET);
    socket.exists().then_some(())?;
    Some(Asked { socket, node: text(dir)?, tool: text(program)? })
}

pub fn main(asked: Asked, args: Vec<String>) -> ExitCode {
    let Asked { socket, node, tool } = asked;
    let mut env: BTreeMap<String, String> = std::env::vars().collect();
    let folder = std::env::current_dir().map(|d| d.display().to_string());
    env.extend(folder.ok().map(|f| (dpkg::FOLDER.to_string(), f)));
    if args.iter().any(|a| a == "-" || a == "/dev/stdin") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).ok();
        env.insert(nft::STDIN.to_string(), text);
    }
    let ask = Ask { node, tool, args, env, caller: None };
    ask_and_print(&socket, &ask)
}

/// Asks, prints what comes, and ends as the tool did.
pub(super) fn ask_and_print(socket: &Path, ask: &Ask) -> ExitCode {
    match call(socket, ask) {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(255)),
        Err(why) => {
            let Ask { node, tool, .. } = ask;
            let socket = socket.display();
            anstream::eprintln!("lab: {tool} on {node}: {why} (is the supervisor of {socket} gone?)");
            ExitCode::from(126)
        }
    }
}

fn call(socket: &Path, ask: &Ask) -> Result<i32, Box<dyn std::error::Error>> {
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(format!("{}\n", serde_json::to_string(ask)?).as_bytes())?;
    for line in BufReader::new(stream).lines() {
        let answer: Answer = serde_json::from_str(&line?)?;
        std::io::stdout().write_all(answer.stdout.as_bytes()).ok();
        std::io::stderr().write_all(answer.stderr.as_bytes()).ok();
        if let Some(code) = answer.code {
            return Ok(code);
        }
    }
    Err("it went away before the end".into())
}
