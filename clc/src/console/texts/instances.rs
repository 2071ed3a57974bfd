//! Instances.

use crate::console::text::{Text, texts};

texts! {
    INSTANCES = "Instances", "インスタンス";
    INSTANCE = "Instance", "インスタンス ID";
    STATE = "State", "状態";
    REASON = "Reason", "理由";
    KEY_PAIR = "Key pair", "キーペア";
    KERNEL = "Kernel", "カーネル";
    RAMDISK = "Ramdisk", "ラムディスク";
    ARCHITECTURE = "Architecture", "アーキテクチャ";
    PRIVATE_ADDRESS = "Address inside the cloud", "プライベートアドレス";
    TAGS = "Tags", "タグ";
    PROFILE = "Instance profile", "インスタンスプロファイル";
    OUTPUT = "Console output", "コンソール出力";
    OUTPUT_END = "The end of what it wrote on its console.", "コンソールに書き出された内容の末尾です。";
    NO_OUTPUT = "It has not written anything yet.", "まだ出力はありません。";
    KEEP_OUTPUT = "Download it whole", "全体をダウンロード";
    ALL_INSTANCES = "All instances", "インスタンス一覧";
    TYPE = "Type", "タイプ";
    IMAGE = "Image", "イメージ";
    ADDRESS = "Address", "アドレス";
    ZONE = "Zone", "ゾーン";
    LAUNCHED = "Launched", "起動日時";
    SEARCH_HINT = "Id, name, image or address", "ID、名前、イメージ、アドレス";
    NO_INSTANCES = "There are no instances.", "インスタンスはありません。";
    NONE_MATCH = "No instance matches.", "一致するインスタンスはありません。";
    SHOWN = "{count} instances", "{count} 件のインスタンス";
    SHOWN_ONE = "1 instance", "インスタンス 1 件";

    PENDING = "pending", "起動中";
    RUNNING = "running", "実行中";
    SHUTTING_DOWN = "shutting down", "終了処理中";
    TERMINATED = "terminated", "終了済み";
    STOPPING = "stopping", "停止処理中";
    STOPPED = "stopped", "停止";
    OTHER_STATE = "unknown", "不明";
}

/// The states of instances: what the API calls them, what people do, and how they are coloured.
pub(crate) const STATES: [(&str, Text, &str); 6] = [
    ("pending", PENDING, "busy"),
    ("running", RUNNING, "good"),
    ("stopping", STOPPING, "busy"),
    ("stopped", STOPPED, "still"),
    ("shutting-down", SHUTTING_DOWN, "busy"),
    ("terminated", TERMINATED, "gone"),
];

/// A state as people call it, and its colour.
pub(crate) fn state(name: &str) -> (Text, &'static str) {
    let found = STATES.iter().find(|(known, ..)| *known == name);
    found.map_or((OTHER_STATE, "still"), |(_, text, tone)| (*text, *tone))
}
