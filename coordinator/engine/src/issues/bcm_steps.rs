//! What a person does where podlift has no copy of a certificate: BCM's own tool writes it again.

/// The steps of `cm-kubernetes-setup`, on the active head node.
pub fn bcm_steps(namespace: &str, name: &str) -> String {
    format!(
        "on the active head node, run cm-kubernetes-setup, choose the cluster, then Configure Ingress, and give the certificate and key that your CA has signed; then kubectl -n {namespace} get secret {name} shows it, and podlift retry goes on"
    )
}
