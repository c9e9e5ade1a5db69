//! What a scenario says of the things beside Kubernetes.

use super::super::scenario::{BalancersState, IngressState, Loss, Site};
use crate::objects::Key;
use crate::world::{Trace, World, balancers};
use anyhow::ensure;

pub fn sow(world: &World, order: &Site) -> anyhow::Result<()> {
    match order {
        Site::Lose(Loss { group, resource, namespace, name, by, event }) => {
            let trace = Trace { by: by.clone(), event: *event };
            let gone = world.lose(&Key::new(group, resource, namespace, name), &trace);
            ensure!(gone, "there is no {resource} {namespace}/{name}");
        }
        Site::Balancers(BalancersState { provider, pool }) => world.update(|s| {
            s.balancers.provider = provider.unwrap_or(s.balancers.provider);
            if let Some(there) = pool {
                balancers::set_pool(s, there.then(|| world.shape.network.clone()));
            }
        }),
        Site::Ingress(IngressState { mode, controller, status, title }) => world.update(|s| {
            let ingress = &mut s.ingress;
            ingress.mode = mode.unwrap_or(ingress.mode);
            ingress.controller = controller.unwrap_or(ingress.controller);
            ingress.page.status = status.unwrap_or(ingress.page.status);
            ingress.page.title = title.clone().unwrap_or_else(|| ingress.page.title.clone());
        }),
        Site::TlsSecret { namespace, name, host, days } => world.new_tls_secret(namespace, name, host, *days),
        Site::InstallTigera => world.install_tigera(),
    }
    Ok(())
}
