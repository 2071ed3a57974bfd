//! What people are refused whose buckets and objects these are, or are not.

/// A sentence of the cloud's, and the same in Japanese with `{1}`, `{2}` for what varies.
pub(super) const TABLE: &[(&str, &str)] = &[
    (
        "Access Denied",
        "アクセスが拒否されました。このバケットまたはオブジェクトへの権限がありません。",
    ),
    ("The specified bucket does not exist", "指定されたバケットは存在しません。"),
    ("The specified key does not exist", "指定されたオブジェクトは存在しません。"),
    (
        "The specified bucket is not valid: '*' does not have 3 to 255 characters",
        "バケット名「{1}」は使えません。3〜255 文字にしてください。",
    ),
    (
        "The specified bucket is not valid: '*' holds other characters than letters, digits, '.', '-' and '_'",
        "バケット名「{1}」は使えません。使える文字は英数字と '.'、'-'、'_' だけです。",
    ),
    (
        "The specified bucket is not valid: '*' does not begin with a letter or digit",
        "バケット名「{1}」は使えません。英数字で始めてください。",
    ),
    (
        "The specified bucket is not valid: '*' is an address",
        "バケット名「{1}」は使えません。IP アドレスの形式は使えません。",
    ),
    ("The specified bucket is not valid: '*' is reserved", "バケット名「{1}」は予約されています。"),
    (
        "The bucket you tried to delete is not empty",
        "バケットが空ではないため削除できません。先にオブジェクトを削除してください。",
    ),
    (
        "Your previous request to create the named bucket succeeded and you already own it",
        "この名前のバケットはすでに所有しています。",
    ),
    (
        "The requested bucket name is not available",
        "このバケット名は他のアカウントが使っています。別の名前にしてください。",
    ),
    ("Your key is too long: * of * bytes", "名前が長すぎます（{1} バイト、上限 {2} バイト）。"),
    ("The disk is full", "ストレージの空き容量が不足しています。管理者にお知らせください。"),
    (
        "The service that keeps the bytes cannot be reached",
        "ストレージサービスに接続できません。しばらくしてからお試しください。",
    ),
    (
        "Parts of the upload are missing: choose the file once more",
        "送信されていない部分があります。ファイルをもう一度選択してください。",
    ),
    (
        "Parts of the upload are another file's: go on, and they are sent again",
        "別のファイルの部分が混ざっています。続けると送り直します。",
    ),
    (
        "To empty a bucket its name has to be typed",
        "バケットを空にするには、バケット名を入力してください。",
    ),
    (
        "Too many transfers are under way: wait for one to end",
        "同時に転送できる数を超えました。いずれかが終わってからお試しください。",
    ),
    (
        "Another request is changing the same thing, try again",
        "別のリクエストが同じものを変更しています。もう一度お試しください。",
    ),
];
