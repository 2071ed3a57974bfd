//! What administrators of the cloud are refused.

/// A sentence of the cloud's, and the same in Japanese with `{1}`, `{2}` for what varies.
pub(super) const TABLE: &[(&str, &str)] = &[
    (
        "The image is being read, or is about to be: it is not evicted",
        "このイメージは読み取り中か、読み取り予定のため削除できません。",
    ),
    (
        "The image is being unpacked, or waits for its turn: it is not evicted",
        "このイメージは展開中か、展開待ちのため削除できません。",
    ),
    ("The image is not in the cache", "このイメージはキャッシュにありません。"),
    (
        "Invalid value for walrus.storagemaxcachesizeinmb: it is a number of megabytes (2^20 bytes) from 1 to 1000000000",
        "1～1000000000 の整数 (MB、2^20 バイト単位) を入力してください。",
    ),
    ("Invalid value for *: it is a number from * to *", "{2}～{3} の整数を入力してください。"),
    ("Invalid value for *: it is one of *", "次のいずれかを選択してください: {2}"),
    (
        "Invalid value for *: it is one line of at most 255 characters",
        "255 文字以内、1 行で入力してください。",
    ),
    ("Invalid value for *: '*' is no mail address", "メールアドレスの形式が正しくありません: {2}"),
    (
        "Invalid value for *: it is a host name or an address",
        "ホスト名または IP アドレスを入力してください。",
    ),
    (
        "Invalid value for *: there is no such image as * of the right kind",
        "適切な種類のイメージ {2} が登録されていません。",
    ),
    (
        "Invalid value for *: it holds ACCOUNT: each account has a bucket of its own",
        "ACCOUNT を含めてください (バケットはアカウントごとに作られます)。",
    ),
    (
        "The processors of * (*) must not be less than that of * (*)",
        "{1} の vCPU 数 ({2}) は {3} の値 ({4}) 以上にしてください。",
    ),
    (
        "The memory of * (*) must not be less than that of * (*)",
        "{1} のメモリ ({2} MB) は {3} の値 ({4} MB) 以上にしてください。",
    ),
    (
        "The disk of * (*) must not be less than that of * (*)",
        "{1} のディスク ({2} GB) は {3} の値 ({4} GB) 以上にしてください。",
    ),
    ("The processors of * must be from 1 to *, not *", "{1} の vCPU 数は 1～{2} にしてください。"),
    ("The memory of * must be from 1 to *, not *", "{1} のメモリは 1～{2} MB にしてください。"),
    ("The disk of * must be from 1 to *, not *", "{1} のディスクは 1～{2} GB にしてください。"),
    (
        "* was changed by somebody else meanwhile, to '*': save again to overwrite it",
        "ほかの人が先に変更しました (現在の値: {2})。もう一度保存すると上書きします。",
    ),
    (
        "* was changed by somebody else meanwhile: save again to overwrite it",
        "ほかの人が先に変更しました。もう一度保存すると上書きします。",
    ),
    (
        "The policy '*' is another one than this page began with: save again to overwrite it",
        "ポリシー {1} は、このページを開いたときの内容と異なります。もう一度保存すると上書きします。",
    ),
    ("There is no property '*'", "プロパティ {1} はありません。"),
    ("There is no node '*'", "ノード {1} はありません。"),
    ("Invalid value for Name: there is no node '*'", "ノード {1} はありません。"),
    (
        "The node * answers: drain it, and end its instances",
        "ノード {1} は応答しています。ドレインしてインスタンスを終了してください。",
    ),
    (
        "The node * was given up: enable it first",
        "ノード {1} は放棄済みです。先に使用を再開してください。",
    ),
    (
        "The node * was given up: what it came back with is being ended (*)",
        "ノード {1} に残っていたインスタンス {2} 台を終了しています。終了後に使用を再開できます。",
    ),
    (
        "The node * was given up and does not answer",
        "ノード {1} は放棄済みで、応答がありません。応答があれば使用を再開できます。",
    ),
];
