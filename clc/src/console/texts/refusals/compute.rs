//! What people are refused who launch and change instances, and make key pairs.

/// A sentence of the cloud's, and the same in Japanese with `{1}`, `{2}` for what varies.
pub(super) const TABLE: &[(&str, &str)] = &[
    ("The key pair '*' does not exist", "キーペア {1} は存在しません。"),
    ("The key pair '*' already exists", "キーペア {1} はすでに存在します。"),
    ("Give the new key pair a name", "新しいキーペアの名前を入力してください。"),
    ("This is no private key", "秘密鍵ではありません。"),
    (
        "Invalid value for KeyName: a name has 1 to 255 characters, this one *",
        "名前は 1〜255 文字で入力してください (現在 {1} 文字)。",
    ),
    (
        "Key is not in valid format: this is a private key, which nobody else should have",
        "これは秘密鍵です。秘密鍵は誰にも渡さず、公開鍵を入力してください。",
    ),
    ("Key is not in valid format: *", "公開鍵の形式が正しくありません: {1}"),
    ("The image * cannot be used: *", "イメージ {1} は使用できません: {2}"),
    ("The image * is not a kernel", "イメージ {1} はカーネルではありません。"),
    ("The image * is not a ramdisk", "イメージ {1} は RAM ディスクではありません。"),
    ("The image * is not a machine image", "イメージ {1} はマシンイメージではありません。"),
    (
        "There is not enough room: * instances of this type are needed, the cloud has room for *",
        "空きが足りません。このタイプのインスタンスを {1} 台起動するには、クラウドの空きが {2} 台分しかありません。",
    ),
    (
        "There is not enough room: * instances of this type are needed, the zone * has room for *",
        "空きが足りません。このタイプのインスタンスを {1} 台起動するには、ゾーン {2} の空きが {3} 台分しかありません。",
    ),
    (
        "* may have at most * instances (ec2:quota-vminstancenumber); there are *",
        "インスタンスは {2} 台までです。現在 {3} 台あります。",
    ),
    (
        "* may have at most * instances that are not stopped (ec2:quota-vminstanceactivenumber); there are *",
        "停止していないインスタンスは {2} 台までです。現在 {3} 台あります。",
    ),
    (
        "* may have at most * virtual processors in use (ec2:quota-cputotalsize); there are *",
        "使用できる vCPU は {2} 個までです。現在 {3} 個を使用しています。",
    ),
    (
        "* may have at most * MiB of memory in use (ec2:quota-memorytotalsize); there are *",
        "使用できるメモリは {2} MiB までです。現在 {3} MiB を使用しています。",
    ),
    (
        "* may have at most * GiB of disk (ec2:quota-disktotalsize); there are *",
        "使用できるディスクは {2} GiB までです。現在 {3} GiB を使用しています。",
    ),
    ("Invalid value for UserData: it is not base64", "ユーザーデータが base64 ではありません。"),
    (
        "Invalid value for UserData: it has * bytes, and at most 16384 are taken",
        "ユーザーデータは 16384 バイトまでです (現在 {1} バイト)。",
    ),
    (
        "Invalid value for MaxCount: one launch has at most *",
        "一度に起動できるのは {1} 台までです。",
    ),
    (
        "Invalid value for MaxCount: it is *, less than MinCount, which is *",
        "台数 {1} が最小台数 {2} より少なくなっています。",
    ),
    ("Invalid value for MinCount: it is at least 1", "最小台数は 1 以上にしてください。"),
    ("Invalid value for MaxCount: *", "台数に誤りがあります: {1}"),
    ("Invalid value for MinCount: *", "最小台数に誤りがあります: {1}"),
    ("The request must contain the parameter MaxCount", "台数を入力してください。"),
    ("The request must contain the parameter ImageId", "イメージを選択してください。"),
    ("Invalid value for InstanceType: *", "インスタンスタイプに誤りがあります: {1}"),
    (
        "Invalid value for MetadataOptions.HttpPutResponseHopLimit: *",
        "ホップ数の上限は 1〜64 で入力してください: {1}",
    ),
    (
        "Invalid value for BlockDeviceMapping: '*' is not of the form /dev/sdb=ephemeral0",
        "{1} は /dev/sdb=ephemeral0 の形式ではありません。",
    ),
    ("Invalid value for BlockDeviceMapping.*: *", "ディスクの指定に誤りがあります: {2}"),
    ("Invalid value for Tag: *", "タグに誤りがあります: {1}"),
    ("A resource has at most * tags", "タグは {1} 個までです。"),
    (
        "The account may not use the zone *: none of its zone groups may",
        "ゾーン {1} を使用する権限がありません。",
    ),
    (
        "The account may not use any availability zone: none of its zone groups may",
        "使用できるアベイラビリティーゾーンがありません。",
    ),
    (
        "The client token '*' was used before with other parameters",
        "この起動はすでに実行されています。続けて起動する場合は、もう一度「確認へ進む」を押してください。",
    ),
    (
        "The instance '*' is not in a state from which it can be stopped",
        "インスタンス {1} は、現在の状態では停止できません。",
    ),
    (
        "The instance '*' is not in a state from which it can be started",
        "インスタンス {1} は、現在の状態では開始できません。",
    ),
    (
        "The instance '*' is not in a state from which it can be rebooted",
        "インスタンス {1} は、現在の状態では再起動できません。",
    ),
    (
        "The instance '*' cannot be started: its node *, which has its disk, does not answer",
        "インスタンス {1} を開始できません。ディスクのあるノード {2} が応答していません。",
    ),
    (
        "The instance '*' cannot be started: its node, which has its disk, has no room for it",
        "インスタンス {1} を開始できません。ディスクのあるノードに空きがありません。",
    ),
    (
        "The instance '*' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again",
        "インスタンス {1} は終了保護が有効です。設定で解除してから、もう一度お試しください。",
    ),
    ("The instance '*' is not in the 'stopped' state", "インスタンス {1} は停止していません。"),
    ("The instance '*' is being terminated", "インスタンス {1} は終了処理中です。"),
    (
        "The instance '*' has ended or is about to",
        "インスタンス {1} は終了したか、終了処理中です。",
    ),
    ("The instance IDs '*' do not exist", "インスタンス {1} は存在しません。"),
    (
        "The instance * has ended, and its console log with it",
        "インスタンス {1} は終了し、コンソール出力も削除されました。",
    ),
    (
        "The console of * cannot be read: its node * does not answer",
        "ノード {2} が応答しないため、{1} のコンソール出力を読み取れません。",
    ),
];
