//! The operator's document: every configuration that it shows is one that the program takes.

use std::{fs, path::Path};

use crate::support::home::Home;

/// The blocks of this kind, each with its first line.
fn blocks(document: &str, kind: &str) -> Vec<String> {
    let opening = format!("```{kind}\n");
    let rest = document.split(&opening).skip(1);
    rest.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn every_configuration_that_is_shown_is_taken() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operating.md");
    let document = fs::read_to_string(path).unwrap();
    let shown = blocks(&document, "toml");
    assert!(shown.len() >= 5, "{shown:?}");
    let home = Home::new();
    for text in shown {
        let name = text.lines().next().unwrap().to_owned();
        assert!(name.starts_with("# a station "), "{name}");
        // The certificate is this test's, not the operator's.
        let live = "/etc/letsencrypt/live/radio.example.org";
        let text = text.replace(live, home.root().to_str().unwrap());
        home.file("shown.toml", text.as_bytes());
        let outcome = home.run("--config shown.toml config");
        assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{name}");
    }
}
