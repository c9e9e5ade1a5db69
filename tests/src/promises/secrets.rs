//! What a coordinator reads of a node's backup files never holds a private key in clear: secret files leave the agent encrypted, to
//! recipients of the node's own configuration alone, and only for the coordinator in office.

use crate::direct::{Direct, epoch};
use crate::sabotage::Sabotage;
use crate::{Kept, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use podlift_lab::{Shape, World};
use podlift_model::survey::BackupFile;
use podlift_model::{Look, OpOutcome, OpOutput};

const NODE: &str = "runai-01";
const AGE: &[u8] = b"age-encryption.org/v1\n";
/// Valid, and in no node's configuration.
const STRANGER: &str = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg";
/// Of what is looked for: so much of a line is no accident.
const NEEDLE: usize = 40;

pub async fn no_private_key_leaves_in_clear(sabotage: Sabotage) -> Kept {
    let world = World::new(Shape { workers: vec![], ..Shape::default() });
    world.start();
    let mut agent = Direct::start(&world, NODE, sabotage).await;
    agent.claim(&epoch(2, "a")).await;
    let files = files(&mut agent).await?;
    let keys: Vec<(String, String)> = files.iter().flat_map(|f| keys_in(&world, &f.path)).collect();
    ensure(keys.len() > 5, || format!("{} private keys in {} files", keys.len(), files.len()))?;
    let mut sealed = 0;
    for (number, file) in files.iter().enumerate() {
        let bytes = whole(&mut agent, number, &file.path).await?;
        ensure(!file.secret || bytes.starts_with(AGE), || format!("{} leaves in clear", file.path))?;
        sealed += usize::from(file.secret);
        let found = keys.iter().find(|(_, key)| holds(&bytes, key.as_bytes()));
        ensure(found.is_none(), || {
            format!("{} shows a key of {:?}", file.path, found.map(|(path, _)| path))
        })?;
    }
    ensure(sealed > 0, || "no file is secret".into())?;
    refused(&mut agent, &files).await
}

async fn files(agent: &mut Direct) -> Result<Vec<BackupFile>, String> {
    match agent.look("files", &epoch(2, "a"), &Look::BackupFiles).await.map_err(|f| f.to_string())? {
        OpOutcome::Done { output: OpOutput::BackupFiles(files) } => Ok(files),
        other => Err(format!("{other:?}")),
    }
}

/// Lines of private keys, in PEM and as kubeconfigs carry them, each with its file.
fn keys_in(world: &World, path: &str) -> Vec<(String, String)> {
    let text = world.disk(NODE).text(path);
    let pem = text.split("PRIVATE KEY-----").nth(1).and_then(|body| body.lines().find(|l| l.len() >= NEEDLE));
    let data = text.lines().find_map(|l| l.trim().strip_prefix("client-key-data: "));
    let found = pem.into_iter().chain(data).filter(|l| l.len() >= NEEDLE);
    // Neither its head nor its end: those are alike in all keys.
    let middle = |l: &str| l[l.len() / 2 - NEEDLE / 2..l.len() / 2 + NEEDLE / 2].to_string();
    found.map(|l| (path.to_string(), middle(l))).collect()
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|w| w == needle)
}

fn part(path: &str, offset: u64, recipients: Vec<String>) -> Look {
    Look::BackupPart { path: path.into(), offset, recipients }
}

async fn whole(agent: &mut Direct, number: usize, path: &str) -> Result<Vec<u8>, String> {
    let mut all = vec![];
    loop {
        let id = format!("part-{number}-{}", all.len());
        let look = part(path, all.len() as u64, vec![]);
        let part = match agent.look(&id, &epoch(2, "a"), &look).await.map_err(|f| f.to_string())? {
            OpOutcome::Done { output: OpOutput::BackupPart(part) } => part,
            other => return Err(format!("{path}: {other:?}")),
        };
        let bytes = STANDARD.decode(&part.base64).map_err(|e| e.to_string())?;
        all.extend_from_slice(&bytes);
        if part.last || bytes.is_empty() {
            return Ok(all);
        }
    }
}

/// Another recipient, and a coordinator that is no longer in office.
async fn refused(agent: &mut Direct, files: &[BackupFile]) -> Kept {
    let secret = files.iter().find(|f| f.secret).ok_or("no secret file")?;
    let asks = [
        ("stranger", part(&secret.path, 0, vec![STRANGER.into()]), epoch(2, "a")),
        ("old", part(&secret.path, 0, vec![]), epoch(1, "a")),
    ];
    for (id, look, epoch) in asks {
        let answer = agent.look(id, &epoch, &look).await;
        let got = matches!(&answer, Ok(OpOutcome::Done { .. }));
        ensure(!got, || format!("{id} got {}", secret.path))?;
    }
    Ok(())
}
