//! An action as query parameters: what a client sends.

use serde::Serialize;
use serde_json::Value;

/// Flattens a request into dotted names and texts, lists numbered from 1. Absent values leave no
/// parameter.
///
/// # Errors
/// If the value cannot be turned into a tree at all.
pub fn encode<T: Serialize>(request: &T) -> Result<Vec<(String, String)>, serde_json::Error> {
    let mut pairs = Vec::new();
    flatten(String::new(), &serde_json::to_value(request)?, &mut pairs);
    Ok(pairs)
}

fn flatten(name: String, value: &Value, pairs: &mut Vec<(String, String)>) {
    let below =
        |step: &str| if name.is_empty() { step.to_owned() } else { format!("{name}.{step}") };
    match value {
        Value::Null => {}
        Value::Bool(flag) => pairs.push((name, flag.to_string())),
        Value::Number(number) => pairs.push((name, number.to_string())),
        Value::String(text) => pairs.push((name, text.clone())),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(below(&(index + 1).to_string()), item, pairs);
            }
        }
        Value::Object(fields) => {
            for (step, field) in fields {
                flatten(below(step), field, pairs);
            }
        }
    }
}
