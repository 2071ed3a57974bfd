//! What was done, as lines of clients.

use crate::console::text::texts;

texts! {
    LINES = "As commands", "コマンド";
    LINES_LEAD = "What you did at the console in this session, as you would do it from a terminal or a program; the last first. Nothing of it is kept when the session ends.", "このセッションでコンソールから行った操作を、ターミナルやプログラムから行う場合のコマンドです。新しい順に表示します。セッションが終了すると消えます。";
    LINES_NONE = "You have changed nothing in this session. Do something on a page, and its commands are shown here.", "このセッションではまだ何も変更していません。ページで操作を行うと、そのコマンドがここに表示されます。";
    BEFORE = "Once, before the lines below", "最初に一度だけ実行";
    BEFORE_TEXT = "eucarc comes with the credentials zip. The lines are for a shell where it was sourced, and for Python that is started from there.", "eucarc は認証情報の ZIP に含まれています。以下のコマンドは、これを読み込んだシェルと、そこから起動した Python で実行します。";
    SECRETS = "Secrets stand in no line: a variable such as $PASSWORD is in their place, for you to set.", "パスワードなどの秘密情報は含まれません。代わりに $PASSWORD などの変数が使われています。実行前に設定してください。";
    AS_A_COMMAND = "As a command", "コマンドで行うには";
    ALL_LINES = "All that was done in this session", "このセッションの操作一覧";
    COPY = "Copy", "コピー";
    COPIED = "Copied", "コピーしました";
    NO_LINE = "{client} has no line for this.", "{client} に該当するコマンドはありません。";
    GET_ZIP = "Credentials", "認証情報";
}
