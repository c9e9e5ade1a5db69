//! The multi-call double as a process: `podlift-lab double SOCKET NODE TOOL ARGS…`, called by a node's wrapper scripts. Thin: it asks the
//! supervisor and prints what comes back.
#![allow(clippy::disallowed_methods)] // this is an edge: a process's own environment

use super::socket::{Answer, Ask};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

pub fn main(args: &[String]) -> ExitCode {
    let [socket, node, tool, rest @ ..] = args else {
        anstream::eprintln!("usage: podlift-lab double SOCKET NODE TOOL ARGS…");
        return ExitCode::from(2);
    };
    let ask =
        Ask { node: node.clone(), tool: tool.clone(), args: rest.to_vec(), env: std::env::vars().collect() };
    match call(socket, &ask) {
        Ok(answer) => {
            std::io::stdout().write_all(answer.stdout.as_bytes()).ok();
            std::io::stderr().write_all(answer.stderr.as_bytes()).ok();
            ExitCode::from(u8::try_from(answer.code).unwrap_or(255))
        }
        Err(why) => {
            anstream::eprintln!("lab: {tool} on {node}: {why} (is the supervisor of {socket} gone?)");
            ExitCode::from(126)
        }
    }
}

fn call(socket: &str, ask: &Ask) -> Result<Answer, Box<dyn std::error::Error>> {
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(format!("{}\n", serde_json::to_string(ask)?).as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}
