use super::*;
use podlift_host::testing::{Fakes, said};

const IMAGE: &str = "/cm/images/dgx-image";

fn fakes(locked: &'static str) -> Fakes {
    let fakes = Fakes::new(move |call| match (call.program, call.args.last().unwrap().as_str()) {
        ("cmsh", script) if script.starts_with("softwareimage; list") => {
            said("Name (key)|Path|Kernel version\ndgx-image|/cm/images/dgx-image|6.8\n")
        }
        ("cmsh", script) if script.starts_with("softwareimage islocked") => said(locked),
        ("dpkg-query", _) => {
            said("kubelet\t1.31.9-1.1\thold ok installed\tamd64\ndpkg\t1.22\tinstall ok installed\tamd64\n")
        }
        _ => panic!("{call:?}"),
    });
    let source = "deb [signed-by=/etc/apt/keyrings/k.gpg] https://pkgs.k8s.io/core:/stable:/v1.31/deb/ /\n";
    fakes.files.put(format!("{IMAGE}/etc/apt/sources.list.d/kubernetes.list"), source.as_bytes());
    fakes.files.put(format!("{IMAGE}/etc/apt/preferences.d/k8s"), b"Package: kubelet\nPin: version 1.31.*\n");
    // The head node's own, which must not be taken for the image's.
    fakes.files.put("/etc/apt/preferences.d/own", b"Package: kubelet\n");
    let mounts = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
        40 22 0:40 / /cm/images/dgx-image/dev rw - devtmpfs udev rw\n\
        41 40 0:41 / /cm/images/dgx-image/dev/pts rw - devpts devpts rw\n\
        42 22 0:42 / /cm/images/dgx-image-2/proc rw - proc proc rw\n";
    fakes.files.put("/proc/1/mountinfo", mounts.as_bytes());
    fakes
}

#[tokio::test]
async fn all_that_its_files_show() {
    let fakes = fakes("no\n");
    let image = find(&fakes.host, &"dgx-image".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((image.path.as_str(), image.locked, image.agent), (IMAGE, false, false));
    assert_eq!(image.arch.as_deref(), Some("amd64"));
    assert_eq!(image.source, Some("1.31".parse().unwrap()));
    assert_eq!(image.pins, ["/etc/apt/preferences.d/k8s"]);
    assert!(image.packages["kubelet"].held);
    let want = ["mount /cm/images/dgx-image/dev/pts", "mount /cm/images/dgx-image/dev"];
    assert_eq!(image.inside, want, "the last first, and none of another image");
    assert_eq!(find(&fakes.host, &"other".parse().unwrap()).await, Ok(None));
}

#[tokio::test]
async fn the_agent_is_program_unit_and_link_and_an_unclear_lock_is_a_lock() {
    let fakes = fakes("?\n");
    for path in podlift_model::bcm::OF_IMAGE {
        fakes.files.put(format!("{IMAGE}{path}"), b"x");
    }
    let seen = async || find(&fakes.host, &"dgx-image".parse().unwrap()).await.unwrap().unwrap();
    let image = seen().await;
    assert!(image.agent && image.locked);
    fakes.files.restat(format!("{IMAGE}/etc/apt/sources.list.d/kubernetes.list"), |stat| {
        stat.kind = podlift_host::FileKind::Symlink;
    });
    let image = seen().await;
    assert_eq!(image.source, None, "a link of the image leads to the head node");
}
