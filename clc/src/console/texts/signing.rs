//! Signing in, applying, recovering, confirming.

use crate::console::text::texts;

texts! {
    SIGN_IN = "Sign in", "サインイン";
    ACCOUNT = "Account", "アカウント名";
    ACCOUNT_HINT = "The name under which you were registered.", "登録時の名前です。";
    USER = "User in the account", "アカウント内のユーザー名";
    USER_HINT = "Leave it empty if you own the account.", "アカウントの所有者は空欄のままにしてください。";
    PASSWORD = "Password", "パスワード";
    CODE = "Code of your second factor", "二要素認証コード";
    CODE_HINT = "The six digits that your device shows now.", "認証デバイスに表示されている 6 桁の数字です。";
    CODE_TITLE = "Second factor", "二要素認証";
    CODE_GONE = "It took too long: begin again with your password.", "時間切れです。パスワードの入力からやり直してください。";
    FORGOTTEN = "Forgot the password?", "パスワードを忘れた場合";
    APPLY_LINK = "Apply for an account", "アカウントを申請する";
    SIGNED_OUT = "You are signed out.", "サインアウトしました。";

    APPLY = "Apply for an account", "アカウントの申請";
    APPLY_LEAD = "An administrator looks at each application. What becomes of it is told by mail.", "申請は管理者が確認します。結果はメールでお知らせします。";
    NAME_WANTED = "Account name", "希望するアカウント名";
    NAME_WANTED_HINT = "1 to 30 letters, digits and - . @ _", "半角英数字と - . @ _ で 1～30 文字";
    FULL_NAME = "Full name", "氏名";
    EMAIL = "Mail address", "メールアドレス";
    TELEPHONE = "Telephone", "電話番号";
    AFFILIATION = "Affiliation", "所属";
    PROJECT_LEADER = "Project leader", "プロジェクト責任者";
    PROJECT = "What the project is about", "プロジェクトの概要";
    NEW_PASSWORD = "New password", "新しいパスワード";
    NEW_PASSWORD_HINT = "8 characters at least; not your name, and none of those that everybody tries first.", "8 文字以上。名前や推測されやすいものは使えません。";
    AGAIN = "The new password again", "新しいパスワード (確認)";
    SEND_APPLICATION = "Send the application", "申請を送信";
    APPLIED = "The application was taken", "申請を受け付けました";
    APPLIED_TEXT = "Look into your mailbox: what becomes of the application is told there.", "結果はメールでお知らせします。メールをご確認ください。";

    RECOVER_ASK = "Forgotten password", "パスワードの再設定";
    RECOVER_LEAD = "If there is such an account with a mail address, a link goes there by which a new password can be set.", "該当するアカウントにメールアドレスが登録されていれば、再設定用のリンクを送信します。";
    SEND_LINK = "Send the link", "リンクを送信";
    LINK_SENT = "The request was taken", "受け付けました";
    LINK_SENT_TEXT = "If there is such an account, a mail is on its way. The link in it is good for a while and once.", "該当するアカウントがあれば、メールを送信します。リンクは期限内に一度だけ使えます。";

    RECOVER = "Set a new password", "新しいパスワードの設定";
    CONFIRM = "Confirm your account", "アカウントの確認";
    LINK_LEAD = "These two fields come from the link in the mail. If they are empty, copy them: the name stands behind the #, the code behind the last stroke.", "次の 2 項目はメールのリンクから入力されます。空欄の場合は、リンクの # の後の名前と、最後の / の後のコードを入力してください。";
    LINK_NAME = "Name", "名前";
    LINK_CODE = "Code", "確認コード";
    CONFIRM_PASSWORD_LEAD = "If you chose a password with your application, leave these empty. If an administrator registered you, choose one here.", "申請時にパスワードを決めた場合は空欄のままにしてください。管理者が登録した場合は、ここで決めてください。";
    CONFIRM_DO = "Confirm", "確認する";
    CONFIRMED = "Your account is confirmed", "アカウントが確認されました";
    CONFIRMED_TEXT = "You can sign in now.", "サインインできます。";
    ADDRESS_CONFIRM = "Confirm your new mail address", "新しいメールアドレスの確認";
    ADDRESS_CONFIRMED = "The new mail address is yours", "新しいメールアドレスを登録しました";
    ADDRESS_CONFIRMED_TEXT = "Mails about your account go there from now on.", "今後、アカウントに関するメールはこのアドレスに送信されます。";
    RECOVERED = "The new password is set", "パスワードを設定しました";
    RECOVERED_TEXT = "All sessions that were open are over. Sign in with the new password.", "開いていたセッションはすべて終了しました。新しいパスワードでサインインしてください。";
}
