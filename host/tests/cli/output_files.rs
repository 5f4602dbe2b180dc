//! Result files are old or new, whatever happens: a process that is killed, a disk that is full.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use crate::support::{Directory, skip};
use scall::output;

const WRITE_TO: &str = "SCALL_TEST_WRITE_TO";
const LENGTH: usize = 4 << 20;

/// Not a test, but the process that [`a_process_killed_while_writing_leaves_an_old_or_a_new_file`] kills: it
/// replaces a file over and over, by one letter at a time.
#[test]
#[ignore = "runs until it is killed"]
fn writes_until_it_is_killed() {
    let Some(path) = env::var_os(WRITE_TO) else { return };
    for letter in (b'a'..=b'z').cycle() {
        output::replace(Path::new(&path), |out| {
            for _ in 0..64 {
                out.write_all(&[letter; LENGTH / 64])?;
            }
            Ok(())
        })
        .unwrap();
    }
}

#[test]
fn a_process_killed_while_writing_leaves_an_old_or_a_new_file() {
    let directory = Directory::new();
    let path = directory.file("run.json", vec![b'0'; LENGTH]);
    let mut letters = std::collections::BTreeSet::new();
    for attempt in 0..12_u64 {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "output_files::writes_until_it_is_killed", "--ignored"])
            .env(WRITE_TO, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Killed at different moments, the first of them before there is anything.
        thread::sleep(Duration::from_millis(attempt * 17));
        child.kill().unwrap();
        child.wait().unwrap();
        let content = fs::read(&path).unwrap();
        assert_eq!(content.len(), LENGTH);
        let letter = content[0];
        assert!(content.iter().all(|byte| *byte == letter), "the file is a mixture");
        letters.insert(letter);
    }
    assert!(letters.len() > 1, "the file was never replaced");
}

/// A file system of its own with little space; only the superuser can make one.
pub(crate) struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    pub(crate) fn mount(at: &'a Path) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"])
            .arg(at)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        mounted.then_some(Self(at))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_is_a_failure_that_leaves_the_old_file() {
    let directory = Directory::new();
    let Some(disk) = SmallDisk::mount(directory.path()) else {
        return skip("a full disk: no right to mount a small one");
    };
    let path = disk.0.join("run.json");
    output::replace(&path, |out| out.write_all(b"old")).unwrap();
    let error = output::replace(&path, |out| out.write_all(&vec![b'x'; 1 << 20])).unwrap_err();
    let line = format!("{error:#}");
    assert!(line.starts_with(&format!("{}: cannot write the file: No space left", path.display())), "{line}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(fs::read_dir(disk.0).unwrap().count(), 1, "nothing else is left behind");
    // What was written in vain takes no space.
    output::replace(&path, |out| out.write_all(&vec![b'y'; 100 << 10])).unwrap();
}

#[test]
fn a_large_file_is_written_in_reasonable_time() {
    let directory = Directory::new();
    let start = Instant::now();
    output::replace(&directory.path().join("large"), |out| {
        (0..16).try_for_each(|_| out.write_all(&[0; 1 << 20]))
    })
    .unwrap();
    assert!(start.elapsed() < Duration::from_secs(30));
}
