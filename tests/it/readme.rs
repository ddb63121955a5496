//! The README and the documents: what they show is tested, their links lead to files, no route is missing.

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
    let documents = [
        "README.md",
        "docs/operating.md",
        "docs/api.md",
        "docs/architecture.md",
        "docs/exact-audio.md",
        "docs/monitor.md",
        "docs/clients.md",
        "docs/icecast-compat.md",
        "docs/CHANGELOG.md",
    ];
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

#[test]
fn every_route_and_every_error_code_of_the_api_is_described() {
    let document = file("docs/api.md");
    let after = |text: &str, opening: &str| -> Vec<String> {
        let pieces = text.split(opening).skip(1);
        pieces.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
    };
    let routes = after(&file("src/web/mod.rs"), ".route(\"");
    assert!(routes.len() > 15, "{routes:?}");
    for route in routes.iter().filter(|route| !route.starts_with("/page.")) {
        let path = route.replace("{entry_id}", "ENTRY");
        let described =
            [" ", "`", "?"].iter().any(|end| document.contains(&format!(" {path}{end}")));
        assert!(described, "{route}");
    }
    let errors = file("src/web/error.rs");
    let codes = [after(&errors, "StatusCode::CONFLICT, \""), after(&errors, "_UNAVAILABLE, \"")];
    let mut codes = codes.concat();
    codes.extend(after(&errors, "StatusCode::NOT_FOUND, \""));
    codes.extend(after(&errors, "_STORAGE, \""));
    codes.extend(after(&file("src/web/scan.rs"), "Refused(\""));
    assert!(codes.len() > 10, "{codes:?}");
    for code in codes {
        assert!(document.contains(&format!("`{code}`")), "{code}");
    }
}
