//! Conditions on contents that are JSON, in a part of jq's language.
//!
//! ```text
//! .user == "ann"                    a member
//! .items[0].price > 9.5             an element, from 0; negative ones count from the end
//! .items[].id == 3                  any element
//! .. == "ann"                       any value in it
//! .type == "a" and .n != null       also `or`, and parentheses
//! .text | test("err(or)?"; "i")     a regular expression; also startswith, endswith, contains
//! has("id"), length > 3, type == "array", (...) | not
//! ```
//!
//! What is different from jq: a path that leads nowhere is null and no error, and a comparison holds if
//! any of the values that its sides stand for meets it. Arrays and objects are equal to nothing.
//!
//! Nothing is built of a content: paths walk over its text. A content that is not JSON meets no condition.

#![expect(clippy::disallowed_methods, reason = "the caller's condition")]

mod expression;
mod syntax;
mod value;

use std::fmt;
use std::hash::BuildHasher;

use expression::Expression;
use value::Value;

pub use syntax::JsonConditionError;

/// A condition on a content that is JSON.
#[derive(Clone)]
pub struct JsonCondition {
    text: String,
    expression: Expression,
}

impl JsonCondition {
    /// Reads a condition.
    ///
    /// # Errors
    ///
    /// If it is not in the language.
    pub fn new(text: &str) -> Result<Self, JsonConditionError> {
        let expression = syntax::parse(text)?;
        Ok(Self { text: text.to_owned(), expression })
    }

    /// Whether a content is JSON and meets it.
    #[must_use]
    pub fn holds(&self, content: &[u8]) -> bool {
        Value::document(content).is_some_and(|document| self.expression.holds(&document))
    }
}

/// A hash of the text or the integer that a member of a JSON object is; `None` if it is neither, or the
/// content no object.
pub(crate) fn member_hash(content: &[u8], name: &str) -> Option<u64> {
    let state = foldhash::fast::FixedState::default();
    match Value::document(content)?.find_member(name)? {
        Value::Text(text) => Some(state.hash_one(text)),
        Value::Integer(number) => Some(state.hash_one(number)),
        _ => None,
    }
}

impl PartialEq for JsonCondition {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for JsonCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonCondition({:?})", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{
        "user": "ann", "age": 41, "height": 1.75, "none": null, "on": true, "off": false,
        "the name": "x", "tags": ["red", "blue"], "empty": [], "nested": {"deep": [{"id": 1}, {"id": 3}]},
        "escaped": "a\u00e9\n\"b\"", "escap\u0065d name": 5, "big": 9007199254740993, "twice": 1, "twice": 2
    }"#;

    fn holds(condition: &str) -> bool {
        JsonCondition::new(condition).expect(condition).holds(DOCUMENT.as_bytes())
    }

    #[test]
    fn conditions_that_the_document_meets() {
        for condition in [
            r#".user == "ann""#,
            r#".["user"] == "ann""#,
            r#"."the name" == "x""#,
            r#".["the name"] == "x""#,
            r#".user != "bob""#,
            ".age > 40 and .age <= 41 and .age < 41.5",
            ".height >= 1.75",
            ".age == 41.0",
            ".on",
            ".on == true",
            ".off == false",
            ".none == null",
            ".missing == null",
            ".user.missing.more == null",
            ".user?.missing? == null",
            r#".tags[0] == "red""#,
            r#".tags[-1] == "blue""#,
            ".tags[2] == null",
            r#".tags[] == "blue""#,
            ".tags | length == 2",
            ".nested.deep[].id == 3",
            ".nested.deep[1].id == 3",
            ".. == 3",
            r#"..|test("^an+$")"#,
            r#".user | test("ANN"; "i")"#,
            r#".user | startswith("a")"#,
            r#".user | endswith("nn")"#,
            r#".escaped | contains("é\n\"b")"#,
            r#".["escaped name"] == 5"#,
            r#"has("none")"#,
            r#".nested | has("deep")"#,
            r#"(has("nothing") | not)"#,
            r#"type == "object""#,
            r#".tags | type == "array""#,
            r#".none | type == "null""#,
            ".big == 9007199254740993",
            ".big != 9007199254740992",
            ".twice == 2",
            r#"(.user == "bob" or .age == 41) and .on"#,
            r#".user == "bob" or .age == 41"#,
            ".empty | length == 0",
            ".nested | length == 1",
            ".none < false and false < true and .on < 0 and .age < \"a\"",
            "-1 < .age",
            ".age > -1.5e3",
            "  .age==41  ",
        ] {
            assert!(holds(condition), "{condition}");
        }
    }

    #[test]
    fn conditions_that_the_document_does_not_meet() {
        for condition in [
            r#".user == "Ann""#,
            ".user == .age",
            ".off",
            ".none",
            ".missing",
            ".empty[]",
            ".tags == .tags",
            ".twice == 1",
            ".age > 41",
            r#".age | test("4")"#,
            ".on | not",
            r#".user == "ann" and .off"#,
            ".nested.deep[].id == 2",
            r#"has("user") | not"#,
        ] {
            assert!(!holds(condition), "{condition}");
        }
    }

    #[test]
    fn content_that_is_not_json_meets_nothing() {
        let condition = JsonCondition::new("null == null").unwrap();
        for content in [&b""[..], b"{", b"{} {}", b"ann", b"\xff", b"[1,]"] {
            assert!(!condition.holds(content), "{content:?}");
        }
        for content in [&b"null"[..], b" 1 ", b"\"a\"", b"{}"] {
            assert!(condition.holds(content), "{content:?}");
        }
    }

    #[test]
    fn deep_content_does_not_overflow_the_stack() {
        let deep = [b"[".repeat(50_000), b"]".repeat(50_000)].concat();
        let condition = JsonCondition::new(".. == 1").unwrap();
        assert!(!condition.holds(&deep));
    }

    #[test]
    fn what_is_no_condition_is_refused_with_its_place() {
        for (text, place) in [
            ("", 1),
            (".a ==", 6),
            ("user == 1", 1),
            (".a = 1", 4),
            ("(.a", 4),
            (".a)", 3),
            (".a[", 4),
            (".a[x]", 4),
            (".a[1.5]", 7),
            (".a..b", 4),
            (r#".a == "b"#, 7),
            (".a == 'b'", 7),
            (r#"test("(")"#, 6),
            (r#"test("a"; "g")"#, 14),
            (".a == 1 == 2", 9),
            ("é", 1),
        ] {
            let error = JsonCondition::new(text).expect_err(text).to_string();
            assert!(error.ends_with(&format!(" at character {place}")), "{error}");
        }
    }
}
