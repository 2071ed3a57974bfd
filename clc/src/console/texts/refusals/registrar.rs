//! What administrators are refused at the pages of users, groups, quotas and the log.

/// A sentence of the cloud's, and the same in Japanese with `{1}`, `{2}` for what varies.
pub(super) const TABLE: &[(&str, &str)] = &[
    ("Invalid value for the user name: there is no user '*'", "ユーザー {1} は存在しません。"),
    ("Invalid value for the user name: '*' is taken already", "名前 {1} はすでに使われています。"),
    (
        "Invalid value for the user name: a user name has 1 to 30 characters, '*' has *",
        "名前は 1～30 文字にしてください。",
    ),
    (
        "Invalid value for the user name: a user name holds letters, digits, '-', '.', '@' and '_' only, not '*'",
        "名前には半角英数字と - . @ _ だけを使えます ({1} は使えません)。",
    ),
    (
        "Invalid value for the user name: the user name '*' is reserved",
        "名前 {1} は予約されています。",
    ),
    (
        "Invalid value for the user: the cloud has no mail server *",
        "メールサーバーが設定されていないため、メールで確認できません。",
    ),
    ("Invalid value for the reason: *", "理由に誤りがあります: {1}"),
    ("The two names are not the same", "入力した名前がユーザー名と一致しません。"),
    (
        "The user '*' was approved already: disable or delete the user instead",
        "ユーザー {1} はすでに承認されています。無効化または削除してください。",
    ),
    ("The user '*' owns *", "ユーザー {1} には所有物があります: {2}"),
    (
        "The user '*' is being given what the user '*' had",
        "ユーザー {1} は {2} の所有物を引き継いでいる途中です。",
    ),
    ("The request must contain the parameter Heir", "譲渡先のユーザー名を入力してください。"),
    (
        "Invalid value for the heir: '*' is the user that is deleted",
        "譲渡先に削除するユーザー {1} は指定できません。",
    ),
    (
        "Invalid value for the heir: the user '*' is disabled, or is no user yet",
        "譲渡先のユーザー {1} は無効か、まだ利用できません。",
    ),
    ("The cloud's own account cannot be deleted", "クラウド自身のアカウントは削除できません。"),
    ("The cloud's own account cannot be disabled", "クラウド自身のアカウントは無効化できません。"),
    (
        "This is your own account: change it on the pages of your account",
        "ご自身のアカウントは「アカウント」のページで変更してください。",
    ),
    ("'*' does not administrate the cloud", "{1} にはクラウドの管理権限がありません。"),
    ("'*' may not have the credentials of '*'", "{1} には {2} の認証情報を扱う権限がありません。"),
    (
        "Invalid value for *: '*' is neither a number nor 'unlimited' nor 'default'",
        "{2} は数値、unlimited、default のいずれでもありません。",
    ),
    ("Invalid value for *: '*' is no whole number", "{2} は整数ではありません。"),
    ("Invalid value for the group name: '*' is taken already", "名前 {1} はすでに使われています。"),
    ("Invalid value for the group name: there is no group '*'", "グループ {1} は存在しません。"),
    ("The group '*' is always there", "グループ {1} は削除できません。"),
    ("*: '*' is neither seconds since 1970 nor a date", "{2} は日時として認識できません。"),
    ("StartTime lies behind EndTime", "開始日時が終了日時より後になっています。"),
    (
        "Walrus does not answer, so it is not known what was asked of S3; try later, or look *",
        "Walrus が応答しないため、S3 の記録を確認できません。後でもう一度試すか、サービスを指定してください。",
    ),
    ("'*' may not do * to '*'", "{1} には {3} に対する {2} の権限がありません。"),
];
