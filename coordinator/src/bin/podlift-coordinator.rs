//! The daemon on the head node.

fn main() -> std::process::ExitCode {
    podlift_coordinator::main(std::env::args_os())
}
