//! Real clients from PyPI and npm, installed once into the target directory. Where a registry or an interpreter is not at hand,
//! tests say so and pass.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::note;

/// The directory of cargo's output.
fn target() -> PathBuf {
    // The test binary lies in target/<profile>/deps.
    let test = std::env::current_exe().expect("the path of the test binary");
    let target = test.ancestors().nth(3);
    target.expect("test binaries lie two levels deep").to_owned()
}

fn run(command: &mut Command, what: &str) -> Option<()> {
    let why = match command.output() {
        Ok(output) if output.status.success() => return Some(()),
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    note(&format!("SKIPPED: {what} cannot be installed: {why}"));
    None
}

/// A Python that has packages of PyPI; `None` when they cannot be installed.
///
/// # Panics
/// When the target directory cannot be written.
pub fn python(name: &str, packages: &[&str]) -> Option<PathBuf> {
    let venv = target().join(name);
    let (python, complete) = (venv.join("bin/python"), venv.join("complete"));
    if complete.exists() {
        return Some(python);
    }
    let create = ["-m", "venv", "--clear"];
    run(Command::new("python3").args(create).arg(&venv), name)?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(Command::new(&python).args(install).args(packages), name)?;
    std::fs::write(complete, "").expect("the virtual environment can be written");
    Some(python)
}

/// A directory with packages of npm, from where Node finds them; `None` when they cannot be installed.
///
/// # Panics
/// When the target directory cannot be written.
pub fn node(name: &str, packages: &[&str]) -> Option<PathBuf> {
    let dir = target().join(name);
    let complete = dir.join("complete");
    if complete.exists() {
        return Some(dir);
    }
    std::fs::create_dir_all(&dir).expect("the target directory can be written");
    std::fs::write(dir.join("package.json"), "{\"private\": true}").expect("the same");
    let install = [
        "install",
        "--silent",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
    ];
    run(
        Command::new("npm").args(install).args(packages).current_dir(&dir),
        name,
    )?;
    std::fs::write(complete, "").expect("the same");
    Some(dir)
}

/// Runs a script of `tests/cases`.
///
/// # Panics
/// When the program does not start, and with what it wrote when it fails.
pub fn script(program: &Path, name: &str, args: &[&str], env: &[(&str, &Path)]) -> Output {
    let output = Command::new(program)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("cases").join(name))
        .args(args)
        .envs(env.iter().copied())
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} {args:?}: {said}");
    output
}
