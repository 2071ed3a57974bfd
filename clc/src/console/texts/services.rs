//! Services and their health.

use crate::console::text::texts;

texts! {
    SERVICES = "Services", "サービス";
    LEAD = "The programs that the cloud is made of, as they are now.", "クラウドを構成するサービスの現在の状態です。";
    SERVICE = "Service", "サービス";
    STATE = "State", "状態";
    VERSION = "Version", "バージョン";
    SINCE = "Up since", "起動日時";
    CLOCK = "Clock", "時計のずれ";
    DISK = "Disk", "ディスク";
    UP = "answers", "応答あり";
    AWAY = "does not answer", "応答なし";
    FULL = "disk nearly full", "ディスク残量わずか";
    FREE_OF = "{free} free of {total}", "空き {free} / {total}";
    SKEW_NONE = "right", "正常";
    SKEW = "{seconds} s off", "{seconds} 秒のずれ";
    FULL_TEXT = "Below {reserve} a service refuses what would need more room, and goes on with all else. Make room, or lower the space reserved for unbundling images.", "空きが {reserve} を下回ると、新たな書き込みは拒否されますが、ほかの処理は継続します。空きを増やすか、イメージ展開用の予約領域を小さくしてください。";
    AWAY_TEXT = "Look whether it runs on its host, and whether the network between the hosts is up; clocks that differ by minutes are refused, too.", "ホスト上で動作しているか、ホスト間のネットワークを確認してください。時計が数分以上ずれている場合も通信は拒否されます。";
    LOAD = "Load", "負荷";
    LOAD_OF = "{load} on {cpus} CPUs", "{load} ({cpus} CPU)";
    MEMORY_OF = "{used} of {total} in use", "メモリ {used} / {total}";
    LOAD_MEANS = "Load is how many processes ran or waited to on the host, in the mean of the last minute: more than it has CPUs means that some wait.", "負荷は、直近 1 分間にホストで実行中または実行待ちだったプロセスの平均数です。CPU 数を超えると待ちが生じています。";
    QUEUES = "What waits or is under way", "待機中・処理中";
    QUEUES_NONE = "Nothing waits, and nothing is under way.", "待機中または処理中のものはありません。";
    QUEUE = "What", "内容";
    LENGTH = "How many", "件数";
    Q_LAUNCHES = "instances being launched", "起動中のインスタンス";
    Q_IMAGES = "images being checked or unpacked", "確認・展開中のイメージ";
    Q_IMPORTS = "disks being imported", "インポート中のディスク";
    Q_SAVING = "instances being saved as images", "イメージとして保存中のインスタンス";
    Q_UNPACKING = "images being unpacked into the cache", "キャッシュへ展開中のイメージ";
    Q_UNPACKING_WAITS = "images that wait for room in the cache or their turn", "キャッシュの空きまたは順番を待つイメージ";
    Q_PREPARING = "instances being prepared", "準備中のインスタンス";
    Q_BUNDLING = "instances being bundled, or waiting for it", "バンドル中または待機中のインスタンス";
    CERTIFICATES = "Certificates", "証明書";
    CERTIFICATE = "For", "用途";
    FILE = "File", "ファイル";
    ENDS = "Ends", "有効期限";
    C_HTTPS = "the listeners of https", "https での公開";
    C_CONSOLE = "the console, made by itself", "コンソール (自己署名)";
    C_CLOUD = "bundles of images are encrypted for it", "イメージのバンドルの暗号化";
    ENDED = "has ended", "期限切れ";
    ENDS_SOON = "ends soon", "まもなく期限切れ";
    UNREADABLE = "cannot be read", "読み取り不可";
    CERTIFICATES_TEXT = "A site's certificate is renewed by putting another into its file: it is used within seconds. The console makes its own anew at a start of the clc in the last 60 days.", "サイトの証明書は、ファイルを置き換えると数秒で反映されます。コンソールの自己署名証明書は、期限の 60 日前以降に clc を起動すると作り直されます。";
    MAILS = "Mails", "メール";
    MAILS_NONE = "No mail waits.", "送信待ちのメールはありません。";
    MAILS_WAIT = "{count} mails wait to be sent.", "送信待ちのメール: {count} 件";
    MAILS_FAILED = "{count} mails were given up: see clc admin describe-mails.", "送信できなかったメール: {count} 件 (clc admin describe-mails で確認できます)";
    MAIL_ERROR = "What the mail server said last", "メールサーバーの最後の応答";
}
