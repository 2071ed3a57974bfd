//! Key pairs.

use crate::console::text::texts;

texts! {
    KEY_PAIRS = "Key pairs", "キーペア";
    LEAD = "A key pair lets you sign in to your instances by SSH. The cloud keeps the public half and gives it to the instances you launch with it; the private half is yours alone.", "キーペアは、インスタンスに SSH で接続するときに使います。公開鍵はクラウドに保存され、起動するインスタンスに渡されます。秘密鍵はご自身だけが保管します。";
    NAME = "Name", "名前";
    KIND = "Type", "種類";
    FINGERPRINT = "Fingerprint", "フィンガープリント";
    CREATED = "Created", "作成日時";
    USED_BY = "Used by", "使用中";
    USED_ONE = "1 instance", "インスタンス 1 件";
    USED_MANY = "{count} instances", "インスタンス {count} 件";
    UNUSED = "no instance", "なし";
    SEARCH_HINT = "Name, id or fingerprint", "名前、ID、フィンガープリント";
    NONE = "There are no key pairs yet. Create one, or import the public key that you use already.", "キーペアはまだありません。新しく作成するか、すでにお使いの公開鍵をインポートしてください。";
    NONE_MATCH = "No key pair matches.", "一致するキーペアはありません。";
    SHOWN = "{count} key pairs", "{count} 件のキーペア";
    SHOWN_ONE = "1 key pair", "キーペア 1 件";
    DELETE = "Delete", "削除";
    DELETE_OF = "the key pair {name}", "キーペア {name}";
    DELETE_SURE = "Delete the key pair {name}? Instances that were launched with it keep it; new ones cannot have it any more.", "キーペア {name} を削除しますか？ すでに起動したインスタンスの鍵はそのまま残りますが、新しいインスタンスには使えなくなります。";
    DELETED = "The key pair was deleted", "キーペアを削除しました";
    IMPORTED = "The key pair was imported", "キーペアをインポートしました";

    CREATE = "Create key pair", "キーペアを作成";
    CREATE_LEAD = "The private key is shown once, on the page that follows. It is kept nowhere in the cloud, so nobody can give it to you again.", "秘密鍵は次のページで一度だけ表示されます。クラウドには保存されないため、再発行はできません。";
    NAME_HINT = "1 to 255 characters", "1〜255 文字";
    RSA = "RSA, 2048 bits", "RSA (2048 ビット)";
    RSA_HINT = "Understood by every SSH client", "すべての SSH クライアントで利用できます";
    ED25519 = "ED25519", "ED25519";
    ED25519_HINT = "Short and quick; not for guests or clients from before 2014", "短く高速です。2014 年より前のゲストやクライアントでは使えません";
    MADE = "Save the private key now", "秘密鍵を今すぐ保存してください";
    MADE_TEXT = "This is the only time you see it. When you leave this page, it is gone.", "表示されるのは今回だけです。このページを離れると、二度と表示できません。";
    PRIVATE_KEY = "Private key of {name}", "{name} の秘密鍵";
    DOWNLOAD = "Download {file}", "{file} をダウンロード";
    KEEP = "Keep the file where only you can read it, or SSH will not take it:", "ファイルは自分だけが読めるようにしてください。そうしないと SSH で使えません。";
    SAVED = "I have saved it: to my key pairs", "保存しました。キーペア一覧へ";

    IMPORT = "Import key pair", "キーペアをインポート";
    IMPORT_LEAD = "Give the public half of a key that you have: the private one stays with you.", "お持ちの鍵の公開鍵を登録します。秘密鍵を渡す必要はありません。";
    MATERIAL = "Public key", "公開鍵";
    MATERIAL_HINT = "One line that begins with ssh-rsa or ssh-ed25519, as in ~/.ssh/id_ed25519.pub, or a PEM or RFC 4716 block. RSA of 1024 to 16384 bits, or Ed25519.", "ssh-rsa または ssh-ed25519 で始まる 1 行 (例: ~/.ssh/id_ed25519.pub)、または PEM、RFC 4716 形式。RSA 1024〜16384 ビット、または Ed25519。";
    FILE = "Or read it from a file", "またはファイルから読み込む";
    FILE_UNUSABLE = "This file holds no public key", "このファイルは公開鍵ではありません";
}
