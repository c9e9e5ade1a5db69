//! The supervisor's socket: a tool called on a node's command path arrives as one line of JSON and gets one line back. A client that goes
//! away ends the tool, as the end of its process would.

use crate::doubles;
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

#[derive(Debug, Serialize, Deserialize)]
pub struct Ask {
    pub node: String,
    pub tool: String,
    pub args: Vec<String>,
    pub env: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

pub async fn keep(world: Arc<World>, listener: UnixListener) {
    let mut calls = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        while calls.try_join_next().is_some() {}
        calls.spawn(serve(world.clone(), stream));
    }
}

async fn serve(world: Arc<World>, stream: UnixStream) {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let mut line = String::new();
    if read.read_line(&mut line).await.is_err() {
        return;
    }
    let Ok(ask) = serde_json::from_str::<Ask>(&line) else { return };
    let mut rest = [0];
    let answer = tokio::select! {
        answer = answer(&world, &ask) => answer,
        // Nothing more is ever sent: this is the client's end.
        _ = read.read(&mut rest) => return,
    };
    if let Ok(text) = serde_json::to_string(&answer) {
        write.write_all(format!("{text}\n").as_bytes()).await.ok();
    }
}

async fn answer(world: &Arc<World>, ask: &Ask) -> Answer {
    let known = world.has_node(&ask.node) || ask.node == doubles::HEAD;
    let ended = match known {
        true => doubles::run(world, &ask.node, &ask.tool, &ask.args, &ask.env).await,
        false => None,
    };
    match ended {
        Some(e) => Answer { code: e.code, stdout: e.stdout, stderr: e.stderr },
        None => Answer {
            code: 127,
            stdout: String::new(),
            stderr: format!("lab: {} has no {}\n", ask.node, ask.tool),
        },
    }
}
