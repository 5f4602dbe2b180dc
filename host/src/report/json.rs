//! Documents as JSON.

use std::io::{self, Write};

use serde::Serialize;

/// Writes a document as one line of JSON.
///
/// # Errors
/// If `out` cannot be written to.
pub fn write(document: &impl Serialize, mut out: impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut out, document).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::experiment::Method;
    use crate::report::{RunDocument, examples};

    fn text(document: &impl Serialize) -> String {
        let mut bytes = Vec::new();
        write(document, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_run_is_one_line_that_reads_back_the_same() {
        let run = examples::run(Method::Scall, "mean:8", 42);
        let text = text(&run);
        assert_eq!(text.matches('\n').count(), 1);
        assert_eq!(serde_json::from_str::<RunDocument>(&text).unwrap(), run);
    }

    #[test]
    fn a_run_has_every_promised_field_with_its_type() {
        let document: Value =
            serde_json::from_str(&text(&examples::run(Method::Scall, "mean:8", 42))).unwrap();
        assert_eq!(document["schema"], 1);
        assert_eq!(document["method"], "scall");
        assert_eq!(document["base"], "mf");
        assert_eq!(document["protocol"], "equal");
        assert_eq!(document["seed"], 42);
        assert_eq!(document["storage"], "f32");
        assert_eq!(
            document["dataset"],
            serde_json::json!({"name": "u.data", "interactions": 99287, "users": 943, "items": 1349,
                "first_timestamp": 874724710, "last_timestamp": 893286638})
        );
        assert_eq!(
            document["budget"],
            serde_json::json!({"spec": "mean:8", "parameters": 18336, "bytes": 73344})
        );
        let segment = &document["segments"][1];
        for field in [
            "index",
            "users",
            "items",
            "new_users",
            "new_items",
            "train",
            "test",
            "tested_users",
            "budget_parameters",
            "parameters_used",
            "bytes_used",
            "working_memory_bytes",
        ] {
            assert!(segment[field].is_u64(), "{field}");
        }
        for field in ["recall@5", "recall@10", "ndcg@5", "ndcg@10", "recall@20", "ndcg@20"] {
            assert!(segment[field].is_f64() && document["mean"][field].is_f64(), "{field}");
        }
        for field in ["search_seconds", "train_seconds"] {
            assert!(segment[field].is_f64(), "{field}");
        }
        assert_eq!(
            segment["action"],
            serde_json::json!({"user_share": 0.41, "user_shape": 3.2, "item_shape": 5.9})
        );
        for field in ["budget_violations", "peak_memory_bytes"] {
            assert!(document[field].is_u64(), "{field}");
        }
        assert!(document["wall_seconds"].is_f64());
    }

    #[test]
    fn a_method_without_an_action_says_null() {
        let document: Value =
            serde_json::from_str(&text(&examples::run(Method::Uniform, "mean:8", 42))).unwrap();
        let segment = document["segments"][1].as_object().unwrap();
        assert_eq!(segment.get("action"), Some(&Value::Null));
    }
}
