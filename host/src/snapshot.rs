//! Texts kept under `snapshots/`, to compare with. `SCALL_UPDATE_SNAPSHOTS=1` writes them anew.

use std::path::PathBuf;
use std::{env, fs};

/// Compares a text with the one kept under `name`.
pub(crate) fn check(name: &str, text: &str) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "snapshots", name].iter().collect();
    if env::var_os("SCALL_UPDATE_SNAPSHOTS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "{} differs (SCALL_UPDATE_SNAPSHOTS=1 accepts the new text)\n--- kept\n{kept}\n--- got\n{text}",
        path.display()
    );
}
