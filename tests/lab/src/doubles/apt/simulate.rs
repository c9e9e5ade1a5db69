//! What `apt-get -s` and `apt-get --print-uris` say of an installation, and what dependencies make of one.

use super::install::Item;
use super::lists::{self, Offer};
use super::options::Options;
use crate::doubles::ctx::Ctx;

/// Where the packages come from, as apt names it.
fn origin(offer: &Offer) -> String {
    format!("{} isv:kubernetes:core:stable:v1.{1}:pkgs.k8s.io [amd64]", offer.version, offer.minor)
}

pub fn simulated(ctx: &Ctx, items: &[&Item]) -> i32 {
    if items.iter().any(|i| i.upgraded()) {
        ctx.world.lock().node(&ctx.node).drags.iter().for_each(|line| ctx.out(line));
    }
    for item in items.iter().filter(|i| i.upgraded()) {
        let before = item.before.as_ref().map(|b| format!(" [{}]", b.version)).unwrap_or_default();
        ctx.out(&format!("Inst {}{before} ({})", item.name(), origin(&item.offer)));
    }
    for item in items {
        ctx.out(&format!("Conf {} ({})", item.name(), origin(&item.offer)));
    }
    0
}

pub fn uris(ctx: &Ctx, options: &Options, items: &[&Item]) -> i32 {
    let dir = options.archives();
    let missing =
        |i: &&&Item| !ctx.disk().exists(&format!("{dir}/{}_{}_amd64.deb", i.name(), i.offer.version));
    for item in items.iter().filter(|i| i.upgraded()).filter(missing) {
        let Offer { package, version, kilobytes, minor } = &item.offer;
        let file = format!("{package}_{version}_amd64.deb");
        let sum = podlift_model::Digest::of(&file);
        ctx.out(&format!(
            "'https://pkgs.k8s.io/core:/stable:/v1.{minor}/deb/amd64/{file}' {file} {} SHA256:{}",
            kilobytes * 1000,
            sum.as_str()
        ));
    }
    0
}

/// What these need on top. Err: a package that is held stands in the way, in apt's words.
pub fn dependencies(ctx: &Ctx, offers: &[Offer], items: &[Item]) -> Result<Vec<Item>, String> {
    let s = ctx.world.lock();
    let node = s.node(&ctx.node);
    let mut out = vec![];
    for item in items.iter().filter(|i| i.upgraded()) {
        let Some((name, least)) = node.depends.get(item.name()) else { continue };
        let Some(before) = node.packages.get(name).cloned() else { continue };
        if lists::rank(&before.version) >= lists::rank(least) {
            continue;
        }
        let mut newer: Vec<&Offer> = offers
            .iter()
            .filter(|o| o.package == *name && lists::rank(&o.version) >= lists::rank(least))
            .collect();
        newer.sort_by_key(|o| std::cmp::Reverse(lists::rank(&o.version)));
        match newer.first().filter(|_| !before.held) {
            Some(offer) => out.push(Item { offer: (*offer).clone(), before: Some(before) }),
            None => return Err(impossible(item.name(), name, least, &before.version)),
        }
    }
    Ok(out)
}

/// As recorded (fixtures/apt/dependency-held.txt).
fn impossible(package: &str, needs: &str, least: &str, is: &str) -> String {
    format!(
        "Some packages could not be installed. This may mean that you have\nrequested an impossible situation or if you are using the unstable\n\
         distribution that some required packages have not yet been created\nor been moved out of Incoming.\n\
         The following information may help to resolve the situation:\n\nThe following packages have unmet dependencies:\n \
         {package} : Depends: {needs} (>= {least}) but {is} is to be installed\nE: Unable to correct problems, you have held broken packages."
    )
}

#[cfg(test)]
mod tests {
    use crate::doubles::{self, Ended};
    use crate::world::{Shape, World};
    use std::collections::BTreeMap;
    use std::sync::Arc;

    const HELD: &str = include_str!("../../../../fixtures/apt/dependency-held.txt");
    const PRIVATE: &str =
        "-o Dir::Etc::sourcelist=/p/sources.list -o Dir::Etc::sourceparts=- -o Dir::State::lists=/p/lists";

    async fn apt(world: &Arc<World>, rest: &str) -> Ended {
        let args: Vec<String> = format!("{PRIVATE} {rest}").split_whitespace().map(String::from).collect();
        doubles::run(world, "dgx", "apt-get", &args, &BTreeMap::new()).await.unwrap()
    }

    async fn world() -> Arc<World> {
        let shape =
            Shape { control_planes: vec!["cp".into()], workers: vec!["dgx".into()], ..Shape::default() };
        let world = World::new(shape);
        let source = "deb https://pkgs.k8s.io/core:/stable:/v1.32/deb/ /\n";
        world.disk("dgx").put_text("/p/sources.list", source, 0o644).unwrap();
        assert_eq!(apt(&world, "update").await.code, 0);
        world
    }

    const INSTALL: &str = "-y --allow-change-held-packages install kubelet=1.32.9-1.1";

    #[tokio::test(start_paused = true)]
    async fn what_would_be_done_is_said_and_not_done() {
        let world = world().await;
        let said = apt(&world, &format!("-s {INSTALL}")).await;
        let from = "isv:kubernetes:core:stable:v1.32:pkgs.k8s.io [amd64]";
        assert!(
            said.stdout.contains(&format!("\nInst kubelet [1.31.9-1.1] (1.32.9-1.1 {from})\n")),
            "{said:?}"
        );
        assert!(said.stdout.contains(&format!("\nConf kubelet (1.32.9-1.1 {from})\n")));
        let uris = apt(&world, &format!("--print-uris {INSTALL}")).await.stdout;
        assert!(
            uris.lines().any(|l| l.starts_with("'https://") && l.contains(" 15200000 SHA256:")),
            "{uris}"
        );
        assert_eq!(world.lock().node("dgx").packages["kubelet"].version, "1.31.9-1.1");
    }

    #[tokio::test(start_paused = true)]
    async fn a_dependency_comes_along_or_stands_in_the_way() {
        let world = world().await;
        let needs = ("kubernetes-cni".to_string(), "1.6.0-1.1".to_string());
        world.update(|s| s.node_mut("dgx").depends.insert("kubelet".into(), needs));
        let said = apt(&world, &format!("-s {INSTALL}")).await;
        assert!(said.stdout.contains("Inst kubernetes-cni [1.5.0-1.1] (1.6.0-1.1 "), "{said:?}");
        world.update(|s| s.node_mut("dgx").packages.get_mut("kubernetes-cni").unwrap().held = true);
        let said = apt(&world, &format!("-s {INSTALL}")).await;
        assert_eq!(said.code, 100);
        // The recording has another patch of kubernetes-cni.
        let recorded = HELD.replace("1.5.1-1.1", "1.5.0-1.1");
        let line = recorded.lines().find(|l| l.contains("Depends:")).unwrap();
        assert!(
            said.stderr.contains(line)
                && said.stderr.contains(HELD.lines().rfind(|l| l.starts_with("E: ")).unwrap())
        );
    }
}
