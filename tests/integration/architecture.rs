//! The rules of the design that a compiler does not check: which crate may
//! know which, who may name what, and how long a file may be.

use std::path::{Path, PathBuf};

use imgshare_tests::cache;
use toml::Table;
use walkdir::WalkDir;

/// Who may depend on whom. Tests and benches may use everything.
const ARROWS: [(&str, &[&str]); 5] = [
    ("kernels", &[]),
    ("models", &["kernels"]),
    ("pipeline", &["kernels", "models"]),
    ("storage", &[]),
    ("web", &["models", "pipeline", "storage"]),
];

/// Packages that one crate alone may depend on. Tests and benches measure with
/// their own means and are held to it as well.
const AT_HOME: [(&str, &str); 13] = [
    ("burn", "models"),
    ("burn-wgpu", "models"),
    ("safetensors", "models"),
    ("crossbeam-channel", "pipeline"),
    ("little_exif", "pipeline"),
    ("sled", "storage"),
    ("axum", "web"),
    ("hyper", "web"),
    ("tokio", "web"),
    ("tower", "web"),
    ("tower-http", "web"),
    ("clap", "web"),
    ("figment", "web"),
];

/// Names that may stand in these places only; a folder admits all its files.
const NAMED_ONLY_IN: [(&str, &[&str]); 6] = [
    ("burn", &["models/src"]),
    (
        "crossbeam_channel",
        &["pipeline/src/topology.rs", "pipeline/src/shadow"],
    ),
    (
        "sled",
        &["storage/src/sled_records.rs", "storage/src/sled_records"],
    ),
    // The fuzzers make the requests that web reads.
    ("axum", &["web/src", "tests/fuzz"]),
    ("tokio", &["web/src", "tests/fuzz"]),
    ("clap", &["web/src"]),
];

/// The crates that must not look at the environment: it is a user's business,
/// and `web` reads it for all. Their tests may, to be told what they run on.
const WITHOUT_ENVIRONMENT: [&str; 4] = ["kernels/src", "models/src", "pipeline/src", "storage/src"];

const LINES_MAX: usize = 500;

#[test]
fn crates_depend_along_the_arrows_only() {
    for (name, allowed) in ARROWS {
        for dependency in dependencies(name, &["dependencies", "build-dependencies"]) {
            if let Some(ours) = dependency.strip_prefix("imgshare-") {
                assert!(allowed.contains(&ours), "{name} must not depend on {ours}");
            }
        }
    }
}

#[test]
fn packages_stay_in_their_crate() {
    for folder in members() {
        let tables = ["dependencies", "build-dependencies", "dev-dependencies"];
        for dependency in dependencies(&folder, &tables) {
            let home = AT_HOME.iter().find(|(package, _)| *package == dependency);
            assert!(
                home.is_none_or(|(_, home)| *home == folder),
                "{folder} must not depend on {dependency}"
            );
        }
    }
}

#[test]
fn names_stay_in_their_files() {
    for (path, code) in code() {
        for (name, places) in NAMED_ONLY_IN {
            let is_home = places.iter().any(|place| path.starts_with(place));
            let named = code.lines().find(|line| uses(line, name));
            assert!(
                is_home || named.is_none(),
                "{name} in {}: {named:?}",
                path.display()
            );
        }
    }
}

#[test]
fn only_web_reads_the_environment() {
    for (path, code) in code() {
        let is_bound = WITHOUT_ENVIRONMENT
            .iter()
            .any(|folder| path.starts_with(folder));
        let reads = code.lines().find(|line| {
            [
                "env::var",
                "env::args",
                "env::current_dir",
                "env::set_var",
                "env::home_dir",
            ]
            .iter()
            .any(|call| line.contains(call))
        });
        assert!(
            !is_bound || reads.is_none(),
            "{}: {reads:?}",
            path.display()
        );
    }
}

#[test]
fn unsafe_code_is_in_kernels_alone() {
    for (path, code) in code() {
        let is_open = path.starts_with("kernels/src/cpu");
        let named = code.lines().find(|line| {
            [
                "unsafe {",
                "unsafe fn",
                "unsafe impl",
                "unsafe extern",
                "allow(unsafe_code",
            ]
            .iter()
            .any(|opening| line.contains(opening) && !line.contains('"'))
        });
        assert!(
            is_open || named.is_none(),
            "unsafe in {}: {named:?}",
            path.display()
        );
    }
}

/// P2 rests on this: what can be written is what the pipeline has scrubbed.
#[test]
fn p02_one_type_alone_can_be_stored() {
    let implementations: Vec<PathBuf> = code()
        .filter(|(_, code)| {
            code.lines()
                .any(|line| line.trim_start().starts_with("impl Storable for"))
        })
        .map(|(path, _)| path)
        .filter(|path| {
            let for_tests = ["storage/src/contract", "benches", "tests"];
            !for_tests.iter().any(|folder| path.starts_with(folder))
        })
        .collect();
    assert_eq!(implementations, [PathBuf::from("web/src/ingest.rs")]);
}

#[test]
fn no_file_is_longer_than_can_be_read() {
    for path in files() {
        let is_text = path.extension().is_some_and(|extension| {
            ["rs", "js", "mjs", "css", "html", "py", "sh"]
                .iter()
                .any(|text| extension == *text)
        });
        if is_text {
            let n_lines = read(&path).lines().count();
            assert!(
                n_lines <= LINES_MAX,
                "{} has {n_lines} lines",
                path.display()
            );
        }
    }
}

#[test]
fn the_names_of_files_say_what_is_inside() {
    for path in files() {
        let stem = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let says_nothing = [
            "utils", "util", "common", "helpers", "helper", "manager", "misc",
        ];
        assert!(!says_nothing.contains(&stem.as_str()), "{}", path.display());
    }
}

fn members() -> Vec<String> {
    let workspace: Table = read(Path::new("Cargo.toml")).parse().expect("a manifest");
    let members = workspace["workspace"]["members"]
        .as_array()
        .expect("a list");
    members
        .iter()
        .map(|member| member.as_str().expect("a name").to_owned())
        .collect()
}

fn dependencies(folder: &str, tables: &[&str]) -> Vec<String> {
    let manifest: Table = read(&Path::new(folder).join("Cargo.toml"))
        .parse()
        .expect("a manifest");
    tables
        .iter()
        .filter_map(|table| manifest.get(*table)?.as_table())
        .flat_map(|table| table.keys().cloned())
        .collect()
}

/// Every Rust file with its code, comments left out.
fn code() -> impl Iterator<Item = (PathBuf, String)> {
    files()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let text = read(&path);
            let code: Vec<&str> = text
                .lines()
                .map(|line| line.split("//").next().unwrap_or_default())
                .collect();
            (path, code.join("\n"))
        })
}

/// Every file of the project, relative to its top.
fn files() -> impl Iterator<Item = PathBuf> {
    const NOT_OURS: [&str; 6] = [
        "target",
        "node_modules",
        ".git",
        ".venv",
        "imgshare-data",
        "screenshots",
    ];
    let top = cache::workspace();
    WalkDir::new(&top)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| !NOT_OURS.iter().any(|name| entry.file_name() == *name))
        .map(|entry| entry.expect("the tree can be read"))
        .filter(|entry| entry.file_type().is_file())
        .map(move |entry| {
            entry
                .path()
                .strip_prefix(&top)
                .expect("below the top")
                .to_owned()
        })
}

fn read(path: &Path) -> String {
    let path = cache::workspace().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Whether the line names this crate, as a path or in an import.
fn uses(line: &str, name: &str) -> bool {
    let is_word = |byte: Option<u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    line.match_indices(name).any(|(start, _)| {
        let before = start.checked_sub(1).map(|index| line.as_bytes()[index]);
        let rest = &line[start + name.len()..];
        let quoted = line[..start].matches('"').count() % 2 == 1;
        !is_word(before) && rest.starts_with("::") && !quoted && !line[..start].ends_with("::")
    })
}
