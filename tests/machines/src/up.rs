//! `podlift-machines up`: one plain machine with the repositories of both minors, for a look by hand.

use crate::fleet::{Fleet, Wanted};
use crate::machine::Machine;
use crate::scratch::Scratch;
use crate::{base, layer, need, network, packages, repo, serve};
use anyhow::Context as _;
use std::path::Path;
use tokio::net::TcpListener;

/// Patches of v1.31 and v1.32 that the repositories have.
pub const OFFERED: [(u16, [u16; 2]); 2] = [(31, [14, 13]), (32, [13, 9])];

/// Makes the base tree where it is missing: before the network is left.
pub fn prepare() -> anyhow::Result<std::path::PathBuf> {
    need::check()?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(base::ready())
}

/// Boots it, and stays until it is interrupted.
pub async fn stay(base: std::path::PathBuf, exe: &Path) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let scratch = Scratch::new(exe)?;
    network::make().await?;
    let repositories = repositories(&scratch).await?;
    let machine =
        Machine::new(&scratch, "plain", &format!("{}.11", network::NETWORK), vec![base], &[]).await?;
    sources(&machine.root(), &repositories, 31)?;
    machine.boot().await?;
    let init = machine.init().context("the machine ended at once")?;
    anstream::println!("nsenter -t {init} -m -u -i -n -p -C -- bash -l");
    anstream::eprintln!("machines: the machine is up; the line above enters it; files come and go through");
    anstream::eprintln!(
        "machines: {} here = {} inside; Ctrl-C ends it",
        scratch.at("shared").display(),
        crate::machine::SHARED
    );
    tokio::select! {
        _ = int.recv() => {}
        _ = term.recv() => {}
    }
    machine.power_off().await;
    Ok(())
}

/// The same with a whole fleet, not yet upgraded.
pub async fn stay_fleet(base: std::path::PathBuf, exe: &Path) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let fleet = Fleet::prepare(base, exe, &Wanted::default()).await?;
    fleet.boot().await?;
    let head = fleet.machine(crate::configs::HEAD);
    for machine in fleet.nodes().chain([head]) {
        let init = machine.init().with_context(|| format!("{} ended at once", machine.name))?;
        anstream::println!("{}: nsenter -t {init} -m -u -i -n -p -C -- bash -l", machine.name);
    }
    anstream::eprintln!("machines: the fleet is up; `podlift` is on {}; Ctrl-C ends it", head.name);
    tokio::select! {
        _ = int.recv() => {}
        _ = term.recv() => {}
    }
    fleet.stop().await;
    Ok(())
}

/// Both repositories, served at the supervisor's address.
pub async fn repositories(scratch: &Scratch) -> anyhow::Result<repo::Repositories> {
    let all = repo::Repositories::new(scratch.make_dir("repo")?, scratch.make_dir("keys")?).await?;
    for (minor, patches) in OFFERED {
        all.add(minor, &packages::of(minor, patches)).await?;
    }
    let listener = TcpListener::bind((network::supervisor(), 80)).await?;
    tokio::spawn(serve::keep(listener, all.dir.clone()));
    Ok(all)
}

/// A tree whose apt knows the repository of that minor.
pub fn sources(root: &Path, repositories: &repo::Repositories, minor: u16) -> anyhow::Result<()> {
    let inside = |path: &str| root.join(path.trim_start_matches('/'));
    layer::write(&inside(repo::KEYRING), &repositories.key, 0o644)?;
    let list = repo::source(&network::supervisor(), minor);
    layer::write(&inside("/etc/apt/sources.list.d/kubernetes.list"), list, 0o644)
}
