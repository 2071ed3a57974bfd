//! How an instance is set, what its guest sees of itself, and what happened to it.

use crate::console::text::{Text, texts};

texts! {
    SETTINGS = "Settings", "設定";
    WHILE_STOPPED = "Type, kernel, ramdisk and user data can be changed while the instance is stopped.", "タイプ、カーネル、RAM ディスク、ユーザーデータは、インスタンスが停止しているときに変更できます。";
    OVER = "The instance has ended: nothing of it can be set any more.", "インスタンスは終了したため、設定は変更できません。";
    SET = "Change", "変更";
    CHANGED = "The setting was changed", "設定を変更しました";
    TYPE = "Instance type", "インスタンスタイプ";
    TYPE_HINT = "Its disk stays as large as it is.", "ディスクのサイズは変わりません。";
    TYPE_SIZE = "{name}: {cpus} vCPU, {memory} MiB", "{name}: vCPU {cpus}、{memory} MiB";
    KERNEL = "Kernel", "カーネル";
    RAMDISK = "Ramdisk", "RAM ディスク";
    PROTECTION = "Termination protection", "終了保護";
    PROTECTED = "On: terminating is refused", "有効 (終了を拒否する)";
    UNPROTECTED = "Off", "無効";
    SHUTDOWN = "When the guest switches its machine off", "ゲスト OS がシャットダウンしたとき";
    DATA = "User data", "ユーザーデータ";
    DATA_NONE = "There is none.", "ありません。";
    DATA_BINARY = "It is no text; what is shown is its base64.", "テキストではないため、base64 で表示しています。";
    DATA_HINT = "At most 16 KiB; empty to have none", "16 KiB まで。空欄にすると削除されます";
    PROFILE = "Instance profile", "インスタンスプロファイル";
    PROFILE_HINT = "Its role's credentials are in the metadata of the instance within seconds", "ロールの認証情報は、数秒以内にインスタンスのメタデータから取得できます";

    METADATA = "Metadata", "メタデータ";
    METADATA_LEAD = "What the guest learns of itself, without a key, at an address that answers it alone.", "ゲストが自分自身について取得できる情報です。このアドレスは、そのインスタンスにだけ応答します。";
    ASK = "In the instance", "インスタンス内での取得方法";
    PATH = "Path", "パス";
    VALUE = "Value", "値";
    OPTIONS = "How it may be asked for", "アクセス方法";
    OPTIONS_PENDING = "Its node has not heeded the last change yet.", "直前の変更は、まだノードに反映されていません。";
    OPTIONS_CHANGED = "The options of the metadata were changed", "メタデータのオプションを変更しました";
    OFF = "The metadata of this instance are switched off.", "このインスタンスのメタデータは無効になっています。";

    EVENTS = "Events", "イベント";
    EVENTS_LEAD = "What was asked of the cloud about this instance, by this account, the newest first.", "このアカウントがこのインスタンスに対して行った操作です。新しい順に表示しています。";
    NO_EVENTS = "Nothing is on record about it.", "記録はありません。";
    NO_EVENTS_HERE = "Nothing more on this page; there may be on the next.", "このページには記録がありません。次のページをご覧ください。";
    WHEN = "When", "日時";
    WHAT = "What", "操作";
    WHO = "Who", "ユーザー";
    FROM = "From", "アクセス元";
    RESULT = "Result", "結果";
    DONE = "done", "成功";
    REFUSED = "refused", "失敗";
    STATE_NOW = "Now", "現在";

    RUN_INSTANCES = "launched", "起動";
    START_INSTANCES = "started", "開始";
    STOP_INSTANCES = "stopped", "停止";
    REBOOT_INSTANCES = "rebooted", "再起動";
    TERMINATE_INSTANCES = "terminated", "終了";
    CREATE_IMAGE = "saved as an image", "イメージとして保存";
    BUNDLE_INSTANCE = "saved as a bundle", "バンドルとして保存";
    CREATE_TAGS = "tags set", "タグの設定";
    DELETE_TAGS = "tags removed", "タグの削除";
    MODIFY_ATTRIBUTE = "setting changed", "設定の変更";
    RESET_ATTRIBUTE = "setting put back", "設定のリセット";
    MODIFY_METADATA = "metadata options changed", "メタデータオプションの変更";
    ASSOCIATE_PROFILE = "instance profile given", "インスタンスプロファイルの関連付け";
    REPLACE_PROFILE = "instance profile exchanged", "インスタンスプロファイルの変更";
    DISASSOCIATE_PROFILE = "instance profile taken away", "インスタンスプロファイルの解除";
}

/// What actions are called by those who read what happened.
pub(crate) const ACTIONS: [(&str, Text); 15] = [
    ("RunInstances", RUN_INSTANCES),
    ("StartInstances", START_INSTANCES),
    ("StopInstances", STOP_INSTANCES),
    ("RebootInstances", REBOOT_INSTANCES),
    ("TerminateInstances", TERMINATE_INSTANCES),
    ("CreateImage", CREATE_IMAGE),
    ("BundleInstance", BUNDLE_INSTANCE),
    ("CreateTags", CREATE_TAGS),
    ("DeleteTags", DELETE_TAGS),
    ("ModifyInstanceAttribute", MODIFY_ATTRIBUTE),
    ("ResetInstanceAttribute", RESET_ATTRIBUTE),
    ("ModifyInstanceMetadataOptions", MODIFY_METADATA),
    ("AssociateIamInstanceProfile", ASSOCIATE_PROFILE),
    ("ReplaceIamInstanceProfileAssociation", REPLACE_PROFILE),
    ("DisassociateIamInstanceProfile", DISASSOCIATE_PROFILE),
];
