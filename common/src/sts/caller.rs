//! Who a caller is, and whose an access key.

use serde::{Deserialize, Serialize};

use crate::actions;

/// Tells who signed the request.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct GetCallerIdentity {}

/// Who signed a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CallerIdentity {
    /// The user's ARN.
    pub arn: String,
    /// The user's id, which no other user ever has.
    pub user_id: String,
    /// The account's number.
    pub account: String,
}

/// Tells the account of an access key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetAccessKeyInfo {
    /// The access key's id.
    pub access_key_id: String,
}

/// What GetAccessKeyInfo answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccessKeyInfo {
    /// The account's number.
    pub account: String,
}

actions! {
    GetCallerIdentity => CallerIdentity, Read;
    GetAccessKeyInfo => AccessKeyInfo, Read;
}

#[cfg(test)]
mod tests {
    use super::super::NAMESPACE;
    use super::*;
    use crate::dialect::xml::{Shape, iam_answer};
    use crate::error::{ApiError, ErrorCode};

    #[test]
    fn answers_are_in_the_shape_of_sts() {
        let output = CallerIdentity {
            arn: "arn:aws:iam::123456789012:user/<a>".into(),
            user_id: "AIDA".into(),
            account: "123456789012".into(),
        };
        assert_eq!(
            iam_answer("GetCallerIdentity", NAMESPACE, "r-1", &output).unwrap(),
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/&lt;a&gt;</Arn>\
             <UserId>AIDA</UserId><Account>123456789012</Account></GetCallerIdentityResult>\
             <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>\
             </GetCallerIdentityResponse>"
        );
        let error = ApiError::new(ErrorCode::InvalidAction, "no <such> action");
        assert_eq!(
            Shape::Iam(NAMESPACE).error(&error, "r-2"),
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
             <Type>Sender</Type><Code>InvalidAction</Code><Message>no &lt;such&gt; action</Message>\
             </Error><RequestId>r-2</RequestId></ErrorResponse>"
        );
    }
}
