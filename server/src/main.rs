//! The binary `kymo`: parses the command line and hands over to the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    kymo_server::cli::main()
}
