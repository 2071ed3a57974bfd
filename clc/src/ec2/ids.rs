//! Ids as callers write them, and what they are told about ids that lead nowhere.

use common::error::{ApiError, ErrorCode};
use common::id::{ImageId, InstanceId};

/// Reads an image's id, in any case.
///
/// # Errors
/// `InvalidAMIID.Malformed`.
pub fn image(text: &str) -> Result<ImageId, ApiError> {
    text.parse().map_err(|_| {
        ApiError::new(ErrorCode::InvalidAmiIdMalformed, format!("Invalid id: \"{text}\""))
    })
}

/// There is no such image, or not for the caller.
pub fn no_image(id: &str) -> ApiError {
    let text = format!("The image id '[{id}]' does not exist");
    ApiError::new(ErrorCode::InvalidAmiIdNotFound, text)
}

/// Reads an instance's id, in any case.
///
/// # Errors
/// `InvalidInstanceID.Malformed`.
pub fn instance(text: &str) -> Result<InstanceId, ApiError> {
    text.parse().map_err(|_| {
        ApiError::new(ErrorCode::InvalidInstanceIdMalformed, format!("Invalid id: \"{text}\""))
    })
}

/// Reads the ids of the instances that an action is about, each once.
///
/// # Errors
/// `MissingParameter` if there is none, `InvalidInstanceID.Malformed`.
pub fn instances(texts: &[String]) -> Result<Vec<InstanceId>, ApiError> {
    if texts.is_empty() {
        return Err(ApiError::missing("InstanceId"));
    }
    let mut wanted = Vec::new();
    for text in texts {
        let id = instance(text)?;
        if !wanted.contains(&id) {
            wanted.push(id);
        }
    }
    Ok(wanted)
}

/// There are no such instances, or not for the caller.
pub fn no_instances(ids: &[InstanceId]) -> ApiError {
    let ids: Vec<_> = ids.iter().map(InstanceId::as_str).collect();
    let text = match ids.as_slice() {
        [id] => format!("The instance ID '{id}' does not exist"),
        _ => format!("The instance IDs '{}' do not exist", ids.join(", ")),
    };
    ApiError::new(ErrorCode::InvalidInstanceIdNotFound, text)
}
