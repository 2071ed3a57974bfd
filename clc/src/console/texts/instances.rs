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
    PROFILE = "Instance profile", "インスタンスプロファイル";
    OUTPUT = "Console output", "コンソール出力";
    OUTPUT_END = "The end of what it wrote on its console; the page follows it.", "コンソール出力の末尾です。新しい出力は自動的に表示されます。";
    OUTPUT_ALL = "What it wrote on its console; the page follows it.", "コンソール出力です。新しい出力は自動的に表示されます。";
    OUTPUT_AT = "Last written:", "最終出力:";
    OUTPUT_AWAY = "The console output cannot be shown", "コンソール出力を表示できません";
    OVERVIEW = "Overview", "概要";
    PAGES_OF_ONE = "Pages of this instance", "このインスタンスのページ";
    SECURITY_GROUPS = "Security groups", "セキュリティグループ";
    CLIENT_TOKEN = "Client token", "クライアントトークン";
    DISKS = "Disks", "ディスク";
    ROOT_DISK = "the root, of the image", "ルート (イメージから作成)";
    SWAP_DISK = "swap space", "スワップ領域";
    EPHEMERAL_DISK = "empty disk space", "空のディスク領域";
    DISKS_END = "All disks go with the instance when it is terminated. Save it as an image to keep what is on the root.", "すべてのディスクは、インスタンスの終了とともに削除されます。ルートの内容を残すには、イメージとして保存してください。";
    CONNECT = "Connect", "接続";
    CONNECT_WITH = "From the folder that has the private key of {key}:", "{key} の秘密鍵があるフォルダーで実行します。";
    CONNECT_AS = "Some images let in another user than root: ubuntu, ec2-user, debian.", "イメージによっては root ではなく ubuntu、ec2-user、debian などのユーザーで接続します。";
    CONNECT_WITHOUT = "It was launched without a key pair, so it lets in only whom its image knows.", "キーペアなしで起動されたため、イメージに登録済みのユーザーだけが接続できます。";
    NO_OUTPUT = "It has not written anything yet.", "まだ出力はありません。";
    KEEP_OUTPUT = "Download it whole", "全体をダウンロード";
    ALL_INSTANCES = "All instances", "インスタンス一覧";
    TYPE = "Type", "タイプ";
    IMAGE = "Image", "イメージ";
    ADDRESS = "Address", "アドレス";
    ZONE = "Zone", "ゾーン";
    LAUNCHED = "Launched", "起動日時";
    SEARCH_HINT = "Id, name, image or address", "ID、名前、イメージ、アドレス";
    NO_INSTANCES = "There are no instances. Launch one: choose an image, a type and a key pair.", "インスタンスはありません。イメージ、タイプ、キーペアを選んで起動してください。";
    MORE_FILTERS = "More filters", "その他の条件";
    SHOW_ALL = "Show all instances", "すべてのインスタンスを表示";
    TAG = "Tag", "タグ";
    LAUNCH = "Launch instances", "インスタンスを起動";
    LIKE_THIS = "Launch more like this", "同様のものを起動";
    TICK = "Choose", "選択";
    TICK_ALL = "Choose all on this page", "このページのすべてを選択";
    TICK_ONE = "Choose {id}", "{id} を選択";
    TO_TICKED = "Those that are ticked:", "選択したインスタンス:";
    NONE_TICKED = "Tick the instances that you mean first.", "先にインスタンスを選択してください。";
    LAUNCHED_ONE = "The instance is being launched", "インスタンスを起動しています";
    LAUNCHED_MANY = "The instances are being launched", "インスタンスを起動しています";
    LAUNCHED_TEXT = "Its image is brought to its node first. This page follows what happens.", "まずイメージをノードに転送します。このページは自動的に更新されます。";

    START = "Start", "開始";
    REBOOT = "Reboot", "再起動";
    STOP = "Stop", "停止";
    FORCE_STOP = "Force stop", "強制停止";
    TERMINATE = "Terminate", "終了";
    START_MEANS = "They start again on their nodes, with the disks and addresses that they have.", "元のノードで、同じディスクとアドレスのまま起動します。";
    REBOOT_MEANS = "The guest is asked to shut down and is started again from its disks. Whoever works there is interrupted.", "ゲスト OS をシャットダウンし、同じディスクから起動し直します。作業中の処理は中断されます。";
    STOP_MEANS = "The guest is asked to shut down. Disks and address are kept; processors and memory are given back.", "ゲスト OS をシャットダウンします。ディスクとアドレスは保持され、CPU とメモリは解放されます。";
    FORCE_STOP_MEANS = "The machine is switched off at once, as if its plug were pulled. What was not written to disk is lost.", "電源を切るのと同じように直ちに停止します。ディスクに書き込まれていないデータは失われます。";
    TERMINATE_MEANS = "The instance ends for good and its disks are removed. This cannot be undone.", "インスタンスは完全に終了し、ディスクは削除されます。元に戻すことはできません。";
    STARTED = "It starts again", "開始しています";
    REBOOTED = "It was told to reboot", "再起動を指示しました";
    STOPS = "It was told to stop", "停止を指示しました";
    TERMINATES = "It is being terminated", "終了処理を開始しました";
    DEED_OF_MANY = "{deed}: {count} instances", "{deed}: {count} 件のインスタンス";
    LEAVE_THEM = "Leave them as they are", "キャンセル";
    LEAVE_IT = "Leave it as it is", "キャンセル";
    NONE_FIT = "This cannot be done to any of them in their present state.", "現在の状態では、どのインスタンスにも実行できません。";
    LEFT_OUT = "Left out, because of the state that they are in", "現在の状態のため対象外";
    SAVE_FIRST = "Save it as an image first", "先にイメージとして保存する";

    PENDING_MEANS = "It starts as soon as its image is on its node.", "イメージがノードに届き次第、起動します。";
    STOPPED_MEANS = "Its disks and address are kept; it uses no processor or memory.", "ディスクとアドレスは保持されています。CPU とメモリは使用していません。";
    STOPPING_MEANS = "Its guest is shutting down.", "ゲスト OS をシャットダウンしています。";
    TERMINATED_MEANS = "It has ended, and is listed for an hour.", "終了しました。1 時間は一覧に表示されます。";

    NAME = "Name", "名前";
    NAME_AND_TAGS = "Name and tags", "名前とタグ";
    NAME_IT = "Set the name", "名前を設定";
    NAMED = "The name was set", "名前を設定しました";
    TAG_KEY = "Key", "キー";
    TAG_VALUE = "Value", "値";
    TAG_ADD = "Set the tag", "タグを設定";
    TAG_REMOVE = "Remove the tag {key}", "タグ {key} を削除";
    TAGS_CHANGED = "The tags were changed", "タグを変更しました";

    SAVE = "Save as image", "イメージとして保存";
    SAVE_LEAD = "The root disk becomes an image, of which other instances can be launched. Other disks are not saved.", "ルートディスクからイメージを作成します。作成したイメージから別のインスタンスを起動できます。その他のディスクは保存されません。";
    IMAGE_NAME = "Name of the image", "イメージの名前";
    IMAGE_NAME_HINT = "3 to 128 letters, digits and ( ) . - / _", "3〜128 文字。英数字と ( ) . - / _ が使えます";
    DESCRIPTION = "Description", "説明";
    DESCRIPTION_HINT = "At most 255 characters", "255 文字以内";
    SAVE_REST = "While its disk is saved", "保存中のインスタンス";
    SAVE_REBOOT = "Shut it down and start it again", "シャットダウンし、保存後に起動する";
    SAVE_REBOOT_MEANS = "The image is as whole as after a clean shutdown.", "正常にシャットダウンした状態で保存されます。";
    SAVE_NO_REBOOT = "Let it run on", "実行したまま保存する";
    SAVE_NO_REBOOT_MEANS = "Nobody is interrupted; what the guest has not written to disk yet is not in the image.", "処理は中断されません。ディスクに書き込まれていないデータは含まれません。";
    SAVING = "The image is being made", "イメージを作成しています";
    SAVING_TEXT = "How far it is stands below; the image can be launched when it is done.", "進み具合は下に表示されます。完了すると、このイメージから起動できます。";
    SAVED_AS_IMAGE = "Saved as an image:", "イメージとしての保存:";
    TASK_PENDING = "waiting", "待機中";
    TASK_SHUTDOWN = "shutting down", "シャットダウン中";
    TASK_BUNDLING = "copying", "コピー中";
    TASK_STORING = "storing", "格納中";
    TASK_CANCELLING = "cancelling", "中止処理中";
    TASK_COMPLETE = "done", "完了";
    TASK_FAILED = "failed", "失敗";
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

/// What some states mean to whoever waits.
pub(crate) const STATES_MEAN: [(&str, Text); 4] = [
    ("pending", PENDING_MEANS),
    ("stopping", STOPPING_MEANS),
    ("stopped", STOPPED_MEANS),
    ("terminated", TERMINATED_MEANS),
];

/// How far an instance is with being saved, as people call it, and its colour.
pub(crate) fn task(state: &str) -> (Text, &'static str) {
    match state {
        "pending" => (TASK_PENDING, "busy"),
        "waiting-for-shutdown" => (TASK_SHUTDOWN, "busy"),
        "bundling" => (TASK_BUNDLING, "busy"),
        "storing" => (TASK_STORING, "busy"),
        "cancelling" => (TASK_CANCELLING, "busy"),
        "complete" => (TASK_COMPLETE, "good"),
        "failed" => (TASK_FAILED, "bad"),
        _ => (OTHER_STATE, "still"),
    }
}
