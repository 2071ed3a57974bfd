//! Quotas: how much accounts and buckets may have.

use crate::console::text::texts;

texts! {
    QUOTAS = "Quotas", "クォータ";
    LEAD = "What accounts and buckets use in S3, and may use at most. Those of EC2 and IAM are on the page of each account.", "S3 でのアカウントとバケットの使用量と上限です。EC2 と IAM のクォータは各アカウントのページにあります。";
    FIND = "Quotas of an account", "アカウントのクォータ";
    FIND_HINT = "The name of a user.", "ユーザー名を入力してください。";
    FIND_BUCKET = "Quotas of a bucket", "バケットのクォータ";
    BUCKET_HINT = "The name of a bucket.", "バケット名を入力してください。";
    SHOW = "Show", "表示";
    NONE = "Nobody uses anything in S3 yet, and no limits are set.", "S3 はまだ使用されておらず、上限も設定されていません。";
    WHOSE = "Whose", "対象";
    ACCOUNT = "account", "アカウント";
    BUCKET = "bucket", "バケット";
    BYTES = "Bytes", "容量";
    OBJECTS = "Objects", "オブジェクト数";
    BUCKETS = "Buckets", "バケット数";
    UPLOADING = "{size} of them in open uploads", "うち {size} はアップロード中";
    OF = "{used} of {limit}", "{limit} 中 {used}";
    NO_LIMIT = "no limit", "上限なし";
    ALL_QUOTAS = "All quotas", "クォータ一覧";
    OF_ACCOUNT = "Quotas of {name}", "{name} のクォータ";
    OF_BUCKET = "Quotas of the bucket {name}", "バケット {name} のクォータ";
    S3 = "S3", "S3 のクォータ";
    S3_LEAD = "They hold from the next request on. What is there already above a limit stays.", "次のリクエストから適用されます。すでに上限を超えているものはそのまま残ります。";
    LIMIT_HINT = "A number, unlimited, or default: as walrus.toml says. In use: {used}. At most now: {limit}.", "数値、unlimited (無制限)、または default (walrus.toml の値)。使用量: {used}。現在の上限: {limit}。";
    BYTES_LIMIT = "Bytes of objects and open uploads", "オブジェクトとアップロード中の合計バイト数";
    SAVE = "Save", "保存";
    COMPUTE = "EC2 and IAM", "EC2 と IAM のクォータ";
    COMPUTE_LEAD = "They hold for the account as a whole, its owner included, and are kept as its policy {policy}. An empty field sets no limit. Of several limits the smallest holds.", "所有者を含むアカウント全体に適用され、ポリシー {policy} として保存されます。空欄は上限なしです。複数の上限がある場合は最小の値が適用されます。";
    USED_HINT = "In use: {used}. At most now: {limit}.", "使用量: {used}。現在の上限: {limit}。";
    POLICIES = "Policies of the account", "アカウントのポリシー";
    POLICIES_LEAD = "Other policies with Effect: Limit. Users and groups inside the account have theirs in IAM.", "Effect: Limit を持つその他のポリシーです。アカウント内のユーザーとグループのクォータは IAM で設定します。";
    NO_POLICIES = "There are no others.", "その他のポリシーはありません。";
    POLICY_NAME = "Name of the policy", "ポリシー名";
    DOCUMENT = "Policy", "ポリシードキュメント";
    ADD_POLICY = "Add a policy", "ポリシーを追加";
    DELETE = "Delete the policy", "ポリシーを削除";
    DELETE_SURE = "Delete the policy {policy}? Its limits hold no more.", "ポリシー {policy} を削除しますか? 上限は適用されなくなります。";
    SAVED = "The quotas were saved.", "クォータを保存しました。";
    AWAY = "Walrus does not answer, so the quotas of S3 are not shown.", "Walrus が応答しないため、S3 のクォータを表示できません。";
}
