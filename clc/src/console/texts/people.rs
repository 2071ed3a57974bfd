//! Users of the cloud, as its administrators see them: registrations, applications, deletion.

use common::wire::people::{Registered, Standing};

use crate::console::text::{Text, texts};

texts! {
    USERS = "Users", "ユーザー";
    WAITING = "Applications", "申請";
    WAITING_ONE = "1 application waits for you", "申請が 1 件あります";
    WAITING_MANY = "{count} applications wait for you", "申請が {count} 件あります";
    WAITING_HERE = "waiting", "件の申請";
    LOOK_AT_THEM = "Look at them", "申請を確認する";
    NOBODY_WAITS = "Nobody waits. Whoever applies for an account at the console stands here, and is told to the mail address of the setting people.signup_address.", "承認待ちの申請はありません。コンソールから申請があるとここに表示され、設定 people.signup_address のメールアドレスに通知されます。";
    WAITING_LEAD = "Nothing of what applicants write has been checked. Whoever is approved gets a mail with a link, and can use the cloud after following it.", "申請者の記入内容は確認されていません。承認すると確認リンクがメールで送信され、リンクを開いた後に利用できるようになります。";
    SEARCH_HINT = "Name, number, mail address, full name or affiliation", "名前、番号、メールアドレス、氏名、所属";
    STATE = "State", "状態";
    NONE = "There are no users yet. Add one, or tell people to apply at the sign-in page.", "ユーザーはまだいません。追加するか、サインインページから申請してもらってください。";
    NONE_MATCH = "No user matches.", "一致するユーザーはいません。";
    ADD = "Add a user", "ユーザーを追加";
    NAME = "Name", "名前";
    NUMBER = "Account number", "アカウント番号";
    FULL_NAME = "Full name", "氏名";
    EMAIL = "Mail address", "メールアドレス";
    TELEPHONE = "Telephone", "電話番号";
    AFFILIATION = "Affiliation", "所属";
    PROJECT_LEADER = "Project leader", "プロジェクト責任者";
    PROJECT = "What the project is about", "プロジェクトの概要";
    MAIL_LANGUAGE = "Language of mails", "メールの言語";
    LANGUAGE_OF_CLOUD = "That of the cloud", "クラウドの設定に従う";
    ZONE_GROUPS = "Zone groups", "ゾーングループ";
    APPLIED_AT = "Applied", "申請日時";
    APPROVED_AT = "Approved", "承認日時";
    CONFIRMED_AT = "Confirmed", "確認日時";
    SINCE = "Account since", "アカウント作成日時";
    NOT_SAID = "not said", "未記入";

    ACTIVE = "active", "有効";
    DISABLED = "disabled", "無効";
    APPLIED = "waits for approval", "承認待ち";
    TO_CONFIRM = "not confirmed yet", "未確認";
    LEAVING = "being deleted", "削除処理中";
    ACTIVE_MEANS = "The user can use the console, the APIs and S3.", "コンソール、API、S3 を利用できます。";
    DISABLED_MEANS = "The user can use nothing: not the console, not the APIs, not S3. Instances go on running.", "コンソール、API、S3 のいずれも利用できません。インスタンスは動作し続けます。";
    APPLIED_MEANS = "An administrator has to decide. Until then the user can use nothing.", "管理者の承認が必要です。承認されるまで何も利用できません。";
    TO_CONFIRM_MEANS = "The user has to follow the link of the mail. Until then the user can use nothing.", "ユーザーがメールのリンクを開く必要があります。それまで何も利用できません。";
    LEAVING_MEANS = "The user can use nothing any more, and is gone as soon as nothing is left of what they owned.", "すでに何も利用できません。所有物の処理が終わると削除されます。";

    APPROVE = "Approve", "承認";
    APPROVE_CONFIRM = "Approve {name}? A mail with a link goes to {email}.", "{name} を承認しますか? 確認リンクを {email} に送信します。";
    REJECT = "Reject", "却下";
    SEND_AGAIN = "Send the mail once more", "メールを再送信";
    CONFIRM_BY_HAND = "Confirm without a mail", "メールなしで確認済みにする";
    CONFIRM_SURE = "Let this user in without having proven the mail address?", "メールアドレスの確認なしで利用を許可しますか?";
    UNSENT = "No mail goes out", "メールは送信されません";
    UNSENT_TEXT = "The cloud has no mail server, or the user no mail address. Confirm without a mail instead.", "メールサーバーまたはメールアドレスが設定されていません。メールなしで確認済みにしてください。";
    ENABLE = "Enable", "有効化";
    DISABLE = "Disable", "無効化";
    DISABLE_SURE = "Disable {name}? They are signed out at once, and their keys are refused.", "{name} を無効化しますか? ただちにサインアウトされ、アクセスキーも拒否されます。";
    EDIT = "Change contact data", "連絡先の変更";
    SET_PASSWORD = "Set a first password", "初期パスワードの設定";
    DELETE = "Delete", "削除";

    REJECT_TITLE = "Reject an application", "申請の却下";
    REJECT_LEAD = "Nothing of the application stays, and the name is free. The applicant gets a mail.", "申請の内容はすべて削除され、名前は再び使えるようになります。申請者にはメールで通知されます。";
    REASON = "Reason", "理由";
    REASON_HINT = "It stands in the mail, as you write it.", "記入した内容がそのままメールに記載されます。";
    REJECT_DO = "Reject the application", "申請を却下する";
    LANDING_LEAD = "The name comes from the link in the mail. If the field is empty, type it: it stands behind the # of the link.", "名前はメールのリンクから入力されます。空欄の場合は、リンクの # の後の名前を入力してください。";
    SHOW_APPLICATION = "Show the application", "申請を表示";
    DECIDED = "There is nothing to decide about {name} any more.", "{name} の申請はすでに処理されています。";

    ADD_LEAD = "The user gets an account of that name.", "この名前のアカウントが作成されます。";
    NAME_HINT = "1 to 30 letters, digits and - . @ _", "半角英数字と - . @ _ で 1～30 文字";
    FIRST_PASSWORD = "First password", "初期パスワード";
    FIRST_PASSWORD_HINT = "Tell it to the user: it is shown here and never again. It has to be changed at the first sign-in.", "ユーザーに伝えてください。この画面以外では表示されません。最初のサインイン時に変更が必要です。";
    HOW = "How the user comes in", "登録方法";
    AT_ONCE = "At once, with the first password below", "すぐに利用できるようにする (下の初期パスワードを使用)";
    BY_MAIL = "After confirming the mail address: the user gets a link, and chooses a password there", "メールアドレスの確認後に利用できるようにする (ユーザーがリンク先でパスワードを設定)";
    NO_MAILS = "This cloud has no mail server ([mail] in clc.toml), so no mails are sent.", "メールサーバーが設定されていないため ([mail] in clc.toml)、メールは送信されません。";
    ADD_DO = "Add the user", "ユーザーを追加する";
    ADMINISTRATORS = "Another administrator of the cloud is a user inside this account with the policy AdministratorAccess:", "クラウドの管理者を追加するには、このアカウント内にユーザーを作成し、ポリシー AdministratorAccess をアタッチします:";
    SAVE = "Save", "保存";

    EDIT_LEAD = "What stands in a field is what will be known. Whoever reads mails to this address can have the password set anew.", "各項目の内容がそのまま登録されます。このアドレスのメールを読める人はパスワードを再設定できます。";
    SET_PASSWORD_LEAD = "All sessions of {name} end, and the new password has to be changed at the next sign-in.", "{name} のセッションはすべて終了し、次のサインイン時に新しいパスワードの変更が必要です。";
    SET_PASSWORD_DO = "Set this password", "このパスワードを設定";

    SIGN_IN = "Signing in", "サインイン";
    PASSWORD = "Password", "パスワード";
    PASSWORD_NONE = "none: the user cannot sign in at the console", "未設定 (コンソールにサインインできません)";
    PASSWORD_SINCE = "set", "設定日時:";
    MUST_CHANGE = "has to be changed", "変更が必要";
    FACTOR = "Second factor", "二要素認証";
    FACTOR_ON = "in use", "使用中";
    FACTOR_OFF = "none", "なし";
    FACTOR_RESET = "Take the second factor away", "二要素認証を解除";
    FACTOR_SURE = "Let {name} sign in by the password alone? Do it only if you know who asks.", "{name} がパスワードだけでサインインできるようにしますか? 本人からの依頼であることを確認してください。";
    SESSIONS = "Sessions", "セッション";
    LAST_SEEN = "Last seen at the console", "コンソールの最終利用";
    NEVER_SEEN = "not lately", "最近の利用なし";
    END_SESSIONS = "End all sessions", "すべてのセッションを終了";
    END_SESSIONS_SURE = "Sign {name} and all users of the account out everywhere?", "{name} のアカウントの全ユーザーをサインアウトさせますか?";

    CREDENTIALS = "Credentials", "認証情報";
    KEYS = "Access keys", "アクセスキー";
    NO_KEYS = "none", "なし";
    KEY_OFF = "inactive", "無効";
    CERTIFICATES = "Active certificates", "有効な証明書";
    ZIP = "Download a credentials zip", "認証情報 (zip) をダウンロード";
    ZIP_KEYS = "Download access keys only", "アクセスキーのみダウンロード";
    ZIP_SURE = "Make credentials of {name}? Whoever has them can do all that {name} can. Each zip holds a new certificate; old ones stay good.", "{name} の認証情報を作成しますか? これを持つ人は {name} のすべての操作を行えます。zip ごとに新しい証明書が作成され、以前のものも有効なままです。";

    USE = "Use and quotas", "使用状況とクォータ";
    WHAT = "What", "項目";
    IN_USE = "In use", "使用量";
    AT_MOST = "At most", "上限";
    NO_LIMIT = "no limit", "なし";
    CHANGE_QUOTAS = "Change quotas", "クォータの変更";
    OWNS = "What it owns", "所有物";
    OWNS_NOTHING = "Neither instances, images, bundle tasks nor key pairs.", "インスタンス、イメージ、バンドルタスク、キーペアはありません。";
    LATEST = "Latest events", "最近のイベント";
    ALL_EVENTS = "All events of this account", "このアカウントのすべてのイベント";
    NO_EVENTS = "Nothing is on record.", "記録はありません。";

    DELETE_TITLE = "Delete a user", "ユーザーの削除";
    DELETE_LEAD = "From the moment on that you say so {name} can use nothing any more. The rest goes on by itself and is shown on the page of the user.", "実行した時点で {name} は何も利用できなくなります。残りの処理は自動的に進み、ユーザーのページに表示されます。";
    DELETE_OWNS = "{name} owns this:", "{name} の所有物:";
    DELETE_BUCKETS = "Buckets are not listed here; they are treated alike.", "バケットはここに表示されませんが、同様に処理されます。";
    WHAT_BECOMES = "What becomes of it", "所有物の扱い";
    REFUSE = "Delete the user only if nothing is owned", "所有物がない場合のみ削除する";
    GIVE = "Give everything to another user: instances go on running, images keep their ids, buckets their names", "すべて別のユーザーに譲渡する (インスタンスは動作を継続し、イメージ ID とバケット名も変わりません)";
    END = "End everything: instances are terminated, images deregistered, key pairs and buckets deleted with all objects. It cannot be undone.", "すべて削除する (インスタンスの終了、イメージの登録解除、キーペア・バケット・全オブジェクトの削除)。元に戻せません。";
    HEIR = "The name of who gets it", "譲渡先のユーザー名";
    HEIR_HINT = "Only with the second choice. Their quotas must allow all of it.", "譲渡する場合のみ入力してください。譲渡先のクォータの範囲内である必要があります。";
    NAME_AGAIN = "To be sure, type the name of the user", "確認のため、ユーザー名を入力してください";
    DELETE_DO = "Delete this user", "このユーザーを削除する";
    DELETE_UNDER_WAY = "The deletion is under way. Choosing again changes what happens to what is left.", "削除処理中です。もう一度選択すると、残っているものの扱いを変更できます。";
    LEFT = "What is left", "残っているもの";
    GIVEN_TO = "Goes to", "譲渡先";
    ENDS = "nobody: it ends", "なし (削除)";
    FAILED = "The last step failed, and is tried again", "直前の処理に失敗したため再試行します";
    GONE = "The user is gone", "ユーザーは削除されました";
    GONE_TEXT = "The name is free again.", "この名前は再び使用できます。";
    ALL_USERS = "All users", "ユーザー一覧";

    DONE_ADDED = "{name} was added.", "{name} を追加しました。";
    DONE_ADDED_MAIL = "{name} was added. A mail with a link is on its way.", "{name} を追加しました。確認リンクをメールで送信します。";
    DONE_APPROVED = "{name} was approved. A mail with a link is on its way.", "{name} を承認しました。確認リンクをメールで送信します。";
    DONE_CONFIRMED = "{name} is confirmed and can sign in.", "{name} は確認済みになり、サインインできます。";
    DONE_REJECTED = "The application of {name} was turned down.", "{name} の申請を却下しました。";
    DONE_ENABLED = "{name} can use the cloud again.", "{name} を有効化しました。";
    DONE_DISABLED = "{name} can use nothing any more.", "{name} を無効化しました。";
    DONE_SAVED = "The contact data were saved.", "連絡先を保存しました。";
    DONE_PASSWORD = "The password was set. {name} has to change it at the next sign-in.", "パスワードを設定しました。{name} は次のサインイン時に変更が必要です。";
    DONE_FACTOR = "{name} signs in by the password alone now.", "{name} はパスワードだけでサインインできます。";
    DONE_SESSIONS = "All sessions of {name} were ended.", "{name} のセッションをすべて終了しました。";
    DONE_DELETED = "{name} was deleted.", "{name} を削除しました。";
    DONE_LEAVING = "The deletion of {name} has begun.", "{name} の削除を開始しました。";

    HELD_INSTANCES = "Instances", "インスタンス";
    HELD_ACTIVE = "Instances that are not stopped", "停止していないインスタンス";
    HELD_CPUS = "Virtual processors in use", "使用中の仮想 CPU";
    HELD_MEMORY = "Memory in use (MiB)", "使用中のメモリ (MiB)";
    HELD_DISK = "Disks of instances (GiB)", "インスタンスのディスク (GiB)";
    HELD_IMAGES = "Images", "イメージ";
    HELD_USERS = "Users of IAM, the owner included", "IAM ユーザー (所有者を含む)";
    HELD_GROUPS = "Groups of IAM", "IAM グループ";
    HELD_ROLES = "Roles", "ロール";
    HELD_PROFILES = "Instance profiles", "インスタンスプロファイル";
    HELD_POLICIES = "Managed policies", "管理ポリシー";
}

/// What quotas count, by their condition keys.
pub(crate) const HELD: [(&str, Text); 11] = [
    ("ec2:quota-vminstancenumber", HELD_INSTANCES),
    ("ec2:quota-vminstanceactivenumber", HELD_ACTIVE),
    ("ec2:quota-cputotalsize", HELD_CPUS),
    ("ec2:quota-memorytotalsize", HELD_MEMORY),
    ("ec2:quota-disktotalsize", HELD_DISK),
    ("ec2:quota-imagenumber", HELD_IMAGES),
    ("iam:quota-usernumber", HELD_USERS),
    ("iam:quota-groupnumber", HELD_GROUPS),
    ("iam:quota-rolenumber", HELD_ROLES),
    ("iam:quota-instanceprofilenumber", HELD_PROFILES),
    ("iam:quota-policynumber", HELD_POLICIES),
];

/// What a page says after something was done, by the word in its address.
pub(crate) const DONE: [(&str, Text); 14] = [
    ("added", DONE_ADDED),
    ("mailed", DONE_ADDED_MAIL),
    ("approved", DONE_APPROVED),
    ("confirmed", DONE_CONFIRMED),
    ("rejected", DONE_REJECTED),
    ("enabled", DONE_ENABLED),
    ("disabled", DONE_DISABLED),
    ("saved", DONE_SAVED),
    ("password", DONE_PASSWORD),
    ("factor", DONE_FACTOR),
    ("sessions", DONE_SESSIONS),
    ("deleted", DONE_DELETED),
    ("leaving", DONE_LEAVING),
    ("decided", DECIDED),
];

/// How an account stands: what it is called, how it is coloured, what it means.
pub(crate) fn state(it: &Registered) -> (Text, &'static str, Text) {
    match it.standing {
        _ if it.deletion.is_some() => (LEAVING, "busy", LEAVING_MEANS),
        _ if !it.enabled => (DISABLED, "bad", DISABLED_MEANS),
        Standing::Applied => (APPLIED, "busy", APPLIED_MEANS),
        Standing::Approved => (TO_CONFIRM, "busy", TO_CONFIRM_MEANS),
        Standing::Confirmed => (ACTIVE, "good", ACTIVE_MEANS),
    }
}
