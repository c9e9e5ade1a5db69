//! `cm-chroot-sw-img`: a command inside a software image. It mounts /proc, /sys and /dev there and does not always unmount them. The agent's
//! sandbox has mounts of its own and may not mount, so every call is a unit of systemd, also a short one. The tool may hand its words to a
//! shell, so that only words without any meaning for one are passed.

use crate::{UnitSpec, apt, outside};
use podlift_host::{Host, Output};
use podlift_model::op::PackagePin;
use podlift_model::{Failure, codes};
use std::time::Duration;

const PROGRAM: &str = "cm-chroot-sw-img";
/// The tool may clear the environment, so that `env` sets it inside. No question is asked, and no service is restarted.
const INSIDE: [&str; 4] =
    ["env", "DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1", "LC_ALL=C.UTF-8"];
/// For qemu, which runs the programs of an image of another architecture: the emulated CPU lacks what slows it down most.
const QEMU: (&str, &str) = ("QEMU_CPU", "max,pauth-impdef=on");
/// A call in an image of another architecture takes many times as long.
const SHORT: Duration = Duration::from_secs(1800);

/// An image to work in.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its folder on the head node.
    pub path: String,
    /// dpkg's architecture of the image.
    pub arch: Option<String>,
}

impl Place {
    /// Whether qemu runs the image's programs.
    fn foreign(&self) -> bool {
        let own = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        self.arch.as_deref().is_some_and(|arch| arch != own)
    }
}

/// The whole argv after the program.
fn argv(place: &Place, words: impl IntoIterator<Item = String>) -> Result<Vec<String>, Failure> {
    let inside = INSIDE.iter().map(ToString::to_string);
    let all: Vec<String> = [place.path.clone()].into_iter().chain(inside).chain(words).collect();
    match all.iter().find(|word| !is_plain(word)) {
        None => Ok(all),
        Some(word) => Err(Failure::permanent(
            codes::INVALID_REQUEST,
            format!("{word:?} can't be passed into an image: expected letters, digits and -_./:=+~@%, only"),
        )),
    }
}

fn is_plain(word: &str) -> bool {
    let ok = |c: char| c.is_ascii_alphanumeric() || "-_./:=+~@%,".contains(c);
    !word.is_empty() && word.chars().all(ok) && !word.starts_with('~')
}

/// A unit that runs the words in the image. Without a limit it is never ended from outside: a dpkg that is killed leaves half a package.
fn unit(
    place: &Place,
    words: impl IntoIterator<Item = String>,
    limit: Option<Duration>,
) -> Result<UnitSpec, Failure> {
    let mut spec = UnitSpec::new(PROGRAM, argv(place, words)?);
    spec.limit = limit;
    Ok(if place.foreign() { spec.env(QEMU.0, QEMU.1) } else { spec })
}

/// Updates the lists of the source with this path inside the image.
pub fn update(place: &Place, source: &crate::sources::Source, limit: Duration) -> Result<UnitSpec, Failure> {
    let spec = apt::update(source, limit);
    unit(place, [spec.program.to_string()].into_iter().chain(spec.args), Some(limit))
}

/// Updates the lists at once.
pub async fn refresh(host: &Host, place: &Place, source: &crate::sources::Source) -> Result<(), Failure> {
    let spec = apt::update(source, SHORT);
    let output = call(host, place, [spec.program.to_string()].into_iter().chain(spec.args)).await?;
    let text = format!("{}\n{}", output.stdout, output.stderr);
    match output.success() && !apt::stale(&text) {
        true => Ok(()),
        false => Err(apt::judge(&text, &format!("in {} exited {}", place.path, output.code))),
    }
}

/// Completes what an installation that lost its power has left.
const DPKG: [&str; 5] = ["dpkg", "--force-confdef", "--force-confold", "--configure", "-a"];

pub fn install(place: &Place, pins: &[PackagePin]) -> Result<UnitSpec, Failure> {
    let spec = apt::install(pins, false);
    let repair = argv(place, DPKG.map(String::from))?;
    let first: Vec<&str> = std::iter::once(PROGRAM).chain(repair.iter().map(String::as_str)).collect();
    Ok(unit(place, [spec.program.to_string()].into_iter().chain(spec.args), None)?.after(&first))
}

/// What an installation would do: apt's own words.
pub async fn simulate(host: &Host, place: &Place, pins: &[PackagePin]) -> Result<Output, Failure> {
    let words = [String::from("apt-get")].into_iter().chain(apt::simulated(pins));
    call(host, place, words).await
}

/// Holds the packages, or removes their holds.
pub async fn mark(host: &Host, place: &Place, verb: &'static str, names: &[String]) -> Result<(), Failure> {
    if names.is_empty() {
        return Ok(());
    }
    let words = ["apt-mark", verb].map(String::from).into_iter().chain(names.iter().cloned());
    let output = call(host, place, words).await?;
    match output.success() {
        true => Ok(()),
        false => {
            let message = format!("apt-mark {verb} in {} exited {}", place.path, output.code);
            Err(Failure::transient("apt-mark-failed", message)
                .with_detail(&format!("{}\n{}", output.stdout, output.stderr)))
        }
    }
}

async fn call(
    host: &Host,
    place: &Place,
    words: impl IntoIterator<Item = String>,
) -> Result<Output, Failure> {
    let env = if place.foreign() { vec![format!("--setenv={}={}", QEMU.0, QEMU.1)] } else { Vec::new() };
    outside::run(host, env, PROGRAM, argv(place, words)?, SHORT).await
}

/// Unmounts what a command inside an image has left.
pub async fn unmount(host: &Host, point: &str) -> Result<Output, Failure> {
    outside::run(host, Vec::new(), "umount", vec![point.to_string()], Duration::from_secs(60)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{Fakes, exited, said};

    fn place(arch: &str) -> Place {
        Place { path: "/cm/images/dgx".into(), arch: Some(arch.into()) }
    }

    fn pins() -> Vec<PackagePin> {
        let version = "1.32.9-1.1".parse().unwrap();
        vec![PackagePin { package: podlift_model::op::Package::Kubeadm, version }]
    }

    #[tokio::test]
    async fn fixed_words_in_a_unit() {
        let fakes = Fakes::new(|_| said("Inst kubeadm [1.31.9-1.1] (1.32.9-1.1 x [amd64])\n"));
        simulate(&fakes.host, &place("amd64"), &pins()).await.unwrap();
        mark(&fakes.host, &place("amd64"), "hold", &["kubeadm".into()]).await.unwrap();
        mark(&fakes.host, &place("amd64"), "hold", &[]).await.unwrap();
        unmount(&fakes.host, "/cm/images/dgx/proc").await.unwrap();
        // The unit ends before its client gives up.
        let start = |seconds: u32| {
            format!(
                "systemd-run --quiet --wait --pipe --collect --service-type=exec --setenv=LC_ALL=C.UTF-8 --property=RuntimeMaxSec={seconds} --"
            )
        };
        let (short, unmount) = (start(1770), start(30));
        let inside = "cm-chroot-sw-img /cm/images/dgx env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 LC_ALL=C.UTF-8";
        let calls = fakes.commands.calls();
        assert!(calls[0].starts_with(&format!("{short} {inside} apt-get -y")), "{}", calls[0]);
        assert!(calls[0].contains(" --no-remove -s install kubeadm=1.32.9-1.1"), "{}", calls[0]);
        assert_eq!(
            calls[1..],
            [
                format!("{short} {inside} apt-mark hold kubeadm"),
                format!("{unmount} umount /cm/images/dgx/proc")
            ]
        );
        let failing = Fakes::new(|_| exited(1, "no"));
        assert!(mark(&failing.host, &place("amd64"), "hold", &["kubeadm".into()]).await.is_err());
    }

    #[test]
    fn an_image_of_another_architecture_gets_qemus_setting_and_dpkg_is_not_ended() {
        let own = if std::env::consts::ARCH == "aarch64" { "arm64" } else { "amd64" };
        let other = if own == "arm64" { "amd64" } else { "arm64" };
        let has =
            |arch: &str| install(&place(arch), &pins()).unwrap().env.iter().any(|(name, _)| *name == QEMU.0);
        assert_eq!((has(own), has(other)), (false, true));
        assert_eq!(install(&place(own), &pins()).unwrap().limit, None);
    }

    #[test]
    fn a_word_with_a_meaning_for_a_shell_is_refused() {
        for (word, ok) in [
            ("kubeadm=1.32.9-1.1", true),
            ("Dpkg::Options::=--force-confold", true),
            ("/etc/apt/sources.list.d/my source.list", false),
            ("$(id)", false),
            ("a;b", false),
            ("~root", false),
            ("", false),
        ] {
            assert_eq!(argv(&place("amd64"), [word.to_string()]).is_ok(), ok, "{word}");
        }
    }
}
