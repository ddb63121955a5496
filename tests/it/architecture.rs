//! The plan of the house, held: who may import whom, who owns which crate, and the form of files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const VOCABULARIES: [&str; 5] = ["command", "event", "status", "ids", "song"];
/// External crates and the only rooms that may name them. What `docs/architecture.md` says of
/// some of them is compared below.
const OWNERS: [(&str, &[&str]); 15] = [
    ("rusqlite", &["db", "library", "keeper"]),
    ("rusqlite_migration", &["db"]),
    ("axum", &["web"]),
    ("reqwest", &["icecast", "server", "cli"]),
    ("clap", &["cli"]),
    ("anyhow", &["cli", "main"]),
    ("indicatif", &["cli"]),
    ("lofty", &["library"]),
    ("walkdir", &["library"]),
    ("prometheus_client", &["web"]),
    ("symphonia", &["monitor"]),
    ("rubato", &["monitor"]),
    ("alsa", &["monitor"]),
    ("shared_child", &["monitor"]),
    ("windows_sys", &["monitor"]),
];
/// Where the second noun in a file has to be found.
const MOST_LINES: usize = 400;

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// Which room it stands in: its folder, or its own name where it stands in none.
    fn room(&self) -> String {
        let inside = self.path.strip_prefix(root().join("src")).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
        first.trim_end_matches(".rs").to_owned()
    }

    fn shown(&self) -> String {
        self.path.strip_prefix(root()).unwrap().display().to_string()
    }

    /// What is built into the program: no comments, and not the unit tests, which come last.
    fn code(&self) -> String {
        match self.text.split_once("\n#[cfg(test)]\nmod tests {") {
            Some((built, tests)) => {
                let last = tests.find("\n}\n").is_none_or(|end| end + 3 == tests.len());
                assert!(last, "{}: the unit tests come last", self.shown());
                without_comments(built)
            }
            None => without_comments(&self.text),
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, endings: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, endings));
        } else if path.extension().is_some_and(|e| endings.iter().any(|ending| e == *ending)) {
            found.push(Source { text: fs::read_to_string(&path).unwrap(), path });
        }
    }
    found
}

fn sources() -> Vec<Source> {
    files(&root().join("src"), &["rs"])
}

fn sources_and_tests() -> Vec<Source> {
    let mut all = sources();
    all.extend(files(&root().join("tests"), &["rs"]));
    all
}

fn without_comments(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The places where `word` stands as a whole word; what follows it.
fn after_word<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(word).filter_map(move |(at, _)| {
        let rest = &code[at + word.len()..];
        let starts = !code[..at].ends_with(is_word) && !code[..at].ends_with('$');
        (starts && !rest.starts_with(is_word)).then_some(rest)
    })
}

/// What a path that begins with `crate` names first: one name, or several in braces.
fn imported(rest: &str) -> Vec<String> {
    let Some(rest) = rest.strip_prefix("::") else { return Vec::new() };
    let name = |text: &str| text.trim_start().chars().take_while(|c| is_word(*c)).collect();
    let Some(group) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let (mut names, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(name(&group[start..at]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(name(&group[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    names.retain(|name: &String| !name.is_empty());
    names
}

/// Words in backticks, without a file's or folder's ending.
fn quoted(text: &str) -> Vec<String> {
    let words = text.split('`').skip(1).step_by(2);
    words.map(|word| word.trim_end_matches('/').trim_end_matches(".rs").to_owned()).collect()
}

/// Room → what it may import, as the table of the document has it. `None`: anything.
fn table() -> BTreeMap<String, Option<Vec<String>>> {
    let document = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let mut rooms = BTreeMap::new();
    for line in document.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let (names, may) = (quoted(cells[1]), cells[3]);
        let mut allowed = quoted(may);
        if may.contains("vocabularies") || may.contains("each other") {
            allowed.extend(VOCABULARIES.map(str::to_owned));
        }
        let understood = ["nothing of ours", "vocabularies", "each other", "anything"];
        assert!(
            !quoted(may).is_empty() || understood.iter().any(|word| may.contains(word)),
            "docs/architecture.md: {may:?} says of no room that it may be imported"
        );
        for name in names {
            let list = (!may.contains("anything")).then(|| allowed.clone());
            rooms.insert(name, list);
        }
    }
    assert!(rooms.len() > 20, "docs/architecture.md: the table of rooms was not understood");
    rooms
}

#[test]
fn rooms_import_only_what_the_plan_allows() {
    let table = table();
    let mut wrong = Vec::new();
    for source in sources() {
        let room = source.room();
        if room == "lib" {
            continue;
        }
        let Some(allowed) = table.get(&room) else {
            wrong.push(format!("{}: docs/architecture.md has no room `{room}`", source.shown()));
            continue;
        };
        let code = source.code();
        for name in after_word(&code, "crate").flat_map(imported) {
            // What stands at the root of the crate is re-exported from `stream`.
            let named = if name.starts_with(char::is_uppercase) { "stream" } else { &name };
            let fine = match allowed {
                Some(allowed) => named == room || allowed.iter().any(|other| other == named),
                None => named != "cli" || room == "cli" || room == "main",
            };
            if !fine {
                wrong.push(format!("{}: `{room}` may not import `{name}`", source.shown()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_room_is_left_through_its_back_door() {
    for source in sources() {
        let code = source.code();
        assert!(!code.contains("super::super::"), "{}: name it from `crate`", source.shown());
        let at_top =
            source.path.ends_with("mod.rs") || source.path.parent() == Some(&root().join("src"));
        let leaves = code.lines().any(|line| line.starts_with("use super::"));
        assert!(!(at_top && leaves), "{}: name it from `crate`", source.shown());
    }
}

#[test]
fn external_crates_have_single_owners() {
    let mut wrong = Vec::new();
    for source in sources() {
        let (room, code) = (source.room(), source.code());
        for (name, owners) in OWNERS {
            let used = after_word(&code, name).any(|rest| rest.starts_with("::"))
                || code.contains(&format!("use {name};"));
            if used && !owners.contains(&room.as_str()) {
                wrong.push(format!("{}: `{name}` belongs to {owners:?}", source.shown()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_document_names_the_same_owners() {
    let document =
        fs::read_to_string(root().join("docs/architecture.md")).unwrap().replace('\n', " ");
    let (_, list) = document.split_once("the single owners: ").unwrap();
    let (list, _) = list.split_once(". ").unwrap();
    for part in list.split("; ") {
        let (name, rooms) = part.split_once(" in ").unwrap();
        let owners = OWNERS.iter().find(|(owned, _)| *owned == name);
        let (_, owners) = owners.unwrap_or_else(|| panic!("{name} has no owner in this test"));
        assert_eq!(quoted(rooms), *owners, "{name}");
    }
}

#[test]
fn the_library_reads_no_environment_and_nothing_but_waveout_is_unsafe() {
    for source in sources() {
        let code = without_comments(&source.text);
        let is_waveout = source.path.starts_with(root().join("src/monitor/waveout"));
        let is_safe = after_word(&code, "unsafe").next().is_none();
        assert!(is_safe || is_waveout, "{}: unsafe", source.shown());
        let reads = ["env::var", "env::args", "env::home_dir", "env::current_dir"];
        let reads = reads.iter().any(|call| source.code().contains(call));
        assert!(
            !reads || ["cli", "main"].contains(&&*source.room()),
            "{}: environment",
            source.shown()
        );
    }
}

#[test]
fn every_file_says_first_what_it_is_and_ends_in_time() {
    for source in sources_and_tests() {
        let first = source.text.lines().next().unwrap_or_default();
        assert!(first.starts_with("//! "), "{}: first line", source.shown());
        let vague = ["utils", "util", "common", "helpers", "helper", "misc"];
        let stem = source.path.file_stem().unwrap().to_str().unwrap();
        let folder = source.path.parent().unwrap().file_name().unwrap().to_str().unwrap();
        assert!(!vague.contains(&stem) && !vague.contains(&folder), "{}: name", source.shown());
    }
    let mut all = files(&root().join("src"), &["rs", "js", "css", "html"]);
    all.extend(files(&root().join("tests"), &["rs", "py", "sh"]));
    for source in all {
        let lines = source.text.lines().count();
        assert!(lines <= MOST_LINES, "{}: {lines} lines; find its second noun", source.shown());
    }
}

#[test]
fn no_file_is_forgotten() {
    let named = |file: &str, line: String| {
        let text = fs::read_to_string(root().join(file)).unwrap();
        assert!(text.contains(&line), "{file} does not name `{line}`");
    };
    for source in files(&root().join("tests/it"), &["rs"]) {
        let name = source.path.file_stem().unwrap().to_str().unwrap();
        named("tests/it.rs", format!("#[path = \"it/{name}.rs\"]\nmod {name};"));
    }
    for source in files(&root().join("tests/support"), &["rs"]) {
        let name = source.path.file_stem().unwrap().to_str().unwrap();
        if name != "mod" {
            named("tests/support/mod.rs", format!("mod {name};"));
        }
    }
    for source in sources() {
        let shown = source.shown();
        let own = shown.trim_end_matches("/mod.rs").trim_end_matches(".rs");
        let (folder, name) = own.rsplit_once('/').unwrap();
        if folder == "src" && !["lib", "main"].contains(&name) {
            named("src/lib.rs", format!("mod {name};"));
        } else if folder != "src" {
            let parent = format!("{folder}/mod.rs");
            let parent =
                if root().join(&parent).exists() { parent } else { format!("{folder}.rs") };
            named(&parent, format!("mod {name};"));
        }
    }
}

/// What stands beside the folders of the plan.
const TOP_LEVEL: [&str; 13] = [
    ".ci",
    ".gitignore",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "clippy.toml",
    "config",
    "docs",
    "migrations",
    "rustfmt.toml",
    "src",
    "tests",
];

#[test]
fn nothing_else_lies_about_in_the_repository() {
    let git = Command::new("git").args(["ls-files"]).current_dir(root()).output();
    // Sources that were unpacked without their history have nothing to ask.
    let Some(listed) = git.ok().filter(|git| git.status.success()) else { return };
    let listed = String::from_utf8(listed.stdout).unwrap();
    for path in listed.lines() {
        let top = path.split('/').next().unwrap();
        assert!(TOP_LEVEL.contains(&top), "{path} does not belong there");
    }
}
