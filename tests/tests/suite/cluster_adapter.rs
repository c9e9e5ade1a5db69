//! The coordinator's cluster adapter against an API server: the lab's double in process, and, where `KUBEBUILDER_ASSETS` names a folder with
//! `etcd` and `kube-apiserver`, that pair too. The cases are the same functions; nothing in them knows whom it asks.

mod admin;
mod cases;
mod target;

use podlift_coordinator::Cluster as _;
use podlift_engine::{ClusterLook, ClusterReply};
use podlift_lab::real;
use std::sync::Arc;
use target::Target;

macro_rules! cases {
    ($($module:ident: $($name:ident),+;)+) => {
        mod double {
            $($(
                #[test]
                fn $name() {
                    podlift_tests::paused(async { super::cases::$module::$name(&super::target::double()).await });
                }
            )+)+
        }

        async fn every_case(t: &Target) {
            $($(
                println!("  {}", stringify!($name));
                cases::$module::$name(t).await;
            )+)+
        }
    };
}

cases! {
    cordon: nodes_are_read, a_list_goes_on_to_its_last_page, a_cordon_carries_its_owner, what_others_cordoned_is_left,
        a_higher_epoch_is_obeyed, a_busy_node_is_cordoned_all_the_same;
    drain: pods_are_sorted, bare_pods_forbid_a_drain, a_drain_waits_for_its_budget, a_budget_that_holds_is_named,
        two_budgets_are_a_failure;
    config: kubeadm_config_is_written_on_what_was_read, addons_are_seen, strangers_are_told_so;
}

#[test]
fn the_same_against_a_real_api_server() {
    let Some(assets) = real::assets() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let pair = real::Pair::start(&assets).await;
        let target = Target::new(pair.admin().await, pair.stranger().await, Arc::new(pair.prober()));
        println!("asked: kube-apiserver of {} at {}", assets.display(), pair.address());
        every_case(&target).await;
        let look = ClusterLook::ProbeApiServers { endpoints: vec![pair.address()] };
        let ClusterReply::Probes(probes) = target.cluster().look(&look).await.unwrap() else { panic!() };
        assert!(probes[0].ok, "{}", probes[0].why);
    });
}
