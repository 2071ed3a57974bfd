//! What people are refused who look after their credentials.

/// A sentence of the cloud's, and the same in Japanese with `{1}`, `{2}` for what varies.
pub(super) const TABLE: &[(&str, &str)] = &[
    (
        "Cannot exceed quota for AccessKeysPerUser: * (*)",
        "アクセスキーは {1} 個まで作成できます。不要なものを削除してください。",
    ),
    (
        "Cannot exceed quota for SigningCertificatesPerUser: * (*)",
        "有効な証明書は {1} 個まで作成できます。不要なものを無効にするか、削除してください。",
    ),
    ("Cannot exceed quota for *: * (*)", "{1} の上限 ({2}) を超えるため、実行できません。"),
    ("The Access Key with id * cannot be found.", "アクセスキー {1} は見つかりません。"),
    ("The Certificate with id * cannot be found.", "証明書 {1} は見つかりません。"),
    (
        "The certificate is that of the user * already.",
        "この証明書は、すでにユーザー {1} のものとして登録されています。",
    ),
    (
        "The certificate was malformed: there is no certificate in PEM",
        "PEM 形式の証明書が見つかりません。",
    ),
    (
        "The certificate was malformed: there is more than one certificate, which must stand alone",
        "証明書が複数あります。1 つだけを入力してください。",
    ),
    ("The certificate was malformed: *", "証明書の形式が正しくありません: {1}"),
    (
        "The certificate is invalid: its key is no RSA key",
        "RSA 鍵の証明書ではないため、使用できません。",
    ),
    ("The certificate is invalid: *", "この証明書は使用できません: {1}"),
    (
        "The two codes are not those that the device shows one after the other",
        "連続して表示される 2 つのコードと一致しません。",
    ),
    (
        "The MFA device is in use, or the user has one already",
        "デバイスは使用中か、すでに二要素認証が設定されています。",
    ),
    (
        "The MFA device is in use: deactivate it first",
        "デバイスは使用中です。先に無効にしてください。",
    ),
    ("VirtualMFADevice with serial number * does not exist", "デバイス {1} は存在しません。"),
    (
        "1 validation error detected: Value '*' at '*' failed to satisfy constraint: Member must be six digits",
        "コードは 6 桁の数字で入力してください。",
    ),
    (
        "1 validation error detected: Value null at '*' failed to satisfy constraint: Member must not be null",
        "{1} を入力してください。",
    ),
    ("'*' may not have the credentials of '*'", "{2} の認証情報を取得する権限がありません。"),
    ("The password has to be changed first", "先にパスワードを変更してください。"),
];
