//! What people are refused who look after the users, groups and roles of their account.

/// A sentence of the cloud's, and the same in Japanese with `{1}`, `{2}` for what varies.
pub(super) const TABLE: &[(&str, &str)] = &[
    ("The user with name * cannot be found.", "ユーザー {1} は存在しません。"),
    ("The group with name * cannot be found.", "グループ {1} は存在しません。"),
    ("The role with name * cannot be found.", "ロール {1} は存在しません。"),
    ("User with name * already exists.", "ユーザー {1} はすでに存在します。"),
    ("Group with name * already exists.", "グループ {1} はすでに存在します。"),
    ("Role with name * already exists.", "ロール {1} はすでに存在します。"),
    ("The * policy with name * cannot be found.", "ポリシー {2} は存在しません。"),
    (
        "The account policy with name * cannot be found.",
        "アカウントのポリシー {1} は存在しません。",
    ),
    (
        "An account's policy sets limits only: the Effect of each statement is Limit",
        "アカウントのポリシーで設定できるのは上限だけです (Effect は Limit)。",
    ),
    (
        "1 validation error detected: Value '*' at '*' failed to satisfy constraint: Member must have length greater than or equal to *",
        "{2} は {3} 文字以上にしてください。",
    ),
    (
        "1 validation error detected: Value '*' at '*' failed to satisfy constraint: Member must have length less than or equal to *",
        "{2} は {3} 文字以下にしてください。",
    ),
    (
        "1 validation error detected: Value '*' at '*' failed to satisfy constraint: *",
        "{2} の値 {1} は使えません。",
    ),
];
