//! The supervisor's socket: a tool called on a node's command path arrives as one line of JSON and gets one line back. A client that goes
//! away ends the tool, as the end of its process would. A machine's tool names the package that it belongs to, and gets its output line by line.

use crate::doubles::{self, Caller, Ctx, Ended, Live};
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;

#[derive(Debug, Serialize, Deserialize)]
pub struct Ask {
    pub node: String,
    pub tool: String,
    pub args: Vec<String>,
    pub env: BTreeMap<String, String>,
    /// Where the tool is a program of a machine.
    #[serde(default)]
    pub caller: Option<Caller>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Answer {
    /// None: there is more to come.
    pub code: Option<i32>,
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
    let (live, mut said) = unbounded_channel();
    let mut rest = [0];
    let answer = answer(&world, &ask, live);
    tokio::pin!(answer);
    loop {
        let answer = tokio::select! {
            biased;
            Some((text, stderr)) = said.recv() => piece(text, stderr),
            answer = &mut answer => with_the_rest(answer, &mut said),
            // Nothing more is ever sent: this is the client's end.
            _ = read.read(&mut rest) => return,
        };
        let Ok(text) = serde_json::to_string(&answer) else { return };
        let sent = write.write_all(format!("{text}\n").as_bytes()).await;
        if answer.code.is_some() || sent.is_err() {
            return;
        }
    }
}

/// What was said in the very moment of the end comes before it.
fn with_the_rest(mut answer: Answer, said: &mut UnboundedReceiver<(String, bool)>) -> Answer {
    while let Ok((text, stderr)) = said.try_recv() {
        if stderr { answer.stderr.push_str(&text) } else { answer.stdout.push_str(&text) }
    }
    answer
}

fn piece(text: String, stderr: bool) -> Answer {
    match stderr {
        true => Answer { stderr: text, ..Answer::default() },
        false => Answer { stdout: text, ..Answer::default() },
    }
}

async fn answer(world: &Arc<World>, ask: &Ask, live: Live) -> Answer {
    let known = world.has_node(&ask.node) || ask.node == doubles::HEAD;
    let ctx = Ctx::new(world.clone(), &ask.node, ask.env.clone());
    let ctx = match &ask.caller {
        Some(caller) => ctx.for_machine(caller.clone(), live),
        None => ctx,
    };
    let ended = match known {
        true => doubles::run_in(&ctx, &ask.tool, &ask.args).await,
        false => None,
    };
    match ended {
        Some(Ended { code, stdout, stderr }) => Answer { code: Some(code), stdout, stderr },
        None => {
            let stderr = format!("lab: {} has no {}\n", ask.node, ask.tool);
            Answer { code: Some(127), stdout: String::new(), stderr }
        }
    }
}
