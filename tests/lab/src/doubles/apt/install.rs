//! `apt-get install NAME=VERSION…`, also with --download-only and -s: what is refused, what is lost (a hold!), what stays half done.

use super::lists::{self, Offer};
use super::lock;
use super::options::Options;
use super::simulate;
use crate::doubles::ctx::Ctx;
use crate::doubles::dpkg;
use crate::kubelet;
use crate::world::What;
use crate::world::state::Package;
use std::path::Path;

pub struct Item {
    pub offer: Offer,
    pub before: Option<Package>,
}

impl Item {
    pub fn name(&self) -> &str {
        &self.offer.package
    }
    pub fn upgraded(&self) -> bool {
        self.before.as_ref().is_none_or(|b| b.version != self.offer.version)
    }
    fn held(&self) -> bool {
        self.before.as_ref().is_some_and(|b| b.held) && self.upgraded()
    }
    fn downgraded(&self) -> bool {
        self.before.as_ref().is_some_and(|b| lists::rank(&b.version) > lists::rank(&self.offer.version))
    }
    fn half(&self) -> bool {
        self.before.as_ref().is_some_and(|b| b.half)
    }
}

pub async fn run(ctx: &Ctx, options: &Options) -> i32 {
    let download_only = options.flag(&["--download-only", "-d"]);
    let simulated = options.flag(&["-s", "--simulate", "--dry-run"]);
    let uris = options.flag(&["--print-uris"]);
    let _lock = match download_only || simulated || uris {
        true => None,
        false => match lock::take(ctx, options).await {
            Some(held) => Some(held),
            None => return 100,
        },
    };
    ctx.seconds(1.0).await;
    for line in ["Reading package lists...", "Building dependency tree...", "Reading state information..."] {
        ctx.out(line);
    }
    let items = match wanted(ctx, options) {
        Ok(items) => items,
        Err(text) => {
            ctx.err(&text);
            return 100;
        }
    };
    let changed: Vec<&Item> = items.iter().filter(|i| i.upgraded() || i.half()).collect();
    announce(ctx, &items);
    if let Some(refusal) = refusal(ctx, options, &changed) {
        ctx.err(refusal);
        return 100;
    }
    if uris {
        return simulate::uris(ctx, options, &changed);
    }
    if simulated {
        return simulate::simulated(ctx, &changed);
    }
    if let Err(text) = download(ctx, options, &changed, download_only).await {
        ctx.err(&text);
        return 100;
    }
    if download_only {
        ctx.out("Download complete and in download only mode");
        return 0;
    }
    unpack_and_configure(ctx, options, &changed).await
}

fn wanted(ctx: &Ctx, options: &Options) -> Result<Vec<Item>, String> {
    let offers = lists::offers(ctx, options);
    let installed = ctx.world.lock().node(&ctx.node).packages.clone();
    let words = options.words.iter().skip(1);
    let item = |word: &String| {
        let (name, version) = word.split_once('=').unwrap_or((word, ""));
        let mut mine: Vec<&Offer> = offers.iter().filter(|o| o.package == name).collect();
        mine.sort_by_key(|o| std::cmp::Reverse(lists::rank(&o.version)));
        let Some(newest) = mine.first() else { return Err(format!("E: Unable to locate package {name}")) };
        let found =
            if version.is_empty() { Some(newest) } else { mine.iter().find(|o| o.version == version) };
        let missing = || format!("E: Version '{version}' for '{name}' was not found");
        let offer = (*found.ok_or_else(missing)?).clone();
        Ok(Item { before: installed.get(name).cloned(), offer })
    };
    let mut items = words.map(item).collect::<Result<Vec<Item>, String>>()?;
    items.extend(simulate::dependencies(ctx, &offers, &items)?);
    Ok(items)
}

fn announce(ctx: &Ctx, items: &[Item]) {
    let list = |title: &str, which: &dyn Fn(&Item) -> bool| {
        let names: Vec<&str> = items.iter().filter(|i| which(i)).map(Item::name).collect();
        if !names.is_empty() {
            ctx.out(title);
            ctx.out(&format!("  {}", names.join(" ")));
        }
    };
    for item in items.iter().filter(|i| !i.upgraded()) {
        ctx.out(&format!("{} is already the newest version ({}).", item.name(), item.offer.version));
    }
    list("The following held packages will be changed:", &Item::held);
    let up = |i: &Item| i.upgraded() && !i.downgraded();
    list("The following packages will be upgraded:", &up);
    list("The following packages will be DOWNGRADED:", &Item::downgraded);
    let (n, d) = (items.iter().filter(|i| up(i)).count(), items.iter().filter(|i| i.downgraded()).count());
    let down = if d > 0 { format!("{d} downgraded, ") } else { String::new() };
    ctx.out(&format!(
        "{n} upgraded, 0 newly installed, {down}0 to remove and {} not upgraded.",
        3 - n.min(3)
    ));
}

fn refusal(ctx: &Ctx, options: &Options, changed: &[&Item]) -> Option<&'static str> {
    let yes = options.flag(&["-y", "--yes", "--assume-yes"]);
    if !yes && !changed.is_empty() && !options.flag(&["--download-only", "-d", "-s"]) {
        ctx.out("Do you want to continue? [Y/n] Abort.");
        return Some("");
    }
    if changed.iter().any(|i| i.held()) && !options.flag(&["--allow-change-held-packages"]) {
        return Some("E: Held packages were changed and -y was used without --allow-change-held-packages.");
    }
    if changed.iter().any(|i| i.downgraded()) && !options.flag(&["--allow-downgrades"]) {
        return Some("E: Packages were downgraded and -y was used without --allow-downgrades.");
    }
    let removes = ctx.world.lock().node(&ctx.node).drags.iter().any(|line| line.starts_with("Remv "));
    if removes && options.flag(&["--no-remove"]) {
        return Some("E: Packages need to be removed but remove is disabled.");
    }
    None
}

async fn download(ctx: &Ctx, options: &Options, items: &[&Item], only: bool) -> Result<(), String> {
    let dir = options.archives();
    let disk = ctx.disk();
    let path = |i: &Item| format!("{dir}/{}_{}_amd64.deb", i.name(), i.offer.version);
    let needed: Vec<&&Item> = items.iter().filter(|i| i.upgraded() && !disk.exists(&path(i))).collect();
    let kilobytes: u64 = needed.iter().map(|i| i.offer.kilobytes).sum();
    if kilobytes * 1000 > disk.free_bytes() {
        return Err(format!("E: You don't have enough free space in {dir}/."));
    }
    if kilobytes > 0 {
        ctx.out(&format!("Need to get {:.1} MB of archives.", kilobytes as f64 / 1000.0));
        ctx.out("After this operation, 0 B of additional disk space will be used.");
    }
    for (n, item) in needed.iter().enumerate() {
        let offer = &item.offer;
        ctx.seconds(1.0).await;
        let megabytes = offer.kilobytes as f64 / 1000.0;
        ctx.out(&format!(
            "Get:{} https://pkgs.k8s.io/core:/stable:/v1.{}/deb  {} {} [{megabytes:.1} MB]",
            n + 1,
            offer.minor,
            offer.package,
            offer.version
        ));
        let text = format!("{}{} {}\n", dpkg::PACKAGE, offer.package, offer.version);
        disk.put_synced(Path::new(&path(item)), text.as_bytes(), 0o644)
            .map_err(|e| format!("E: Failed to fetch: {e}"))?;
        if only {
            ctx.effect(What::PackageDownload {
                package: offer.package.clone(),
                version: offer.version.clone(),
            })
            .await;
        }
    }
    if kilobytes > 0 {
        ctx.out(&format!("Fetched {:.1} MB in 0s (149 MB/s)", kilobytes as f64 / 1000.0));
    }
    Ok(())
}

async fn unpack_and_configure(ctx: &Ctx, options: &Options, items: &[&Item]) -> i32 {
    for item in items.iter().filter(|i| i.upgraded()) {
        let (name, version) = (item.name().to_string(), item.offer.version.clone());
        let before = item.before.as_ref().map_or(String::new(), |b| format!(" over ({})", b.version));
        ctx.out(&format!("Preparing to unpack .../{name}_{version}_amd64.deb ..."));
        ctx.seconds(0.8).await;
        ctx.out(&format!("Unpacking {name} ({version}){before} ..."));
        ctx.world.update(|s| {
            // The hold was given up together with the old version.
            let fresh = Package { version: version.clone(), held: false, half: true };
            s.node_mut(&ctx.node).packages.insert(name.clone(), fresh);
        });
        ctx.effect(What::PackageInstall { package: name, version }).await;
    }
    for item in items {
        if item.name() == "kubelet" && !conffile_settled(ctx, options) {
            return 100;
        }
        ctx.out(&format!("Setting up {} ({}) ...", item.name(), item.offer.version));
        ctx.seconds(0.4).await;
        ctx.world.update(|s| {
            let package = s.node_mut(&ctx.node).packages.get_mut(item.name());
            package.map(|p| p.half = false)
        });
    }
    needrestart(ctx, items).await;
    0
}

/// An edited conffile that the package changes too is asked about, whatever DEBIAN_FRONTEND says.
fn conffile_settled(ctx: &Ctx, options: &Options) -> bool {
    let forced =
        options.all("Dpkg::Options").iter().any(|o| matches!(*o, "--force-confold" | "--force-confnew"));
    let edited = ctx.world.shape.conffile_changed || ctx.world.shape.conffile_on.contains(&ctx.node);
    if !edited || forced {
        return true;
    }
    ctx.out("Configuration file '/etc/default/kubelet'\n ==> Modified (by you or by a script) since installation.\n ==> Package distributor has shipped an updated version.");
    ctx.err("dpkg: error processing package kubelet (--configure):\n end of file on stdin at conffile prompt\nErrors were encountered while processing:\n kubelet\nE: Sub-process /usr/bin/dpkg returned an error code (1)");
    false
}

/// Ubuntu's hook restarts services whose binary was replaced, the kubelet among them.
async fn needrestart(ctx: &Ctx, items: &[&Item]) {
    if !ctx.world.has_node(&ctx.node) {
        // In an image there is nothing to restart.
        return;
    }
    let env = |name: &str| ctx.env.get(name).map(String::as_str);
    let off =
        env("NEEDRESTART_SUSPEND").is_some_and(|v| !v.is_empty()) || env("NEEDRESTART_MODE") == Some("l");
    if ctx.world.shape.needrestart && !off && items.iter().any(|i| i.name() == "kubelet" && i.upgraded()) {
        ctx.out("Restarting services...\n systemctl restart kubelet.service");
        kubelet::restart(&ctx.world, &ctx.node, ctx.op()).await;
    }
}
