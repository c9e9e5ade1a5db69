//! Where a process belongs, by its control group: to a pod, or to a unit of systemd.

/// The place of a process. A process that neither systemd nor the kubelet placed has neither.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Uid of the pod, with dashes as in the API; a static pod has the hash of its file instead.
    pub pod: Option<String>,
    /// The innermost service, or the innermost scope if there is no service. `None` for processes of pods.
    pub unit: Option<String>,
}

/// Reads `/proc/PID/cgroup`, for both versions of control groups.
pub fn of(cgroup: &str) -> Place {
    let lines = || cgroup.lines().filter_map(|line| line.split_once(':')?.1.split_once(':'));
    if let Some(pod) = lines().find_map(|(_, path)| pod(path)) {
        return Place { pod: Some(pod), unit: None };
    }
    // Version 1 has a hierarchy for each controller; systemd's own is the one that has all processes.
    let own = lines().filter(|(controllers, _)| controllers.is_empty() || *controllers == "name=systemd");
    Place { pod: None, unit: own.filter_map(|(_, path)| unit(path)).next() }
}

/// The kubelet's names of a pod's group (`pkg/kubelet/cm`): `pod<UID>` with cgroupfs, and with systemd
/// `kubepods-<class>-pod<UID>.slice` with underscores for the dashes of the uid.
fn pod(path: &str) -> Option<String> {
    if !path.contains("kubepods") {
        return None;
    }
    path.split(['/', ':']).rev().find_map(|part| {
        let name = part.strip_suffix(".slice").unwrap_or(part);
        let (_, uid) = name.rsplit_once("pod")?;
        is_uid(uid).then(|| uid.replace('_', "-"))
    })
}

/// A UUID, or the 32 hexadecimal digits of a static pod.
fn is_uid(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_hexdigit).count();
    digits == 32 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-' || c == '_')
}

fn unit(path: &str) -> Option<String> {
    let innermost = |suffix: &str| path.rsplit('/').find(|part| part.ends_with(suffix));
    innermost(".service").or_else(|| innermost(".scope")).map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Paths as systemd, containerd and the kubelet make them.
    #[test]
    fn groups_of_both_versions_and_of_both_drivers() {
        const UID: &str = "2e3c1f0a-8d43-4b0e-9a55-0c6f5b1d7e21";
        let (dashes, lines) = (UID, UID.replace('-', "_"));
        let pods = [
            format!(
                "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{lines}.slice/cri-containerd-4f6b.scope\n"
            ),
            format!("0::/kubepods.slice/kubepods-pod{lines}.slice/cri-containerd-4f6b.scope/init\n"),
            format!("0::/kubepods/besteffort/pod{dashes}/4f6b\n"),
            format!(
                "12:devices:/kubepods/burstable/pod{dashes}/4f6b\n1:name=systemd:/kubepods/burstable/pod{dashes}/4f6b\n0::/\n"
            ),
            format!(
                "0::/system.slice/containerd.service/kubepods-burstable-pod{lines}.slice:cri-containerd:4f6b\n"
            ),
            format!("0::/../../kubepods.slice/kubepods-pod{lines}.slice/cri-containerd-4f6b.scope\n"),
        ];
        for text in pods {
            assert_eq!(of(&text), Place { pod: Some(UID.into()), unit: None }, "{text}");
        }
        let fixed = "f556b9016283651c92291c6d844ea468";
        let text = format!(
            "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{fixed}.slice/cri-containerd-1.scope\n"
        );
        assert_eq!(of(&text).pod.as_deref(), Some(fixed), "a static pod");
    }

    #[test]
    fn units_and_processes_without_one() {
        let cases = [
            ("0::/system.slice/nvidia-persistenced.service\n", Some("nvidia-persistenced.service")),
            ("0::/system.slice/system-dcgm.slice/dcgm@1.service/worker\n", Some("dcgm@1.service")),
            ("0::/system.slice/slurmstepd.scope/job_812/step_0/user/task_0\n", Some("slurmstepd.scope")),
            (
                "0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope\n",
                Some("user@1000.service"),
            ),
            ("0::/user.slice/user-1000.slice/session-3.scope\n", Some("session-3.scope")),
            (
                "9:devices:/slurm/uid_1000/job_812\n1:name=systemd:/system.slice/slurmd.service\n",
                Some("slurmd.service"),
            ),
            ("4:memory:/x.service\n0::/\n", None),
            ("0::/podman/pod-x\n", None),
            ("0::/kubepods.slice\n", None),
            ("", None),
        ];
        for (text, unit) in cases {
            assert_eq!(of(text), Place { pod: None, unit: unit.map(String::from) }, "{text}");
        }
    }
}
