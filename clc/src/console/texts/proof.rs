//! Proving again who one is.

use crate::console::text::texts;

texts! {
    TITLE = "Confirm that it is you", "本人確認";
    LEAD = "This needs your password once more. Then it is done at once, as you asked for it.", "この操作にはパスワードの再入力が必要です。確認後、操作はそのまま実行されます。";
    PASSWORD = "Your password", "あなたのパスワード";
    CODE = "Code of your second factor", "二要素認証コード";
    CODE_HINT = "The six digits that your device shows now.", "認証デバイスに表示されている 6 桁の数字です。";
    GO_ON = "Confirm and go on", "確認して実行";
    NOT_NOW = "Do not do it", "実行しない";
    DONE = "Your file is ready", "ファイルの準備ができました";
    DONE_TEXT = "Save it now: it is not kept here.", "今すぐ保存してください。ここには保管されません。";
    SAVE = "Save {name}", "{name} を保存";
    BACK = "Back", "戻る";
    LOST = "Nothing was done", "実行されませんでした";
    LOST_TEXT = "Passwords and codes that you typed are kept for five minutes alone. Begin again.", "入力されたパスワードやコードの保持は 5 分間だけです。最初からやり直してください。";
}
