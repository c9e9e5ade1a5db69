//! `nvidia-smi --query-compute-apps`: the processes that compute on a GPU by NVML's own list. The driver may know of one whose open files show
//! no device, because it holds a GPU through a handle that another process passed to it.

use crate::{outside, whole};
use podlift_host::{FileKind, Host};
use std::path::Path;
use std::time::Duration;

/// Where the driver's packages install it.
const PROGRAMS: [&str; 2] = ["/usr/bin/nvidia-smi", "/usr/local/bin/nvidia-smi"];
const QUERY: [&str; 2] = ["--query-compute-apps=pid,process_name,gpu_uuid", "--format=csv,noheader,nounits"];
/// The first call after a boot without the persistence daemon initialises every GPU, which takes some seconds each.
const LIMIT: Duration = Duration::from_secs(90);

/// Exit code of a warning: "infoROM is corrupted" (nvidia-smi(1), RETURN VALUE).
const INFOROM: i32 = 14;

/// A process on one GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compute {
    pub pid: u32,
    /// As the driver names it, which is the path of its program.
    pub name: String,
    /// `GPU-…` or `MIG-…`.
    pub gpu: String,
}

/// The list; `None` on a node without nvidia-smi. The error says why there is no list, which does not mean that nothing computes.
pub async fn compute(host: &Host) -> Result<Option<Vec<Compute>>, String> {
    let is_there = |path: &&&str| {
        let kind = host.files.stat(Path::new(path)).map(|stat| stat.kind);
        kind.is_ok_and(|kind| matches!(kind, FileKind::Regular | FileKind::Symlink))
    };
    let Some(program) = PROGRAMS.iter().find(is_there) else { return Ok(None) };
    // The agent's own /dev has no devices.
    let args = QUERY.map(String::from).to_vec();
    let output = outside::run(host, Vec::new(), program, args, LIMIT).await.map_err(whole)?;
    let said = format!("{} {}", output.stdout.trim(), output.stderr.trim());
    match output.code {
        0 => parse(&output.stdout).map(Some),
        // The list is whole, and a memory of a GPU is damaged that it needs for its inventory data only.
        INFOROM => {
            let lines = output.stdout.lines().filter(|line| !line.trim_start().starts_with("WARNING:"));
            parse(&lines.collect::<Vec<_>>().join("\n")).map(Some)
        }
        code => Err(format!("{program} exited {code}: {}", short(&said))),
    }
}

/// Reads lines `4711, /usr/bin/python3, GPU-…`. A name may contain commas, and may be a remark in brackets.
fn parse(text: &str) -> Result<Vec<Compute>, String> {
    let line = |line: &str| {
        let (pid, rest) = line.split_once(',')?;
        let (name, gpu) = rest.rsplit_once(',')?;
        let (pid, name, gpu) = (pid.trim().parse().ok()?, name.trim().to_string(), gpu.trim().to_string());
        let known = ["GPU-", "MIG-"].iter().any(|start| gpu.starts_with(start));
        (known && pid > 0).then_some(Compute { pid, name, gpu })
    };
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    let none = |l: &&str| l.eq_ignore_ascii_case("no running processes found");
    let odd = |l: &str| format!("nvidia-smi printed something else than pid, name and GPU: {}", short(l));
    lines.filter(|l| !none(l)).map(|l| line(l).ok_or_else(|| odd(l))).collect()
}

fn short(text: &str) -> String {
    format!("{:?}", text.trim().chars().take(200).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::CommandError;
    use podlift_host::testing::{Fakes, exited, said};

    #[test]
    fn every_form_of_the_list() {
        let one = |pid, name: &str, gpu: &str| Compute { pid, name: name.into(), gpu: gpu.into() };
        const GPU: &str = "GPU-6b1d5c6e-0b9f-4b0e-9a55-0c6f5b1d7e21";
        for (text, want) in [
            ("", vec![]),
            ("\n", vec![]),
            ("No running processes found\n", vec![]),
            (&format!("4711, /usr/bin/python3, {GPU}\n"), vec![one(4711, "/usr/bin/python3", GPU)]),
            (
                &format!("4711, python, {GPU}\n4711, python, GPU-2\n"),
                vec![one(4711, "python", GPU), one(4711, "python", "GPU-2")],
            ),
            ("9, /opt/a, b/run, MIG-1\n", vec![one(9, "/opt/a, b/run", "MIG-1")]),
            ("9,x,GPU-1\n", vec![one(9, "x", "GPU-1")]),
            ("812, [Not Found], GPU-1\n", vec![one(812, "[Not Found]", "GPU-1")]),
            (
                "812, [Insufficient Permissions], GPU-1\n",
                vec![one(812, "[Insufficient Permissions]", "GPU-1")],
            ),
        ] {
            assert_eq!(parse(text), Ok(want), "{text}");
        }
        for text in [
            "[N/A], python, GPU-1\n",
            "0, python, GPU-1\n",
            "4711, python\n",
            "4711, python, [N/A]\n",
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n",
            "4711, python, GPU-1\nUnable to determine the device handle for GPU 0000:1B:00.0: Unknown Error\n",
        ] {
            assert!(parse(text).unwrap_err().contains("something else than pid"), "{text}");
        }
    }

    #[tokio::test]
    async fn one_fixed_command_where_the_program_is() {
        let fakes = Fakes::new(|_| said("4711, python, GPU-1\n"));
        assert_eq!(compute(&fakes.host).await, Ok(None));
        assert_eq!(fakes.commands.calls(), [""; 0]);
        fakes.files.put("/usr/bin/nvidia-smi", b"");
        assert_eq!(compute(&fakes.host).await.unwrap().unwrap().len(), 1);
        let call = &fakes.commands.calls()[0];
        let want = "--property=RuntimeMaxSec=60 -- /usr/bin/nvidia-smi --query-compute-apps=pid,process_name,gpu_uuid --format=csv,noheader,nounits";
        assert!(call.starts_with("systemd-run ") && call.ends_with(want), "{call}");
    }

    #[tokio::test]
    async fn a_tool_that_fails_is_no_empty_list() {
        let with = |answer: fn() -> Result<podlift_host::Output, CommandError>| {
            let fakes = Fakes::new(move |_| answer());
            fakes.files.put("/usr/bin/nvidia-smi", b"");
            fakes
        };
        let failing = with(|| exited(9, "NVIDIA-SMI has failed"));
        let why = compute(&failing.host).await.unwrap_err();
        assert_eq!(why, "/usr/bin/nvidia-smi exited 9: \"NVIDIA-SMI has failed\"");
        let hanging = with(|| Err(CommandError::TimedOut { program: "systemd-run".into(), seconds: 90 }));
        assert!(compute(&hanging.host).await.is_err());
    }
}
