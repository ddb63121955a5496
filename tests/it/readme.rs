//! The README: what it shows of the library is what is tested, and its links lead somewhere.

use std::{fs, path::Path};

/// A file of this project.
fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The lines between the first ` ```kind ` and its end.
fn fenced<'a>(lines: impl Iterator<Item = &'a str>, kind: &str) -> Vec<&'a str> {
    let opening = format!("```{kind}");
    lines.skip_while(|line| *line != opening).skip(1).take_while(|line| *line != "```").collect()
}

#[test]
fn the_readme_shows_the_example_that_is_tested_with_the_documentation() {
    let (readme, source) = (file("README.md"), file("src/stream.rs"));
    let shown = fenced(readme.lines(), "rust");
    let documented = source.lines().filter_map(|line| {
        let text = line.strip_prefix("///")?;
        Some(text.strip_prefix(' ').unwrap_or(text))
    });
    assert!(shown.len() > 10, "{shown:?}");
    assert_eq!(shown, fenced(documented, ""));
}

#[test]
fn links_within_the_documents_lead_to_files() {
    let documents = ["README.md", "docs/operating.md", "docs/api.md", "docs/architecture.md"];
    let mut links = 0;
    for document in documents {
        let text = file(document);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap();
            if path.is_empty() || path.contains("://") {
                continue;
            }
            links += 1;
            assert!(folder.parent().unwrap().join(path).exists(), "{document}: {link}");
        }
    }
    assert!(links > 5, "only {links} links were found");
}
