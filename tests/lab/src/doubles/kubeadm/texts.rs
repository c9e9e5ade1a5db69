//! Lines that several commands print.

use crate::doubles::ctx::Ctx;

pub fn reading(ctx: &Ctx, tag: &str) {
    ctx.out(&format!(
        "[{tag}] Reading configuration from the \"kubeadm-config\" ConfigMap in namespace \"kube-system\"..."
    ));
    ctx.out(&format!(
        "[{tag}] Use 'kubeadm init phase upload-config --config your-config.yaml' to re-upload it."
    ));
}

pub fn pulling(ctx: &Ctx) {
    ctx.out("[upgrade/preflight] Pulling images required for setting up a Kubernetes cluster");
    ctx.out("[upgrade/preflight] This might take a minute or two, depending on the speed of your internet connection");
    ctx.out(
        "[upgrade/preflight] You can also perform this action beforehand using 'kubeadm config images pull'",
    );
}

pub fn bootstrap_token(ctx: &Ctx) {
    ctx.out("[upgrade/bootstrap-token] Configuring bootstrap token and cluster-info RBAC rules");
    for what in [
        "Configured RBAC rules to allow Node Bootstrap tokens to get nodes",
        "Configured RBAC rules to allow Node Bootstrap tokens to post CSRs in order for nodes to get long term certificate credentials",
        "Configured RBAC rules to allow the csrapprover controller automatically approve CSRs from a Node Bootstrap Token",
        "Configured RBAC rules to allow certificate rotation for all node client certificates in the cluster",
    ] {
        ctx.out(&format!("[bootstrap-token] {what}"));
    }
}
