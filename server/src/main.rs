//! The binary `kymo`: settles how memory is allocated, parses the command line and hands over to the library.

mod arenas;

use std::process::ExitCode;

fn main() -> ExitCode {
    arenas::limit();
    kymo_server::cli::main()
}
