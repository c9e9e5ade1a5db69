//! What refuses the image path, and what nearly does.

use super::*;

#[test]
fn what_refuses_an_image_and_the_next_command() {
    let cases: &[(&str, Change, &str, &str)] = &[
        (
            "no image of that name",
            |i| images(i).retain(|x| x.name != image_name(WORKERS.0)),
            "does not list that image",
            "softwareimage; list",
        ),
        (
            "images unknown",
            |i| i.bcm.as_mut().unwrap().images = Err("cmsh ended with 1".into()),
            "images are not known: cmsh ended with 1",
            "softwareimage; list",
        ),
        ("locked", |i| images(i)[0].locked = true, "dgx-image is locked", "softwareimage; unlock dgx-image"),
        (
            "pinned",
            |i| images(i)[0].pins = vec!["k8s.pref".into()],
            "name packages of Kubernetes",
            "apt-cache policy kubeadm",
        ),
        (
            "in use",
            |i| images(i)[0].inside = vec!["process 812 (dpkg)".into()],
            "process 812 (dpkg)",
            "/proc/mounts",
        ),
        (
            "full",
            |i| images(i)[0].free_bytes = Some(43 << 30),
            "needs 44 GiB on the head node, and 43 GiB are free",
            "df -h",
        ),
        (
            "no category",
            |i| row(i, "dgx031").category = None,
            "dgx031 has no category in BCM",
            "device use dgx031",
        ),
        (
            "no image",
            |i| row(i, "dgx031").image = None,
            "its category dgx-h100 have no software image",
            "device use dgx031",
        ),
        (
            "taken",
            |i| images(i).push(image("dgx-image-k8s-1.32.9", "1.32.8-1.1")),
            "exists, and is not at the target: it has kubeadm 1.32.8-1.1",
            "softwareimage; remove dgx-image-k8s-1.32.9",
        ),
        (
            "not held",
            |i| {
                let mut taken = image("dgx-image-k8s-1.32.9", "1.32.9-1.1");
                taken.packages.get_mut("kubelet").unwrap().held = false;
                images(i).push(taken);
            },
            "exists, and is not at the target",
            "softwareimage; remove",
        ),
        (
            "clone locked",
            |i| images(i).push(BcmImage { locked: true, ..image("dgx-image-k8s-1.32.9", "1.32.9-1.1") }),
            "of the target is locked",
            "unlock dgx-image-k8s-1.32.9",
        ),
        (
            "architecture",
            |i| {
                let arch = ("kubernetes.io/arch".to_string(), "arm64".to_string());
                i.inventory.nodes[0].view.labels.extend([arch]);
            },
            "is of architecture amd64, and dgx030 is of arm64",
            "device use dgx030",
        ),
        (
            "a name with dots",
            |i| row(i, "dgx031").name = name("dgx031.cm.cluster"),
            "Kubernetes has node dgx031, and BCM has device dgx031.cm.cluster",
            "device list",
        ),
        (
            "a long name",
            |i| {
                let long = image_name(&"x".repeat(100));
                rows(i)
                    .iter_mut()
                    .filter(|r| r.image == Some(image_name(WORKERS.0)))
                    .for_each(|r| r.image = Some(long.clone()));
                images(i)[0].name = long;
            },
            "longer than 100 characters",
            "get name",
        ),
        (
            "two to one",
            |i| {
                row(i, "dgx031").image = Some(image_name("dgx-image-k8s-1.31.9"));
                images(i).push(image("dgx-image-k8s-1.31.9", "1.31.9-1.1"));
            },
            "dgx-image and dgx-image-k8s-1.31.9, and all of them would become dgx-image-k8s-1.32.9",
            "softwareimage; list",
        ),
    ];
    for (what, change, want, next) in cases {
        let mut i = imaged();
        change(&mut i);
        let plan = build(&i).unwrap();
        let blockers: Vec<_> = plan.blockers().collect();
        assert!(blockers.iter().all(|f| f.check == BCM_IMAGES), "{what}: {blockers:#?}");
        let mine = blockers.iter().find(|f| f.evidence.contains(want));
        assert!(mine.is_some_and(|f| f.next.contains(next)), "{what}: {blockers:#?}");
    }
}

#[test]
fn what_is_nearly_a_refusal_is_none() {
    let cases: &[(&str, Change)] = &[
        ("an image of nobody is locked", |i| {
            images(i).push(BcmImage { locked: true, ..image("other", "1.30.1-1.1") })
        }),
        ("just enough room", |i| images(i).iter_mut().for_each(|x| x.free_bytes = Some(44 << 30))),
        ("other packages are held", |i| {
            let held = podlift_model::bcm::ImagePackage { version: None, held: true };
            images(i)[0].packages.insert("kubernetes-cni".into(), held);
        }),
        ("the same architecture", |i| {
            i.inventory.nodes[0]
                .view
                .labels
                .extend([("kubernetes.io/arch".to_string(), "amd64".to_string())]);
        }),
        ("a node with dots that BCM has", |i| {
            let dotted = name("dgx031.cm.cluster");
            row(i, "dgx031").name = dotted.clone();
            let node = i.inventory.nodes.iter_mut().find(|n| n.name == name("dgx031")).unwrap();
            (node.name, node.view.name) = (dotted.clone(), dotted.clone());
            node.facts.as_mut().unwrap().node = dotted.clone();
            let moved = |map: &mut BTreeMap<NodeName, _>| {
                let value = map.remove(&name("dgx031")).unwrap();
                map.insert(dotted.clone(), value);
            };
            moved(&mut i.offers);
            let survey = i.surveys.remove(&name("dgx031")).unwrap();
            i.surveys.insert(dotted, survey);
        }),
    ];
    for (what, change) in cases {
        let mut i = imaged();
        change(&mut i);
        let plan = build(&i).unwrap();
        assert_eq!(plan.blockers().count(), 0, "{what}: {:#?}", plan.findings);
        assert_eq!(plan.bcm.unwrap().nodes.len(), 7, "{what}");
    }
}
