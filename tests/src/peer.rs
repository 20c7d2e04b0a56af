//! Other programs beside which Kymo is tested: each is killed when dropped, and a test without it says so and passes.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::client::Client;
use crate::note;
use crate::server::free_port;
use crate::wait::until;

/// A running program.
#[derive(Debug)]
pub struct Program(Child);

impl Program {
    /// Starts a program.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(name: &str, args: &[String]) -> Program {
        let child = Command::new(name)
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        Program(child)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether a program is there; says so when it is not.
pub fn installed(name: &str) -> bool {
    let found = Command::new(name).arg("--version").output().is_ok();
    if !found {
        note(&format!("SKIPPED: {name} is not installed"));
    }
    found
}

/// Debian's Prometheus with a configuration, native histograms and a remote-write receiver, once it is ready; `None` without
/// it. Its files lie in `dir`.
///
/// # Panics
/// When it does not become ready.
pub fn prometheus(dir: &Path, config: &str) -> Option<(Program, Client)> {
    if !installed("prometheus") {
        return None;
    }
    let (port, file) = (free_port(), dir.join("prometheus.yml"));
    std::fs::write(&file, config).expect("a writable directory");
    let program = Program::start(
        "prometheus",
        &[
            format!("--config.file={}", file.display()),
            format!("--storage.tsdb.path={}", dir.join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--web.enable-remote-write-receiver".to_owned(),
            "--enable-feature=native-histograms".to_owned(),
        ],
    );
    let client = Client::new(format!("http://127.0.0.1:{port}"));
    until("prometheus is ready", Duration::from_secs(30), || {
        let answer = client.try_send("GET", "/-/ready", &[], b"")?;
        (answer.status == 200).then_some(())
    });
    Some((program, client))
}
