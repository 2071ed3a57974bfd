//! What people are refused who sign in, apply, or change their accounts; and what any page may meet.

/// A sentence of the cloud's, and the same in Japanese with `{1}`, `{2}` for what varies.
pub(super) const TABLE: &[(&str, &str)] = &[
    ("The user name or the password is wrong", "アカウント名またはパスワードが違います。"),
    ("The code is wrong or was used before", "コードが違うか、すでに使われています。"),
    ("The user '*' has not been approved yet", "ユーザー {1} はまだ承認されていません。"),
    (
        "The user '*' is not confirmed yet: follow the link in the mail",
        "ユーザー {1} は未確認です。メールのリンクから確認してください。",
    ),
    ("The user '*' is disabled", "ユーザー {1} は無効になっています。"),
    ("The user '*' is being deleted", "ユーザー {1} は削除処理中です。"),
    ("The user '*' may not use the cloud", "ユーザー {1} はクラウドを利用できません。"),
    (
        "Too many wrong passwords: try again in * seconds",
        "パスワードの誤りが多すぎます。{1} 秒後にもう一度お試しください。",
    ),
    (
        "Too many requests: try again in * seconds",
        "リクエストが多すぎます。{1} 秒後にもう一度お試しください。",
    ),
    (
        "Too many passwords are being checked, try again",
        "混み合っています。もう一度お試しください。",
    ),
    (
        "The password is too old: an administrator has to set another one",
        "パスワードの期限が切れています。管理者に再設定を依頼してください。",
    ),
    ("The session is over: log in again", "セッションが終了しました。サインインし直してください。"),
    ("The two passwords are not the same", "2 つのパスワードが一致しません。"),
    (
        "The users of this account may not change their passwords",
        "このアカウントのユーザーはパスワードを変更できません。",
    ),
    (
        "This link is not good any more: ask for another one",
        "このリンクは使えません。もう一度リンクを請求してください。",
    ),
    (
        "Invalid value for the password: one was chosen with the application: leave it empty, and sign in with that",
        "パスワードは申請時に決められています。空欄のままにして、そのパスワードでサインインしてください。",
    ),
    (
        "This cloud takes no applications: ask its administrator",
        "このクラウドは申請を受け付けていません。管理者にお問い合わせください。",
    ),
    (
        "This cloud sends no mails: ask its administrator for a new password",
        "このクラウドはメールを送信しません。パスワードの再設定は管理者に依頼してください。",
    ),
    (
        "Too many requests wait to be looked at, try again later",
        "未処理のリクエストが多すぎます。後でもう一度お試しください。",
    ),
    (
        "Invalid value for the new password: it is the old one",
        "新しいパスワードが現在のものと同じです。",
    ),
    (
        "The password cannot be used: it has less than * characters",
        "パスワードは {1} 文字以上にしてください。",
    ),
    (
        "The password cannot be used: it has more than * characters",
        "パスワードは {1} 文字以下にしてください。",
    ),
    (
        "The password cannot be used: it is the user's name, or holds it and little else",
        "パスワードが名前、またはそれに近いものです。",
    ),
    (
        "The password cannot be used: it is one of those that are tried first",
        "推測されやすいパスワードは使えません。",
    ),
    (
        "The password cannot be used: it is one of the last *",
        "最近 {1} 回のパスワードは使えません。",
    ),
    ("The password cannot be used: *", "このパスワードは使えません: {1}"),
    ("The request must contain the parameter password", "パスワードを入力してください。"),
    ("The request must contain the parameter old", "現在のパスワードを入力してください。"),
    ("The request must contain the parameter code", "二要素認証コードを入力してください。"),
    ("Invalid value for the user name: *", "アカウント名に使えません: {1}"),
    (
        "Invalid value for the application: a mail address is needed",
        "メールアドレスを入力してください。",
    ),
    (
        "Invalid value for the application: '*' is no mail address",
        "{1} はメールアドレスではありません。",
    ),
    ("Invalid value for the application: *", "申請の内容に誤りがあります: {1}"),
    ("Invalid value for the user: a mail address is needed", "メールアドレスを入力してください。"),
    ("Invalid value for the user: '*' is no mail address", "{1} はメールアドレスではありません。"),
    (
        "Invalid value for cloud.public_host: it is a host name or an address",
        "クラウドホストには名前またはアドレスを入力してください。",
    ),
    ("The instance ID '*' does not exist", "インスタンス {1} は存在しません。"),
    ("Too many pages are open at once", "開いているページが多すぎます。"),
    ("User: * is not authorized to perform: * on resource: *", "{2} を実行する権限がありません。"),
    ("You are not authorized to perform this operation. *", "この操作を実行する権限がありません。"),
];
