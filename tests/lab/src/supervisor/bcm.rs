//! The helper's socket on the head node, where the coordinator asks BCM's tools. The helper itself takes its tools from fixed folders of
//! the machine, by design; here the doubles answer in its place, question by question.

use crate::doubles::{self, HEAD};
use crate::world::World;
use podlift_coordinator::bcm::{Answer, Question, Ran};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

/// In the lab's folder.
pub const SOCKET: &str = "head/bcm.sock";

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
    let mut line = String::new();
    if BufReader::new(read).read_line(&mut line).await.is_err() {
        return;
    }
    let answer = answer(&world, &line).await;
    let Ok(text) = serde_json::to_string(&answer) else { return };
    // Whoever asked may be gone.
    write.write_all(format!("{text}\n").as_bytes()).await.ok();
}

async fn answer(world: &Arc<World>, line: &str) -> Answer {
    let question: Question = match serde_json::from_str(line) {
        Ok(question) => question,
        Err(e) => return Answer::Refused { why: format!("not a question that is known: {e}") },
    };
    let (program, args) = question.argv();
    match doubles::run(world, HEAD, program, &args, &BTreeMap::new()).await {
        Some(ended) => Answer::Ran(Ran {
            exit: Some(ended.code),
            stdout: ended.stdout,
            stderr: ended.stderr,
            cut: false,
        }),
        None => Answer::Refused { why: format!("{program} is in none of /cm/local/apps") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Shape;

    #[tokio::test(start_paused = true)]
    async fn bcm_is_asked_for_versions_and_for_its_metadata() {
        let world =
            World::new(Shape { control_planes: vec!["cp".into()], workers: vec![], ..Shape::default() });
        let ask = |question: Question| serde_json::to_string(&question).unwrap();
        let cluster = world.shape.cluster.parse().unwrap();
        let said = |a: Answer| match a {
            Answer::Ran(ran) => ran.stdout,
            Answer::Refused { why } => why,
        };
        let versions = said(answer(&world, &ask(Question::KubernetesVersions {})).await);
        assert_eq!(versions, "1.32\n1.31 (NVIDIA AI Enterprise certified)\n1.30\n");
        let asked = Question::Applications { cluster: world.shape.cluster.parse().unwrap() };
        let Answer::Ran(ran) = answer(&world, &ask(asked)).await else { panic!() };
        let rows = podlift_coordinator::bcm::parse::applications(&ran).unwrap();
        assert_eq!((rows.len(), rows.iter().filter(|a| a.enabled).count()), (6, 4), "{}", ran.stdout);
        let version = said(answer(&world, &ask(Question::ClusterVersion { cluster })).await);
        assert_eq!(version, "1.31.9-1.1\n");
        assert!(said(answer(&world, "{\"verb\":\"shell\"}").await).contains("not a question"));
    }
}
