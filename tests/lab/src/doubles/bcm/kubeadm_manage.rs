//! cm-kubeadm-manage: `--help`, and `--kube-cluster NAME update_configmap`, by which BCM learns kubeadm-config.

use crate::doubles::ctx::Ctx;

const HELP: &str = "usage: cm-kubeadm-manage [-h] --kube-cluster KUBE_CLUSTER {update_configmap,update_apiserver} ...\n\n\
    positional arguments:\n  {update_configmap,update_apiserver}\n    update_configmap    Update the kubeadm-config configmap\n    \
    update_apiserver    Update the API server of a node\n";

pub async fn run(ctx: &Ctx, args: &[String]) -> i32 {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    ctx.seconds(1.0).await;
    match words.as_slice() {
        ["--help" | "-h"] => {
            ctx.print(HELP, false);
            0
        }
        ["--kube-cluster", name, "update_configmap"] => {
            let known = ctx.world.lock().bcm.cluster == *name;
            if !known {
                ctx.err(&format!("Kubernetes cluster '{name}' not found"));
                return 1;
            }
            ctx.seconds(3.0).await;
            ctx.world.bcm_learns_config();
            ctx.alive().await;
            ctx.out("Updated kubeadm-config");
            0
        }
        _ => {
            ctx.err("cm-kubeadm-manage: error: the lab knows --help and update_configmap");
            2
        }
    }
}
