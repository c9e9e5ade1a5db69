//! Packages in an image.

use super::fake::Fake;
use super::*;
use podlift_host::Files as _;
use podlift_model::op::{Package, PackagePin};

const COPY: &str = "dgx-image-k8s-1.32.9";
const START: &str = "systemd-run --quiet --wait --pipe --collect --service-type=exec --setenv=LC_ALL=C.UTF-8 --property=RuntimeMaxSec=1770 -- cm-chroot-sw-img /cm/images/dgx-image-k8s-1.32.9 env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 LC_ALL=C.UTF-8 apt-mark";

fn packages(image: &str) -> BcmOp {
    let version = || "1.32.9-1.1".parse().unwrap();
    let pins = [Package::Kubeadm, Package::Kubelet, Package::Kubectl];
    BcmOp::ImagePackages {
        image: image.parse().unwrap(),
        packages: pins.map(|package| PackagePin { package, version: version() }).to_vec(),
    }
}

fn installed(fake: &Fake) -> impl Fn(&UnitSpec) -> (i32, String) {
    move |spec| {
        assert!(line(spec).contains("--no-remove install kubeadm=1.32.9-1.1 kubelet="), "{}", line(spec));
        assert_eq!(spec.limit, None, "dpkg is never ended from outside");
        assert!(!fake.state().packages.1, "they are not held any more");
        fake.state().packages.0 = "1.32.9-1.1".into();
        (0, String::new())
    }
}

fn marks(fake: &Fake) -> Vec<String> {
    let calls = fake.commands.calls();
    calls.iter().filter_map(|call| call.strip_prefix(START)).map(|c| c.trim().to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn exact_versions_and_holds() {
    let fake = Fake::new().with_clone(COPY);
    assert!(matches!(run(&fake, packages(COPY), installed(&fake)).await, Ok(OpOutput::Changed(_))));
    assert_eq!(marks(&fake), ["unhold kubeadm kubectl kubelet", "hold kubeadm kubectl kubelet"]);
    assert!(matches!(run(&fake, packages(COPY), no_unit).await, Ok(OpOutput::Unchanged(_))));
}

#[tokio::test(start_paused = true)]
async fn an_image_that_is_being_sent_is_not_changed() {
    let fake = Fake::new().with_clone(COPY);
    let busy = fake.state().provisioning.replace("idle", "busy");
    fake.state().provisioning = busy;
    let source = BcmOp::ImageSource { image: COPY.parse().unwrap(), minor: "1.32".parse().unwrap() };
    for op in [source, packages(COPY)] {
        assert_eq!(code(&fake, op, no_unit).await, "bcm-busy");
    }
    assert_eq!(fake.commands.count("systemd-run"), 0, "nothing was run in it");
}

#[tokio::test(start_paused = true)]
async fn lists_of_another_minor_are_fetched_before_the_dry_run_counts() {
    let fake = Fake::new().with_clone(COPY);
    fake.state().old_lists = true;
    fake.state().mirror_gone = true;
    assert_eq!(code(&fake, packages(COPY), no_unit).await, "apt-unreachable");
    fake.state().mirror_gone = false;
    assert!(matches!(run(&fake, packages(COPY), installed(&fake)).await, Ok(OpOutput::Changed(_))));
}

#[tokio::test(start_paused = true)]
async fn a_failure_holds_them_again() {
    let fake = Fake::new().with_clone(COPY);
    let failed = |_: &UnitSpec| (100, "E: Unable to fetch some archives\nE: Failed to fetch x\n".to_string());
    assert_eq!(code(&fake, packages(COPY), failed).await, "apt-unreachable");
    assert_eq!(marks(&fake).last().unwrap(), "hold kubeadm kubectl kubelet");
    assert!(fake.state().packages.1);
    let lying = Fake::new().with_clone(COPY);
    assert_eq!(code(&lying, packages(COPY), |_| (0, String::new())).await, "bcm-no-effect");
}

#[tokio::test(start_paused = true)]
async fn nothing_but_kubernetes_changes() {
    for (simulated, names) in [
        ("Inst kubeadm (1.32.9-1.1 x [amd64])\nInst containerd (2.0 x [amd64])\n", "containerd to 2.0"),
        ("Inst kubeadm (1.32.9-1.1 x [amd64])\nRemv nvidia-docker2 [2.11]\n", "nvidia-docker2 away"),
        ("Inst linux-image-6.9 (6.9 x [amd64])\n", "linux-image-6.9 to 6.9"),
        ("Conf nvidia-dkms-550 (550 x [amd64])\n", "nvidia-dkms-550 (configured)"),
    ] {
        let fake = Fake::new().with_clone(COPY);
        fake.state().simulated = simulated.into();
        let failure = run(&fake, packages(COPY), no_unit).await.unwrap_err();
        assert_eq!(failure.code, "bcm-image-would-change");
        assert!(failure.message.contains(names), "{}", failure.message);
        assert_eq!(marks(&fake), [""; 0], "they are held all the time");
    }
    let fake = Fake::new().with_clone(COPY);
    assert_eq!(code(&fake, packages("dgx-image"), no_unit).await, "bcm-image-not-ours");
}

#[tokio::test(start_paused = true)]
async fn an_image_without_the_kubelets_unit_or_with_a_failed_ramdisk_is_not_done() {
    let fake = Fake::new().with_clone(COPY);
    fake.files
        .remove(std::path::Path::new(
            "/cm/images/dgx-image-k8s-1.32.9/usr/lib/systemd/system/kubelet.service",
        ))
        .unwrap();
    let failure = run(&fake, packages(COPY), installed(&fake)).await.unwrap_err();
    assert!(failure.message.contains("kubelet.service"), "{}", failure.message);
    let fake = Fake::new().with_clone(COPY);
    let unit = |spec: &UnitSpec| {
        fake.state().tasks = vec!["0b9f36a1-8d43-4b0e-9a55-0c6f5b1d7e01 Create ramdisk failed\n".into()];
        installed(&fake)(spec)
    };
    assert_eq!(code(&fake, packages(COPY), unit).await, "bcm-task-failed");
    assert!(fake.state().packages.1, "held all the same");
}
