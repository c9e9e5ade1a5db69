//! The doubles' thin client, as a program that starts in a moment: a lab of processes starts thousands of them.

fn main() -> std::process::ExitCode {
    podlift_lab::tool(std::env::args_os())
}
