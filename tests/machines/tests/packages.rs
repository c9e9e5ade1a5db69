//! The two packages on machines that never saw them: every line of the README's "Install it" as it stands there, then `podlift status`;
//! and what is left when they go.

use anyhow::{Context as _, ensure};
use podlift_machines::fleet::{Fleet, Wanted};
use podlift_machines::machine::{Machine, SHARED};
use podlift_machines::{apart, configs, readme, up};
use std::path::Path;

/// As the README names them.
const NODE: &str = "runai-01";

#[test]
fn installed_as_the_readme_says_and_removed_without_a_trace_in_the_manifests() {
    podlift_common::tls::install_provider();
    let base = up::prepare().unwrap_or_else(|error| panic!("{error:#}"));
    let wanted = Wanted { control_planes: vec![NODE], workers: vec![], bare: true, ..Wanted::default() };
    let told = apart::run(async move {
        let fleet = Fleet::prepare(base, &std::env::current_exe()?, &wanted).await?;
        fleet.power_on().await?;
        install(&fleet).await?;
        fleet.ready().await?;
        let status = fleet.podlift(&["status"]).await?;
        ensure!(status.success() && status.stdout.contains(NODE), "{}{}", status.stdout, status.stderr);
        removed(&fleet, fleet.machine(NODE)).await?;
        fleet.stop().await;
        Ok(())
    });
    told.unwrap_or_else(|error| panic!("{error:#}"));
}

async fn install(fleet: &Fleet) -> anyhow::Result<()> {
    let shared = fleet.scratch.make_dir("shared/install")?;
    for deb in [&fleet.product.agent, &fleet.product.coordinator] {
        std::fs::copy(deb, shared.join(deb.file_name().context("a name")?))?;
    }
    let (head, node) = (fleet.machine(configs::HEAD), fleet.machine(NODE));
    let [on_head, on_node] = readme::install_blocks()?;
    // What the site has: its own identity in the cluster.
    head.write("/etc/podlift/kubernetes-ca.crt", &fleet.supervisor.ca, 0o644)?;
    head.write("/etc/podlift/kubeconfig", configs::kubeconfig(&fleet.world().shape), 0o644)?;
    let site = Site { head: &head.address, vip: &fleet.world().shape.proxy };
    for line in &on_head {
        type_it(head, line, &site).await?;
    }
    head.run(&["cp", "-r", "/root/certs/.", &format!("{SHARED}/install")]).await?;
    head.run(&["cp", "/etc/podlift/tls/ca.crt", &format!("{SHARED}/install/ca.crt")]).await?;
    for line in &on_node {
        type_it(node, line, &site).await?;
    }
    Ok(())
}

struct Site<'a> {
    head: &'a str,
    vip: &'a str,
}

/// In the folder of the files; an example that was copied gets the site's own values.
async fn type_it(machine: &Machine, line: &str, site: &Site<'_>) -> anyhow::Result<()> {
    let script = format!("cd {SHARED}/install && {line}");
    machine.run(&["sh", "-ec", &script]).await.with_context(|| format!("README: {line}"))?;
    let copied = line.starts_with("cp ").then(|| line.split_whitespace().nth(2)).flatten();
    let Some(path) = copied.filter(|p| p.ends_with(".toml")) else { return Ok(()) };
    let text = machine.text(path).replace("10.141.255.254:7443", &format!("{}:{}", site.head, configs::PORT));
    let text = text.replace("10.141.255.254:10443", site.vip).replace("dgx030", NODE);
    machine.write(path, text, 0o644)
}

/// Neither `dpkg -r` nor purge touches anything of Kubernetes.
async fn removed(fleet: &Fleet, node: &Machine) -> anyhow::Result<()> {
    let before = digest(node).await?;
    ensure!(before.lines().count() > 10, "there is nothing in /etc/kubernetes: {before}");
    for verb in ["--remove", "--purge"] {
        node.run(&["dpkg", verb, "podlift-agent"]).await?;
        let now = digest(node).await?;
        ensure!(now == before, "dpkg {verb} changed /etc/kubernetes:\n{before}\n{now}");
        let state = node.ended(&["systemctl", "is-active", "podlift-agent"]).await?;
        ensure!(state.stdout.trim() != "active", "the agent still runs after dpkg {verb}");
    }
    ensure!(!Path::new(&node.path("/usr/bin/podlift-agent")).exists(), "the program is still there");
    ensure!(fleet.world().lock().front_up(&node.name), "the API server went with the agent");
    Ok(())
}

/// Every file: path, mode, owner, time of change, content.
async fn digest(node: &Machine) -> anyhow::Result<String> {
    let script = "find /etc/kubernetes -printf '%p %m %U:%G %C@\\n' | sort; find /etc/kubernetes -type f -exec sha256sum {} + | sort";
    node.run(&["sh", "-ec", script]).await
}
