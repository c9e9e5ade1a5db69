//! Feature gates that end a component at once (upstream `featuregate.go`: an unknown gate is an error, a locked gate with the other
//! value too). The table is compact on purpose: only what is certain. A gate that is not in it is never called fatal.
//! Sources: the gate lists of Kubernetes 1.31.14 and 1.32.13, and the published list of the early 1.33 cycle.

use crate::version::Minor;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fatal {
    /// Unknown to that version: fatal whatever the value.
    Removed,
    /// Known, locked: the other value is fatal.
    LockedTo(bool),
}

#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub gate: &'static str,
    /// Minor of Kubernetes 1 from which this holds.
    pub since: u16,
    pub fatal: Fatal,
}

const fn row(gate: &'static str, since: u16, fatal: Fatal) -> Row {
    Row { gate, since, fatal }
}

/// The exact text that the component dies with on `minor`, or None where it is not known to be fatal.
pub fn fatal_text(gate: &str, value: bool, minor: Minor) -> Option<String> {
    let known = TABLE.iter().filter(|r| r.gate == gate && minor.major == 1 && minor.minor >= r.since);
    let row = known.max_by_key(|r| r.since)?;
    match row.fatal {
        Fatal::Removed => Some(format!("unrecognized feature gate: {gate}")),
        Fatal::LockedTo(to) if to != value => {
            Some(format!("cannot set feature gate {gate} to {value}, feature is locked to {to}"))
        }
        Fatal::LockedTo(_) => None,
    }
}

#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    row("APIListChunking", 31, Fatal::LockedTo(true)),
    row("APIListChunking", 33, Fatal::Removed),
    row("AdmissionWebhookMatchConditions", 31, Fatal::LockedTo(true)),
    row("AdmissionWebhookMatchConditions", 33, Fatal::Removed),
    row("AggregatedDiscoveryEndpoint", 31, Fatal::LockedTo(true)),
    row("AggregatedDiscoveryEndpoint", 33, Fatal::Removed),
    row("AllowServiceLBStatusOnNonLB", 32, Fatal::LockedTo(false)),
    row("AppArmor", 31, Fatal::LockedTo(true)),
    row("AppArmor", 33, Fatal::Removed),
    row("AppArmorFields", 31, Fatal::LockedTo(true)),
    row("AppArmorFields", 33, Fatal::Removed),
    row("CPUManager", 31, Fatal::LockedTo(true)),
    row("CloudDualStackNodeIPs", 32, Fatal::Removed),
    row("ComponentSLIs", 32, Fatal::LockedTo(true)),
    row("CronJobsScheduledAnnotation", 32, Fatal::LockedTo(true)),
    row("CustomResourceFieldSelectors", 32, Fatal::LockedTo(true)),
    row("DRAControlPlaneController", 32, Fatal::Removed),
    row("DevicePluginCDIDevices", 31, Fatal::LockedTo(true)),
    row("DisableCloudProviders", 31, Fatal::LockedTo(true)),
    row("DisableCloudProviders", 33, Fatal::Removed),
    row("DisableKubeletCloudCredentialProviders", 31, Fatal::LockedTo(true)),
    row("DisableKubeletCloudCredentialProviders", 33, Fatal::Removed),
    row("EfficientWatchResumption", 31, Fatal::LockedTo(true)),
    row("EfficientWatchResumption", 33, Fatal::Removed),
    row("ElasticIndexedJob", 31, Fatal::LockedTo(true)),
    row("HPAContainerMetrics", 32, Fatal::Removed),
    row("JobPodFailurePolicy", 31, Fatal::LockedTo(true)),
    row("JobPodFailurePolicy", 33, Fatal::Removed),
    row("KMSv2", 32, Fatal::Removed),
    row("KMSv2KDF", 32, Fatal::Removed),
    row("KubeProxyDrainingTerminatingNodes", 31, Fatal::LockedTo(true)),
    row("KubeProxyDrainingTerminatingNodes", 33, Fatal::Removed),
    row("LegacyServiceAccountTokenCleanUp", 32, Fatal::Removed),
    row("LoadBalancerIPMode", 32, Fatal::LockedTo(true)),
    row("LogarithmicScaleDown", 31, Fatal::LockedTo(true)),
    row("MemoryManager", 32, Fatal::LockedTo(true)),
    row("MinDomainsInPodTopologySpread", 32, Fatal::Removed),
    row("NewVolumeManagerReconstruction", 32, Fatal::Removed),
    row("NodeOutOfServiceVolumeDetach", 32, Fatal::Removed),
    row("PDBUnhealthyPodEvictionPolicy", 31, Fatal::LockedTo(true)),
    row("PDBUnhealthyPodEvictionPolicy", 33, Fatal::Removed),
    row("PersistentVolumeLastPhaseTransitionTime", 31, Fatal::LockedTo(true)),
    row("PodDisruptionConditions", 31, Fatal::LockedTo(true)),
    row("PodHostIPs", 32, Fatal::Removed),
    row("PodIndexLabel", 32, Fatal::LockedTo(true)),
    row("PodSchedulingReadiness", 31, Fatal::LockedTo(true)),
    row("RemainingItemCount", 31, Fatal::LockedTo(true)),
    row("RemainingItemCount", 33, Fatal::Removed),
    row("RetryGenerateName", 32, Fatal::LockedTo(true)),
    row("ServerSideApply", 32, Fatal::Removed),
    row("ServerSideFieldValidation", 32, Fatal::Removed),
    row("ServiceAccountTokenJTI", 32, Fatal::LockedTo(true)),
    row("ServiceAccountTokenNodeBindingValidation", 32, Fatal::LockedTo(true)),
    row("ServiceAccountTokenPodNodeInfo", 32, Fatal::LockedTo(true)),
    row("SizeMemoryBackedVolumes", 32, Fatal::LockedTo(true)),
    row("StableLoadBalancerNodeSet", 32, Fatal::Removed),
    row("StatefulSetAutoDeletePVC", 32, Fatal::LockedTo(true)),
    row("StatefulSetStartOrdinal", 31, Fatal::LockedTo(true)),
    row("StrictCostEnforcementForVAP", 32, Fatal::LockedTo(true)),
    row("StrictCostEnforcementForWebhooks", 32, Fatal::LockedTo(true)),
    row("StructuredAuthorizationConfiguration", 32, Fatal::LockedTo(true)),
    row("ValidatingAdmissionPolicy", 32, Fatal::Removed),
    row("WatchBookmark", 31, Fatal::LockedTo(true)),
    row("WatchBookmark", 33, Fatal::Removed),
    row("ZeroLimitedNominalConcurrencyShares", 32, Fatal::Removed),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts() {
        let cases = [
            ("KMSv2", true, "v1.32", Some("unrecognized feature gate: KMSv2")),
            ("KMSv2", false, "v1.32", Some("unrecognized feature gate: KMSv2")),
            ("KMSv2", true, "v1.31", None),
            (
                "MemoryManager",
                false,
                "v1.32",
                Some("cannot set feature gate MemoryManager to false, feature is locked to true"),
            ),
            ("MemoryManager", true, "v1.32", None),
            ("AppArmor", true, "v1.32", None),
            ("AppArmor", true, "v1.33", Some("unrecognized feature gate: AppArmor")),
            ("MaxUnavailableStatefulSet", true, "v1.32", None),
            ("NoSuchGate", true, "v1.32", None),
        ];
        for (gate, value, minor, want) in cases {
            assert_eq!(
                fatal_text(gate, value, minor.parse().unwrap()).as_deref(),
                want,
                "{gate}={value} on {minor}"
            );
        }
    }
}
