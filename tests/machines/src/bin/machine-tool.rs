//! The program behind kubeadm, kubelet, kubectl and crictl of a machine: `machine-tool TOOL VERSION ARGS…`.

use std::process::ExitCode;

fn main() -> ExitCode {
    podlift_lab::machines::machine_tool(std::env::args().skip(1).collect())
}
