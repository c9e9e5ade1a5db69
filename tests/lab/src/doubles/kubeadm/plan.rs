//! kubeadm upgrade plan VERSION [-o json]. It runs the health check Job, too, so it is not free of side effects.

use super::error::Ended;
use super::{api, policy, preflight};
use crate::doubles::ctx::Ctx;
use crate::doubles::words::Words;
use podlift_model::op::Component;
use serde_json::{Value, json};

struct Row {
    component: String,
    node: String,
    current: String,
    target: String,
}

fn row(component: &str, node: &str, current: &str, target: &str) -> Row {
    Row { component: component.into(), node: node.into(), current: current.into(), target: target.into() }
}

pub async fn run(ctx: &Ctx, words: &Words, to: &str) -> Ended {
    let as_json = words.get("-o").or(words.get("--output")) == Some("json");
    let say = |line: &str| {
        if !as_json {
            ctx.out(line);
        }
    };
    say("[preflight] Running pre-flight checks.");
    let (_, config) = api::config(ctx).await?;
    say(
        "[upgrade/config] Reading configuration from the \"kubeadm-config\" ConfigMap in namespace \"kube-system\"...",
    );
    say("[upgrade/config] Use 'kubeadm init phase upload-config --config your-config.yaml' to re-upload it.");
    let quiet = ctx.for_unit("", ctx.env.clone(), None);
    preflight::cluster_health(if as_json { &quiet } else { ctx }).await?;
    let from = policy::parse(&config.version)?;
    let own = super::own_version(ctx);
    let to = if to.is_empty() { own } else { policy::parse(to)? };
    say("[upgrade] Fetching available versions to upgrade to");
    let bare = |v: podlift_model::KubeVersion| v.to_string().trim_start_matches('v').to_string();
    say(&format!("[upgrade/versions] Cluster version: {}", bare(from)));
    say(&format!("[upgrade/versions] kubeadm version: {own}"));
    say(&format!("[upgrade/versions] Target version: {to}"));
    say(&format!("[upgrade/versions] Latest version in the v{}.{} series: {to}", from.major, from.minor));
    if to <= from {
        return Ok(());
    }
    let target = to.to_string();
    let kubelets: Vec<Row> = api::kubelets(ctx).iter().map(|(n, v)| row("kubelet", n, v, &target)).collect();
    let rest = control_plane(ctx, &target, &bare(from));
    if as_json {
        ctx.out(&serde_json::to_string_pretty(&document(kubelets, rest, from, own, to)).unwrap_or_default());
        return Ok(());
    }
    print(ctx, &kubelets, &rest, from, to);
    Ok(())
}

fn control_plane(ctx: &Ctx, target: &str, from: &str) -> Vec<Row> {
    let mut rows = vec![];
    for component in Component::ALL {
        for (node, _, _, image) in api::component_pods(ctx, component.name()) {
            let version = image.rsplit(':').next().unwrap_or_default().to_string();
            rows.push(row(component.name(), &node, &version, target));
        }
    }
    rows.push(row("kube-proxy", "", from, target));
    rows.push(row("CoreDNS", "", "v1.11.3", "v1.11.3"));
    rows
}

fn table(ctx: &Ctx, rows: &[Row], width: usize) {
    let head = row("COMPONENT", "NODE", "CURRENT", "TARGET");
    let node = rows.iter().map(|r| r.node.len()).max().unwrap_or(4).max(4);
    for r in std::iter::once(&head).chain(rows) {
        ctx.out(&format!("{:<width$}   {:<node$}   {:<8}   {}", r.component, r.node, r.current, r.target));
    }
}

fn print(
    ctx: &Ctx,
    kubelets: &[Row],
    rest: &[Row],
    from: podlift_model::KubeVersion,
    to: podlift_model::KubeVersion,
) {
    ctx.out("\nComponents that must be upgraded manually after you have upgraded the control plane with 'kubeadm upgrade apply':");
    table(ctx, kubelets, 9);
    ctx.out(&format!("\nUpgrade to the latest version in the v{}.{} series:\n", from.major, from.minor));
    table(ctx, rest, 23);
    let rule = "_".repeat(69);
    ctx.out(&format!("\nYou can now apply the upgrade by executing the following command:\n\n\tkubeadm upgrade apply {to}\n\n{rule}\n\n"));
    ctx.out("The table below shows the current state of component configs as understood by this version of kubeadm.");
    ctx.out("Configs that have a \"yes\" mark in the \"MANUAL UPGRADE REQUIRED\" column require manual config upgrade or");
    ctx.out(
        "resetting to kubeadm defaults before a successful upgrade can be performed. The version to manually",
    );
    ctx.out("upgrade to is denoted in the \"PREFERRED VERSION\" column.\n");
    ctx.out("API GROUP                 CURRENT VERSION   PREFERRED VERSION   MANUAL UPGRADE REQUIRED");
    ctx.out("kubeproxy.config.k8s.io   v1alpha1          v1alpha1            no");
    ctx.out(&format!("kubelet.config.k8s.io     v1beta1           v1beta1             no\n{rule}\n"));
}

fn document(
    kubelets: Vec<Row>,
    rest: Vec<Row>,
    from: podlift_model::KubeVersion,
    own: podlift_model::KubeVersion,
    to: podlift_model::KubeVersion,
) -> Value {
    let own = row("kubeadm", "", &own.to_string(), &to.to_string());
    let shown = |r: &Row| {
        let mut v = json!({"name": r.component, "currentVersion": r.current, "newVersion": r.target});
        if !r.node.is_empty() {
            v["nodeName"] = json!(r.node);
        }
        v
    };
    let components: Vec<Value> = kubelets.iter().chain(&rest).chain([&own]).map(shown).collect();
    let version = |group: &str, v: &str| json!({"group": group, "currentVersion": v, "preferredVersion": v, "manualUpgradeRequired": false});
    json!({"kind": "UpgradePlan", "apiVersion": "output.kubeadm.k8s.io/v1alpha3",
        "availableUpgrades": [{"description": format!("version in the v{}.{} series", from.major, from.minor), "components": components}],
        "configVersions": [version("kubeproxy.config.k8s.io", "v1alpha1"), version("kubelet.config.k8s.io", "v1beta1")]})
}
