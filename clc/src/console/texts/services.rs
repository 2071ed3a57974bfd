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
    MAILS = "Mails", "メール";
    MAILS_NONE = "No mail waits.", "送信待ちのメールはありません。";
    MAILS_WAIT = "{count} mails wait to be sent.", "送信待ちのメール: {count} 件";
    MAILS_FAILED = "{count} mails were given up: see clc admin describe-mails.", "送信できなかったメール: {count} 件 (clc admin describe-mails で確認できます)";
    MAIL_ERROR = "What the mail server said last", "メールサーバーの最後の応答";
}
