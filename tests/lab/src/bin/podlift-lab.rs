//! The lab.

fn main() -> std::process::ExitCode {
    podlift_lab::main(std::env::args_os())
}
