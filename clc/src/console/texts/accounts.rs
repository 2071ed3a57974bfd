//! One's own account: password, sessions, and the first configuration of the cloud.

use crate::console::text::texts;

texts! {
    DASHBOARD = "Dashboard", "ダッシュボード";
    CHANGE_PASSWORD = "Change password", "パスワードの変更";
    OLD_PASSWORD = "Password until now", "現在のパスワード";
    MUST_CHANGE = "Before you go on, set a password of your own: the one you used was set by somebody else, or is too old.", "続行する前に、新しいパスワードを設定してください。現在のものは管理者が設定したか、古くなっています。";
    CHANGE_ENDS = "All your other sessions end.", "他のセッションはすべて終了します。";
    PASSWORD_CHANGED = "The password was changed.", "パスワードを変更しました。";

    SESSIONS = "Sessions", "セッション";
    SESSIONS_LEAD = "Where you are signed in. End what you do not know, and change your password then.", "サインイン中の一覧です。心当たりのないものは終了し、パスワードを変更してください。";
    THIS_ONE = "this one", "現在のセッション";
    BEGUN = "Since", "開始";
    LAST_USED = "Last used", "最終利用";
    FROM = "From", "接続元";
    BROWSER = "Browser", "ブラウザー";
    WITH_FACTOR = "with a second factor", "二要素認証あり";
    END = "End", "終了";
    END_OF = "End the session from {from}", "{from} からのセッションを終了";
    END_CONFIRM = "End this session?", "このセッションを終了しますか?";
    END_OTHERS = "End all others", "他をすべて終了";
    ENDED = "The session was ended.", "セッションを終了しました。";
    ENDED_OTHERS = "All other sessions were ended.", "他のセッションをすべて終了しました。";

    FIRST_TIME = "First-time configuration", "初期設定";
    FIRST_TIME_LEAD = "Welcome. Three things are to be said before the cloud is used.", "ようこそ。利用を始める前に、次の 3 つを設定してください。";
    FIRST_MAIL_HINT = "Who applies for an account is told here.", "アカウントの申請がこのアドレスに通知されます。";
    CLOUD_HOST = "Cloud host", "クラウドホスト";
    CLOUD_HOST_HINT = "The name or address under which users reach the cloud. It stands in credentials and in mails.", "利用者がクラウドに接続する名前またはアドレスです。認証情報とメールに記載されます。";
    FIRST_DO = "Save and begin", "保存して開始";

    USAGE = "Usage", "使用状況";
    YOUR_INSTANCES = "Instances", "インスタンス";
    YOUR_IMAGES = "Images of your own", "所有イメージ";
    YOUR_KEYS = "Key pairs", "キーペア";
    OF_LIMIT = "{used} of {limit}", "{limit} 中 {used}";
    NO_LIMIT = "no limit is set", "上限なし";
    STATES = "Instances by state", "状態別インスタンス";
    ACCOUNT_NUMBER = "Account number", "アカウント番号";
    NOT_TOLD = "You may not see this.", "表示する権限がありません。";
}
