//! Rules of the sources that a machine can check: file headers, crate edges, open ends, and a README that is true.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const CRATES: [&str; 6] = ["engine", "query", "proto", "server", "tests", "benches"];

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn sources() -> Vec<PathBuf> {
    fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                out.push(path);
            }
        }
    }
    let mut out = Vec::new();
    for name in CRATES {
        walk(&Path::new(ROOT).join(name), &mut out);
    }
    assert!(out.len() > 50, "the sources are where this test looks");
    out
}

#[test]
fn every_source_file_says_what_it_is_for_and_is_ascii() {
    for path in sources() {
        let text = read(&path);
        assert!(text.starts_with("//! "), "{} begins without //!", path.display());
        assert!(text.is_ascii(), "{} is not ASCII", path.display());
        assert!(
            path.file_name().unwrap() != "mod.rs",
            "{}: use foo.rs beside foo/",
            path.display()
        );
    }
}

#[test]
fn nothing_is_left_open() {
    let words = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];
    for path in sources() {
        let text = read(&path);
        for word in words {
            assert!(!text.contains(word), "{} has {word}", path.display());
        }
    }
}

#[test]
fn crates_depend_in_one_direction() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("engine", &[][..]),
        ("proto", &[][..]),
        ("query", &["engine"][..]),
        ("server", &["engine", "proto", "query"][..]),
        ("tests", &["engine", "proto", "query", "server"][..]),
        ("benches", &["engine", "proto", "query", "server"][..]),
    ]);
    for name in CRATES {
        let manifest = read(Path::new(ROOT).join(name).join("Cargo.toml"));
        for line in manifest.lines() {
            let Some(dependency) = line.strip_prefix("kymo-") else {
                continue;
            };
            let dependency = dependency.split(['.', ' ', '=']).next().unwrap();
            assert!(
                allowed[name].contains(&dependency),
                "{name} must not depend on {dependency}"
            );
        }
    }
}

#[test]
fn only_the_engine_may_hold_unsafe_code() {
    for name in ["query", "proto", "server"] {
        let root = read(Path::new(ROOT).join(name).join("src/lib.rs"));
        assert!(root.contains("#![forbid(unsafe_code)]"), "{name}");
    }
}

#[test]
fn the_readme_has_the_configuration_of_the_code() {
    let table = kymo_server::config::keys::markdown_table();
    let readme = read(Path::new(ROOT).join("README.md"));
    assert!(
        readme.contains(&table),
        "the README's table of keys should be:\n{table}"
    );
}

#[test]
fn paths_and_tests_named_in_the_readme_exist() {
    let readme = read(Path::new(ROOT).join("README.md"));
    let all: String = sources().iter().map(read).collect();
    let mut checked = 0;
    for code in readme.split('`').skip(1).step_by(2) {
        let name = code.trim_end_matches('/');
        let is_path = CRATES
            .iter()
            .any(|c| name == *c || name.starts_with(&format!("{c}/")));
        if is_path && !name.contains([' ', '{', '<', '*']) {
            assert!(
                Path::new(ROOT).join(name).exists(),
                "{name} is named in the README"
            );
            checked += 1;
        }
        if let Some(test) = code.strip_prefix("test:") {
            assert!(
                all.contains(&format!("fn {test}(")),
                "the README names the test {test}"
            );
            checked += 1;
        }
    }
    assert!(checked > 10, "the README names paths and tests");
}

#[test]
fn the_formats_are_documented_and_kept_in_their_version() {
    let version = kymo_engine::node::DATA_VERSION;
    let text = read(Path::new(ROOT).join("engine/FORMAT.md"));
    assert!(text.starts_with(&format!("# The formats of Kymo, version {version}\n")));
    for (what, version) in [
        ("wal", kymo_engine::log::segment::VERSION),
        ("block", kymo_engine::block::VERSION),
        ("manifest", kymo_engine::manifest::VERSION),
    ] {
        assert!(text.contains(&format!("u32 version = {version} ")), "{what}");
    }
    let fixture = Path::new(ROOT).join(format!("engine/fixtures/v{version}"));
    assert!(fixture.is_dir(), "{} is absent", fixture.display());
}
