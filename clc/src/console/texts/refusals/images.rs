//! What people are told of their images: why one failed, how far it is, and what was refused.

/// A sentence of the cloud's, and the same in Japanese with `{1}`, `{2}` for what varies.
pub(super) const TABLE: &[(&str, &str)] = &[
    ("It waits to be unpacked", "展開の順番を待っています。"),
    ("It is being unpacked, *% are done", "展開中です ({1}% 完了)。"),
    ("It is to be unpacked", "まもなく展開されます。"),
    ("It could not be unpacked and is tried again: *", "展開できなかったため再試行します: {1}"),
    (
        "Its instance is being saved by the bundle task *",
        "バンドルタスク {1} がインスタンスを保存しています。",
    ),
    (
        "it was registered as hvm and is no whole disk: it has no partition table",
        "hvm として登録されましたが、パーティションテーブルがなく、ディスク全体のイメージではありません。",
    ),
    (
        "Invalid value for Name: '*' must have 3 to 128 characters, each a letter, a digit or one of ( ) [ ] . / - ' @ _ and blank",
        "名前「{1}」は使えません。英数字、空白、( ) [ ] . / - ' @ _ を使って 3～128 文字にしてください。",
    ),
    (
        "The name '*' is in use by another of your images",
        "名前「{1}」は自分の別のイメージで使われています。",
    ),
    (
        "Invalid value for Description: it has more than * characters",
        "説明は {1} 文字以内にしてください。",
    ),
    (
        "Invalid value for ImageLocation: it is BUCKET/KEY of a manifest",
        "マニフェストの場所は「バケット/キー」の形で入力してください。",
    ),
    (
        "The request must contain the parameter ImageLocation",
        "マニフェストの場所を入力してください。",
    ),
    ("Its disk is being imported by the task *", "タスク {1} がディスクをインポートしています。"),
    ("The import was cancelled on request", "要求によりインポートをキャンセルしました。"),
    (
        "The image was deregistered before it was imported",
        "インポート中にイメージの登録が解除されました。",
    ),
    (
        "The disk * was removed or replaced before it was imported",
        "インポート前にディスク {1} が削除されたか、置き換えられました。",
    ),
    (
        "There is no disk *, or you may not read it",
        "ディスク {1} が存在しないか、読み取る権限がありません。",
    ),
    ("No image can be made of the disk *: it is empty", "ディスク {1} は空です。"),
    (
        "No image can be made of the disk *: it has neither a partition table nor a file system that is known here",
        "ディスク {1} にはパーティションテーブルも既知のファイルシステムもありません。",
    ),
    (
        "No image can be made of the disk *: it is *: convert or unpack it to a raw disk first (*)",
        "ディスク {1} の形式 ({2}) は使えません。先に raw ディスクへ変換または展開してください: {3}",
    ),
    (
        "No image can be made of the disk *: it has * bytes, which is no multiple of 512: it may be cut off",
        "ディスク {1} のサイズ ({2} バイト) が 512 の倍数ではありません。途中で切れている可能性があります。",
    ),
    (
        "No image can be made of the disk *: it has * MB, and the space reserved for unbundling images has *",
        "ディスク {1} は {2} MB あり、イメージの展開用に確保された領域 ({3} MB) を超えています。",
    ),
    (
        "The disk has a partition table and boots by itself: it takes neither KernelId nor RamdiskId",
        "パーティションテーブルのあるディスクは自身で起動するため、カーネルとラムディスクを指定できません。",
    ),
    (
        "An account has at most * imports under way",
        "1 つのアカウントで同時に実行できるインポートは {1} 件までです。",
    ),
    ("Only administrators can register * images", "{1} イメージを登録できるのは管理者だけです。"),
    (
        "The * '[*]' that the image names does not exist",
        "イメージが指定する {1}「{2}」は存在しません。",
    ),
    ("Invalid id: \"*\"", "ID「{1}」の形式が正しくありません。"),
    ("The image id '[*]' does not exist", "イメージ {1} は存在しません。"),
    ("You are not the owner of the image *", "イメージ {1} の所有者ではありません。"),
    (
        "An image with VirtualizationType hvm boots by itself: it takes neither KernelId nor RamdiskId",
        "自身で起動する (hvm) イメージには、カーネルとラムディスクを指定できません。",
    ),
    (
        "Invalid attribute item value \"*\" for userId item type",
        "アカウント「{1}」は存在しません。",
    ),
    (
        "An image is shared with at most * accounts",
        "1 つのイメージを共有できるのは {1} アカウントまでです。",
    ),
    (
        "The bundle was made for the account *, not for yours",
        "このバンドルはアカウント {1} 用に作られたもので、自分のアカウント用ではありません。",
    ),
    (
        "There is no manifest *, or you may not read it",
        "マニフェスト {1} が存在しないか、読み取る権限がありません。",
    ),
    ("The manifest is not valid: it is not signed", "マニフェストに署名がありません。"),
    ("The manifest is not valid: *", "マニフェストが正しくありません: {1}"),
];
