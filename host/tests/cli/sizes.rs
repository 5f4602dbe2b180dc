//! `scall sizes`: the sampler alone.

use crate::support::{document, failure_names, scall_line, text};
use serde_json::Value;

const PLAIN: &str = "sizes --user-share 0.4 --user-shape 2 --item-shape 4";

fn sizes(line: &str) -> Value {
    document(scall_line(&format!("{line} --json")))
}

fn list(document: &Value, field: &str) -> Vec<u64> {
    document[field].as_array().unwrap().iter().map(|size| size.as_u64().unwrap()).collect()
}

fn used(document: &Value) -> (u64, u64) {
    (document["parameters_used"].as_u64().unwrap(), document["budget_parameters"].as_u64().unwrap())
}

#[test]
fn the_document_has_every_promised_field_and_adds_up() {
    let document = sizes(&format!("{PLAIN} --users 100 --items 300 --budget mean:8"));
    assert_eq!(document["schema"], 1);
    let (users, items) = (list(&document, "user_sizes"), list(&document, "item_sizes"));
    assert_eq!((users.len(), items.len()), (100, 300));
    let total: u64 = users.iter().chain(&items).sum();
    assert_eq!(used(&document), (total, 3200));
}

#[test]
fn sizes_descend_stay_inside_their_bounds_and_use_the_budget_exactly() {
    for distribution in ["power-law", "pareto", "truncated-normal", "truncated-exponential", "log-normal"] {
        let shapes = match distribution {
            "power-law" => ["0.1", "30"],
            "pareto" => ["30", "100"],
            "truncated-normal" => ["0.000001", "0.00001"],
            "truncated-exponential" => ["0.05", "5"],
            _ => ["0.005", "0.5"],
        };
        for share in ["0", "0.5", "1"] {
            for draw in ["--expected", "--seed 7"] {
                let [user, item] = shapes;
                let line = format!(
                    "sizes --users 50 --items 70 --budget params:1000 --user-share {share} --user-shape {user} \
                     --item-shape {item} --distribution {distribution} --min-size 2 --max-size 30 {draw}"
                );
                let document = sizes(&line);
                assert_eq!(used(&document), (1000, 1000), "{line}");
                for field in ["user_sizes", "item_sizes"] {
                    let sizes = list(&document, field);
                    assert!(sizes.is_sorted_by(|a, b| a >= b), "{line}: {sizes:?}");
                    assert!(sizes.iter().all(|size| (2..=30).contains(size)), "{line}: {sizes:?}");
                }
            }
        }
    }
}

#[test]
fn what_one_side_cannot_take_goes_to_the_other() {
    let document = sizes(
        "sizes --users 10 --items 10 --budget params:200 --user-share 1 --user-shape 1 --item-shape 1 --max-size 15",
    );
    assert_eq!(used(&document), (200, 200));
    assert_eq!(list(&document, "user_sizes"), [15; 10]);
}

#[test]
fn a_budget_above_all_bounds_is_left_over() {
    let document = sizes(&format!("{PLAIN} --users 2 --items 3 --budget params:1000 --max-size 4"));
    assert_eq!(used(&document), (20, 1000));
}

#[test]
fn a_budget_below_one_parameter_an_entity_serves_the_first_ranks() {
    let document = sizes(&format!("{PLAIN} --users 5 --items 5 --budget params:1"));
    assert_eq!(used(&document), (1, 1));
    let document = sizes(&format!("{PLAIN} --users 5 --items 5 --budget params:6"));
    assert_eq!(used(&document), (6, 6));
}

#[test]
fn budgets_of_nothing_and_of_far_too_much_are_impossible() {
    let with = |budget: &str| scall_line(&format!("{PLAIN} --users 5 --items 5 --budget {budget}"));
    for budget in ["mean:0", "params:0", "0KiB", "3B"] {
        failure_names(with(budget), 1, &[budget, "too small", "expected at least 1"]);
    }
    for budget in ["mean:1000000000000000000", "params:1000000000000000000", "1000000000GiB"] {
        failure_names(with(budget), 1, &[budget, "too large", "expected at most 4294967295"]);
    }
}

#[test]
fn a_budget_in_bytes_counts_what_is_stored() {
    let document = sizes(&format!("{PLAIN} --users 100 --items 100 --budget 4KiB"));
    assert_eq!(used(&document), (1024, 1024));
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_others() {
    let line = format!("{PLAIN} --users 100 --items 100 --budget mean:8 --json");
    let with = |options: &str| text(scall_line(&format!("{line} {options}")));
    assert_eq!(with("--seed 42"), with(""));
    assert_eq!(with("--seed 1"), with("--seed 1"));
    assert_ne!(with("--seed 1"), with("--seed 2"));
    assert_eq!(with("--seed 1 --expected"), with("--seed 2 --expected"));
}

#[test]
fn expected_sizes_of_a_power_law_are_those_of_its_order_statistics() {
    // With shape 1 the k-th largest of n uniform numbers is expected at (n + 1 - k) / (n + 1): 10 entities
    // share 55 parameters as 10, 9, ..., 1.
    let document = sizes(
        "sizes --users 10 --items 0 --budget params:55 --user-share 0.5 --user-shape 1 --item-shape 1 --expected",
    );
    assert_eq!(list(&document, "user_sizes"), [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    assert!(list(&document, "item_sizes").is_empty());
}

#[test]
fn people_see_how_many_rows_have_which_size() {
    let text = text(scall_line(&format!("{PLAIN} --users 10 --items 20 --budget mean:4")));
    assert!(text.contains("size  users  items"), "{text}");
    assert!(text.contains("120 of 120 parameters used"), "{text}");
}

#[test]
fn numbers_that_make_no_sense_are_a_wrong_command_line() {
    let complete = "sizes --users 5 --items 5 --budget mean:4 --user-share 0.5 --user-shape 2 --item-shape 2";
    let cases = [
        ("--users 5", "--users -5", "--users <N>"),
        ("--users 5", "--users 1e6", "--users <N>"),
        ("--users 5", "--users 100000001", "100000000"),
        ("--items 5", "--items 1000000000000000000", "--items <N>"),
        ("--user-share 0.5", "--user-share NaN", "expected a number from 0 to 1"),
        ("--user-share 0.5", "--user-share -0.1", "expected a number from 0 to 1"),
        ("--user-share 0.5", "--user-share 1.1", "expected a number from 0 to 1"),
        ("--user-share 0.5", "--user-share inf", "expected a number from 0 to 1"),
        ("--user-shape 2", "--user-shape NaN", "expected a shape of the power-law distribution"),
        ("--user-shape 2", "--user-shape -1", "expected a shape of the power-law distribution"),
        ("--item-shape 2", "--item-shape 0", "expected a shape of the power-law distribution"),
        ("--item-shape 2", "--item-shape inf", "expected a shape of the power-law distribution"),
        ("--item-shape 2", "--item-shape 2 --min-size 5 --max-size 4", "expected at most the --max-size, 4"),
        ("--item-shape 2", "--item-shape 2 --max-size 0", "--max-size <N>"),
        ("--item-shape 2", "--item-shape 2 --distribution zipf", "power-law, pareto, truncated-normal"),
    ];
    for (from, to, expected) in cases {
        failure_names(scall_line(&complete.replace(from, to)), 2, &[expected, "`scall sizes --help`"]);
    }
}
