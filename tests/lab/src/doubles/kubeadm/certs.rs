//! Certificates that go with a component's manifest.

use crate::doubles::ctx::Ctx;
use podlift_model::op::Component;

pub fn renew(ctx: &Ctx, component: Component) {
    let names: &[&str] = match component {
        Component::KubeApiserver => &["apiserver", "apiserver-kubelet-client", "front-proxy-client"],
        Component::KubeControllerManager => &["controller-manager.conf"],
        Component::KubeScheduler => &["scheduler.conf"],
    };
    names.iter().for_each(|n| ctx.out(&format!("[upgrade/staticpods] Renewing {n} certificate")));
}
