//! The command line.

fn main() -> std::process::ExitCode {
    podlift_coordinator::cli::main(std::env::args_os())
}
