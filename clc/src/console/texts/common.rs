//! The frame, and words that many pages use.

use crate::console::text::texts;

texts! {
    CLOUD = "Eucalypt", "Eucalypt (ユーカリプト)";
    SKIP = "Skip to the content", "本文へ移動";
    MENU = "Menu", "メニュー";
    PAGES = "Pages", "ページ";
    SIGNED_IN_AS = "Signed in as", "サインイン中:";
    ADMINISTRATOR = "Administrator", "管理者";
    SIGN_OUT = "Sign out", "サインアウト";
    LANGUAGE = "Language", "言語";
    COMPUTE = "Compute", "コンピュート";
    STORAGE = "Storage", "ストレージ";
    PEOPLE = "Users", "ユーザー管理";
    ADMINISTRATION = "Cloud", "クラウド管理";
    YOU = "Your account", "アカウント";
    SEARCH = "Search", "検索";
    ALL_OF_THEM = "All", "すべて";
    NEXT_PAGE = "Next page", "次のページ";
    NONE_MATCH_YET = "None of those that were looked through matches; there may be some on the next page.", "ここまで検索した範囲に一致するものはありません。次のページにある可能性があります。";
    FIRST_PAGE = "First page", "最初のページ";
    OPTIONAL = "optional", "任意";
    REFUSED = "This could not be done", "実行できませんでした";
    NOT_FOUND = "There is no such page", "ページが見つかりません";
    NOT_FOUND_TEXT = "The address may be mistyped, or what was here is gone.", "アドレスが間違っているか、対象がすでに削除されています。";
    NOT_ALLOWED = "This page is for administrators", "管理者専用のページです";
    NOT_ALLOWED_TEXT = "You are signed in as somebody who does not administrate the cloud.", "現在のユーザーにはクラウドの管理権限がありません。";
    STALE = "The form could not be taken", "フォームを受け付けられませんでした";
    STALE_TEXT = "It was opened in another session, or too long ago. Go back, load the page again and send it once more.", "別のセッションで開かれたか、時間が経ちすぎています。前のページに戻り、再読み込みしてからもう一度送信してください。";
    TOO_LARGE = "The form is too large", "フォームのデータが大きすぎます";
    NOT_SO = "The page cannot be asked for in this way", "この方法ではページを要求できません";
    BROKEN = "Something went wrong here", "内部エラーが発生しました";
    BROKEN_TEXT = "It was not your fault. Try again; if it happens again, tell your administrator the number below.", "操作に問題はありません。もう一度お試しください。繰り返す場合は、下の番号を管理者にお知らせください。";
    REQUEST_NUMBER = "Request number", "リクエスト番号";
    ONWARD = "On to the page", "ページへ進む";
    HOME = "To the dashboard", "ダッシュボードへ";
    UPDATED = "The list has changed.", "一覧が更新されました。";
}
