//! The program `euca`: hands the process's arguments, environment and streams to the library.

use std::io::{self, Write};
use std::process::ExitCode;

use euca::environment::Environment;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let mut out = io::BufWriter::new(io::stdout().lock());
    let status = euca::run(&arguments, &Environment::of_process(), &mut out, &mut io::stderr());
    match out.flush() {
        Ok(()) => ExitCode::from(status),
        // Whoever read the output has enough of it, or its disk is full.
        Err(_) => ExitCode::FAILURE,
    }
}
