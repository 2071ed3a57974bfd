//! Images: machine images, kernels, ramdisks.

use crate::console::text::{Text, texts};

texts! {
    IMAGES = "Images", "イメージ";
    IMAGE = "Image", "イメージ ID";
    ALL_IMAGES = "All images", "イメージ一覧";
    REGISTER = "Register an image", "イメージの登録";
    SEARCH_HINT = "Id, name, description or location", "ID、名前、説明、保存場所";
    VIEW = "Whose", "所有者";
    VIEW_USABLE = "All that you can use", "利用可能なもの";
    VIEW_MINE = "Your own", "自分のイメージ";
    VIEW_SHARED = "Shared with you", "共有されたもの";
    VIEW_PUBLIC = "Public", "パブリック";
    VIEW_EVERY = "All accounts", "全アカウント";
    KIND = "Kind", "種類";
    MACHINE = "Machine image", "マシンイメージ";
    KERNEL = "Kernel", "カーネル";
    RAMDISK = "Ramdisk", "ラムディスク";
    ARCHITECTURE = "Architecture", "アーキテクチャ";
    STATE = "State", "状態";
    OWNER = "Owner", "所有者";
    SIZE = "Size", "サイズ";
    REGISTERED = "Registered", "登録日時";
    PUBLIC = "public", "パブリック";
    DEFAULT = "cloud's default", "既定";
    SHOWN = "{count} images", "{count} 件のイメージ";
    SHOWN_ONE = "1 image", "イメージ 1 件";
    NO_IMAGES = "There are no images here yet.", "イメージはまだありません。";
    NO_IMAGES_NEXT = "Upload a disk image, register a bundle that lies in a bucket, or save one of your instances as an image.", "ディスクイメージのアップロード、バケットにあるバンドルの登録、またはインスタンスの保存によって作成できます。";
    NONE_MATCH = "No image matches.", "一致するイメージはありません。";
    LAUNCH = "Launch an instance", "インスタンスを起動";
    LAUNCH_OF = "Launch an instance of {name}", "{name} からインスタンスを起動";

    PENDING = "being prepared", "準備中";
    AVAILABLE = "available", "利用可能";
    FAILED = "failed", "失敗";
    DEREGISTERED = "deregistered", "登録解除済み";
    OTHER_STATE = "unknown", "不明";
    UNPACKED = "{percent}% checked and unpacked", "検証と展開 {percent}% 完了";
    PENDING_MEANS = "Instances may be launched already: they wait until the image is available.", "この状態でもインスタンスを起動できます。イメージが利用可能になるまで待機します。";
    FAILED_MEANS = "It cannot be launched. Deregister it, put the bundle right or upload it again, and register it once more.", "起動できません。登録を解除し、バンドルを修正または再アップロードしてから、もう一度登録してください。";

    NAME = "Name", "名前";
    NAME_HINT = "3 to 128 letters, digits, blanks and ( ) [ ] . / - ' @ _, unlike the names of your other images. It stays as it is.", "英数字、空白、( ) [ ] . / - ' @ _ を使って 3～128 文字。自分の他のイメージと重複できません。後から変更できません。";
    DESCRIPTION = "Description", "説明";
    DESCRIPTION_HINT = "At most 255 characters.", "255 文字以内。";
    LOCATION = "Manifest", "マニフェスト";
    ROOT_DEVICE = "Root device", "ルートデバイス";
    BOOT = "Boots", "起動方式";
    BOOT_HVM = "by itself (hvm)", "ディスク自身のブートローダー (hvm)";
    BOOT_PV = "with kernel and ramdisk (paravirtual)", "カーネルとラムディスク (paravirtual)";
    PLATFORM = "Platform", "プラットフォーム";
    DEVICES = "More devices", "追加デバイス";
    PRODUCT_CODES = "Product codes", "プロダクトコード";
    NOT_CHOSEN = "what the instance or the cloud says", "起動時の指定またはクラウドの既定値";

    INSTANCES = "Instances that run from it", "このイメージから起動したインスタンス";
    NO_INSTANCES = "None of yours.", "ありません。";
    MORE_INSTANCES = "All of them", "すべて表示";

    SHARING = "Launch permissions", "起動許可";
    IS_PUBLIC = "Every account of this cloud may see and launch it.", "このクラウドのすべてのアカウントが表示・起動できます。";
    IS_PRIVATE = "Only you and the accounts below may see and launch it.", "自分と以下のアカウントだけが表示・起動できます。";
    MAKE_PUBLIC = "Make it public", "パブリックにする";
    MAKE_PUBLIC_CONFIRM = "Let every account of this cloud launch this image? Whatever is on its disk can be read by them: keys and passwords, too.", "すべてのアカウントにこのイメージの起動を許可しますか。ディスク内の内容は、鍵やパスワードも含めて読み取られる可能性があります。";
    MAKE_PRIVATE = "Make it private", "プライベートにする";
    ACCOUNT = "Account", "アカウント";
    ACCOUNT_HINT = "Its number of 12 digits, or its name.", "12 桁のアカウント番号、またはアカウント名。";
    SHARE = "Allow", "許可する";
    UNSHARE = "Remove", "取り消す";
    SHARED_WITH_NONE = "No other account is named.", "個別に許可されたアカウントはありません。";

    EDIT = "Description and tags", "説明とタグ";
    SAVE = "Save", "保存";
    TAGS = "Tags", "タグ";
    TAG_KEY = "Key", "キー";
    TAG_KEY_HINT = "1 to 128 characters. A key that is there gets the new value.", "1～128 文字。既存のキーは新しい値に置き換わります。";
    TAG_VALUE = "Value", "値";
    ADD_TAG = "Set the tag", "タグを設定";
    REMOVE_TAG = "Remove", "削除";
    NO_TAGS = "There are no tags.", "タグはありません。";

    DONE_SHARED = "The launch permissions were changed.", "起動許可を変更しました。";
    DONE_DESCRIBED = "The description was saved.", "説明を保存しました。";
    DONE_TAGGED = "The tags were changed.", "タグを変更しました。";
    DONE_REGISTERED = "The image is registered.", "イメージを登録しました。";
    DONE_REGISTERED_TEXT = "Its parts are being checked and unpacked now.", "パートの検証と展開を行っています。";
    DONE_DEREGISTERED = "The image was deregistered.", "イメージの登録を解除しました。";

    REGISTER_LEAD = "A bundle is an image in encrypted parts and a manifest, made by euca-bundle-image or by saving an instance. Registering checks the manifest, its signature and that every part is there; then the parts are read through and unpacked, and the image becomes available.", "バンドルは、euca-bundle-image やインスタンスの保存で作られる、暗号化されたパートとマニフェストです。登録時にマニフェストと署名、全パートの有無を確認し、その後パートを検証・展開してイメージが利用可能になります。";
    LOCATION_FIELD = "Location of the manifest", "マニフェストの場所";
    LOCATION_HINT = "BUCKET/KEY, as in my-images/server.manifest.xml.", "バケット/キー。例: my-images/server.manifest.xml";
    NAME_FIELD_HINT = "3 to 128 letters, digits, blanks and ( ) [ ] . / - ' @ _. Without one it is made from the location.", "英数字、空白、( ) [ ] . / - ' @ _ を使って 3～128 文字。省略すると場所から作られます。";
    BY_MANIFEST = "What the manifest says", "マニフェストに従う";
    BOOT_HINT = "If nothing is chosen, a whole disk boots by itself and a bare file system with kernel and ramdisk.", "省略した場合、ディスク全体は自身で起動し、ファイルシステムのみのイメージはカーネルとラムディスクで起動します。";
    KERNEL_HINT = "Not for one that boots by itself.", "自身で起動するイメージでは指定しません。";
    ADMIN_KINDS = "As an administrator you can register kernels and ramdisks, too: what it is stands in the manifest. Every account may use them, and the first of each becomes the cloud's default.", "管理者はカーネルとラムディスクも登録できます。種類はマニフェストに記されています。すべてのアカウントが利用でき、最初のものがクラウドの既定になります。";
    REGISTER_NOW = "Register", "登録";

    DEREGISTER = "Deregister", "登録解除";
    DEREGISTER_TITLE = "Deregister {name}", "{name} の登録解除";
    DEREGISTER_LEAD = "Nobody can launch it any more, and it goes from all lists. Instances that run from it go on, and launches that wait for it still get it.", "以後は起動できず、一覧からも消えます。起動済みのインスタンスは影響を受けません。待機中の起動は継続されます。";
    DEREGISTER_LINK = "Deregister this image", "このイメージの登録を解除";
    BUNDLE_STAYS = "Its bundle stays at {location}, from which it can be registered again.", "バンドルは {location} に残り、そこから再登録できます。";
    DONE_DROPPED = "The image was deregistered, and its bundle deleted.", "イメージの登録を解除し、バンドルを削除しました。";
    KEEP_BUNDLE = "Keep it: it can be registered again", "残す (再登録できます)";
    DROP_BUNDLE = "Delete it, too: its manifest and all of its parts. This cannot be undone, and other images that were registered from it can no longer be launched", "削除する (マニフェストと全パート)。元に戻せません。同じバンドルから登録した他のイメージも起動できなくなります";
    BUNDLE = "The bundle at {location}", "{location} のバンドル";
    FIND_BUCKET = "Find a manifest in one of your buckets", "自分のバケットからマニフェストを探す";
    NO_MANIFESTS = "There is no manifest in this bucket.", "このバケットにマニフェストはありません。";

    UPLOAD = "Upload a disk", "ディスクのアップロード";
    UPLOAD_OF = "Upload the disk of {name}", "{name} のディスクをアップロード";
    UPLOAD_LEAD = "A disk or a file system becomes an image: it is brought into a bucket of yours, bundled there, checked and unpacked. Nothing has to be installed for it.", "ディスクまたはファイルシステムからイメージを作成します。自分のバケットにアップロードした後、サーバー側でバンドル化、検証、展開を行います。ツールのインストールは不要です。";
    UPLOAD_FORMATS = "It must be raw (as dd writes it, not compressed). A whole disk with a partition table boots by itself; a bare file system (ext4, XFS, Btrfs…) boots with a kernel and a ramdisk. Convert other formats first: qemu-img convert -O raw disk.qcow2 disk.img", "形式は raw (dd の出力と同じ。非圧縮) です。パーティションテーブルのあるディスクは自身で起動し、ファイルシステムのみ (ext4、XFS、Btrfs など) の場合はカーネルとラムディスクで起動します。他の形式は先に変換してください: qemu-img convert -O raw disk.qcow2 disk.img";
    UPLOAD_NEW = "A new one", "新規アップロード";
    UPLOAD_FILE_LEAD = "Choose the file, or drop it here. When it is there, the image is made of it.", "ファイルを選択するか、ここにドロップしてください。アップロードが終わるとイメージを作成します。";
    UPLOAD_FILE_HINT = "A raw disk or file system, of whole sectors of 512 bytes.", "512 バイト単位の raw ディスクまたはファイルシステム。";
    UPLOAD_RESUME = "If the connection breaks or the browser is closed, open this page again (it is listed under Upload a disk) and choose the same file: what has arrived is not sent again.", "接続が切れたりブラウザを閉じたりした場合は、「ディスクのアップロード」の一覧からこのページを開き、同じファイルを選んでください。届いた部分は再送されません。";
    UNFINISHED = "Not finished yet", "未完了のアップロード";
    UNFINISHED_LEAD = "These were begun, and are no images yet.", "開始されましたが、まだイメージになっていません。";
    GO_ON = "Go on with the upload", "アップロードを再開";
    IMPORT_IT = "Make the image", "イメージを作成";
    SHOW_OBJECT = "Show or delete the disk", "ディスクの表示・削除";
    GIVE_UP = "Give it up", "中止";
    BUCKET = "Bucket", "バケット";
    BUCKET_HINT = "Where the disk goes until it is an image. It is made if it is not there. The disk counts on your storage until then.", "イメージができるまでディスクを置く場所です。なければ作成されます。その間はストレージの使用量に含まれます。";
    TO_THE_FILE = "On to the file", "ファイルの選択へ";
    USUAL = "x86_64 (usual)", "x86_64 (標準)";
    BY_CLOUD = "The cloud's default", "クラウドの既定";
    BARE_HINT = "For a bare file system alone.", "ファイルシステムのみの場合に指定します。";
    IMPORT = "Make an image of a disk in a bucket", "バケットのディスクからイメージを作成";
    IMPORT_LEAD = "The disk (raw) is bundled and registered. It stays where it is unless you want it deleted.", "ディスク (raw) をバンドル化して登録します。削除を選ばない限り、ディスクは元の場所に残ります。";
    IMPORT_GOES = "The disk is there. The image is being made of it; without a script, press the button.", "ディスクのアップロードが完了しました。イメージの作成に進みます。進まない場合はボタンを押してください。";
    DISK_KEY = "Key of the disk", "ディスクのキー";
    DROP_DISK = "Delete the disk from its bucket when the image is there", "イメージができたらバケットからディスクを削除する";
    IMPORT_NOW = "Make the image", "イメージを作成";
    IMPORTS = "Imports", "インポート";
    NO_IMPORTS = "No disk has been imported in the last day.", "過去 1 日以内のインポートはありません。";
    DISK = "Disk", "ディスク";
    IMPORT_PENDING = "waiting", "待機中";
    IMPORT_CONVERTING = "being bundled", "バンドル化中";
    IMPORT_PREPARING = "being checked", "検証中";
    IMPORT_DONE = "done", "完了";
    IMPORT_ENDING = "being cancelled", "キャンセル中";
    IMPORT_ENDED = "ended without an image", "イメージなしで終了";
    IMPORT_PROGRESS = "{percent}% done", "{percent}% 完了";
    CANCEL_CONFIRM = "Cancel this import? What was made of it goes; the disk stays in its bucket.", "このインポートをキャンセルしますか。作成途中のものは削除されます。ディスクはバケットに残ります。";
    AGAIN = "Try again", "再試行";
    DONE_BEGUN = "The image is being made.", "イメージを作成しています。";
    DONE_BEGUN_TEXT = "You may close this page: it goes on without it.", "このページを閉じても処理は続きます。";
    DONE_CANCELLED = "The import is being cancelled.", "インポートをキャンセルしています。";

    CANCEL = "Cancel", "キャンセル";
}

/// The states of images: what the API calls them, what people do, and how they are coloured.
pub(crate) const STATES: [(&str, Text, &str); 3] =
    [("available", AVAILABLE, "good"), ("pending", PENDING, "busy"), ("failed", FAILED, "bad")];

/// The kinds of images: what the API calls them, and what people do.
pub(crate) const KINDS: [(&str, Text); 3] =
    [("machine", MACHINE), ("kernel", KERNEL), ("ramdisk", RAMDISK)];

/// A state as people call it, and its colour.
pub(crate) fn state(name: &str) -> (Text, &'static str) {
    if name == "deregistered" {
        return (DEREGISTERED, "gone");
    }
    let found = STATES.iter().find(|(known, ..)| *known == name);
    found.map_or((OTHER_STATE, "still"), |(_, text, tone)| (*text, *tone))
}

/// A kind as people call it.
pub(crate) fn kind(name: &str) -> Text {
    KINDS.iter().find(|(known, _)| *known == name).map_or(MACHINE, |(_, text)| *text)
}
