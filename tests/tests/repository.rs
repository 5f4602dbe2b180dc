//! What the repository as a whole promises.

use std::fs;

use scall_tests::{report, repository, tracked_files};

fn read(name: &str) -> Option<String> {
    fs::read_to_string(repository().join(name)).ok()
}

#[test]
fn the_change_log_has_a_section_for_the_version_in_the_manifest() {
    let log = read("CHANGELOG.md").expect("there is a CHANGELOG.md");
    let heading = format!("## [{}]", env!("CARGO_PKG_VERSION"));
    assert!(
        log.lines().any(|line| line.starts_with(&heading) || line.starts_with("## [Unreleased]")),
        "no section {heading:?} or \"## [Unreleased]\""
    );
}

#[test]
fn both_licences_of_the_manifest_are_there() {
    for name in ["LICENSE-MIT", "LICENSE-APACHE"] {
        assert!(read(name).is_some_and(|text| text.len() > 500), "{name}");
    }
}

#[test]
fn no_text_names_a_path_of_one_machine() {
    let mut found = Vec::new();
    for name in tracked_files() {
        let Some(text) = name.to_str().and_then(read) else { continue };
        for (line, text) in text.lines().enumerate() {
            if ["work", "root", "home"].iter().any(|folder| names_folder(text, folder)) {
                found.push(format!("{}:{}: {text}", name.display(), line + 1));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Whether `/folder/` stands at the start of a path in the text.
fn names_folder(text: &str, folder: &str) -> bool {
    let path = format!("/{folder}/");
    text.match_indices(&path).any(|(at, _)| {
        !text
            .get(..at)
            .unwrap_or_default()
            .ends_with(|before: char| before.is_alphanumeric() || "._-}~".contains(before))
    })
}

#[test]
fn text_files_end_with_a_line_end_and_have_no_trailing_blanks() {
    let mut found = Vec::new();
    for name in tracked_files() {
        let is_text = name.extension().is_some_and(|extension| {
            ["rs", "toml", "md", "json", "x", "sh"].iter().any(|known| extension == *known)
        });
        let Some(text) = name.to_str().filter(|_| is_text).and_then(read) else { continue };
        if !text.is_empty() && !text.ends_with('\n') {
            found.push(format!("{}: no line end at the end", name.display()));
        }
        for (line, text) in text.lines().enumerate() {
            if text.ends_with([' ', '\t']) {
                found.push(format!("{}:{}: trailing blank", name.display(), line + 1));
            }
        }
    }
    report(&format!("{} files under version control", tracked_files().len()));
    assert!(found.is_empty(), "{}", found.join("\n"));
}
