//! The program beside what the documents and the firmware say.

use std::fs;

use scall_core::scenario::{self, Scenario, Stored};
use scall_tests::{finish, program, repository, said, succeed};
use serde_json::Value;

/// How the documents start the program.
const START: &str = "cargo run --release -- ";

#[test]
fn every_command_line_in_the_documents_is_one_that_the_program_takes() {
    let mut checked = 0;
    for name in ["README.md", "firmware-example/README.md"] {
        let text =
            fs::read_to_string(repository().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        for command in commands(&text) {
            // The last word stops the program after it has understood all the others.
            let output = finish(program().args(words(&command)).arg("--help"));
            assert!(output.status.success(), "{name}: {START}{command}\n{}", said(&output));
            checked += 1;
        }
        assert!(checked > 0, "{name} shows no command line that begins with {START:?}");
    }
}

#[test]
fn the_program_gives_the_digest_of_the_device() {
    let output = succeed(program().args(["run", "--device-parity", "--json"]));
    let document: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    let expected = Box::new(Scenario::<Stored>::new())
        .as_mut()
        .run(scenario::SEED)
        .expect("the scenario fits its memory");
    assert_eq!(document["model_digest"], format!("{:016x}", expected.digest));
}

/// The command lines of the program in the shell blocks of a Markdown text, continued lines joined.
fn commands(markdown: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let (mut inside, mut line) = (false, String::new());
    for text in markdown.lines() {
        if let Some(language) = text.trim_start().strip_prefix("```") {
            inside = !inside && ["sh", "console", "bash"].contains(&language.trim());
            continue;
        }
        if !inside {
            continue;
        }
        if let Some(start) = text.strip_suffix('\\') {
            line.push_str(start);
            continue;
        }
        line.push_str(text);
        let command = line.trim_start().trim_start_matches("$ ");
        commands.extend(command.strip_prefix(START).map(str::to_owned));
        line.clear();
    }
    commands
}

/// The words of a command line up to a comment, a pipe or a redirection.
fn words(command: &str) -> Vec<String> {
    command
        .split_whitespace()
        .take_while(|word| !["#", "|", ">", "2>", "&&", ";"].contains(word))
        .map(|word| word.trim_matches(['"', '\'']).to_owned())
        .collect()
}

#[test]
fn command_lines_are_found_in_shell_blocks_alone() {
    let text = "
cargo run --release -- outside
```sh
$ cargo run --release -- run --data x \\
    --seed 7   # with a remark
tests/run
```
```rust
cargo run --release -- in_code
```
";
    let found: Vec<_> = commands(text).iter().map(|command| words(command)).collect();
    assert_eq!(found, [["run", "--data", "x", "--seed", "7"]]);
}
