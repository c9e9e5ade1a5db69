//! The command line.

fn main() -> std::process::ExitCode {
    podlift_cli::main(std::env::args_os())
}
