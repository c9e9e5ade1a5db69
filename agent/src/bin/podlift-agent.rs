fn main() -> std::process::ExitCode {
    podlift_agent::main(std::env::args_os())
}
