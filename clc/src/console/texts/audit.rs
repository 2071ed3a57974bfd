//! The record of what was asked of the cloud.

use crate::console::text::texts;

texts! {
    AUDIT = "Audit log", "監査ログ";
    ACTIVITY = "Activity", "アクティビティ";
    LEAD_ALL = "Every call of EC2, S3, IAM, STS and of the console, everybody's, the newest first.", "EC2、S3、IAM、STS、コンソールの呼び出しを、全ユーザーについて新しい順に表示します。";
    LEAD_OWN = "What was asked of the cloud in your account, the newest first.", "ご利用のアカウントで行われた操作を、新しい順に表示します。";
    SINCE = "Since (UTC)", "開始日時 (UTC)";
    UNTIL = "Until (UTC)", "終了日時 (UTC)";
    ACCOUNT = "Account number", "アカウント番号";
    USER = "User or role", "ユーザーまたはロール";
    EVENT = "Event", "イベント名";
    EVENT_HINT = "As RunInstances", "例: RunInstances";
    SERVICE = "Service", "サービス";
    RESOURCE = "Resource", "リソース";
    RESOURCE_HINT = "An id or an ARN", "ID または ARN";
    ACCESS_KEY = "Access key", "アクセスキー";
    KIND = "Kind", "種別";
    CHANGES = "Changes", "変更";
    READS = "Reads", "参照";
    FIND = "Search", "検索";
    MORE = "More conditions", "詳細条件";
    WHEN = "When", "日時";
    WHO = "Who", "実行者";
    FROM = "From", "接続元";
    RESULT = "Result", "結果";
    DONE = "done", "成功";
    NOBODY = "nobody proved to be anybody", "認証なし";
    NONE = "Nothing that matches is on record. Leave out conditions, or look at an earlier time.", "一致する記録はありません。条件を減らすか、期間を変えてください。";
    FURTHER = "Nothing on this page, but the log goes on.", "このページに該当はありません。次のページへ進んでください。";
    AS_CSV = "Keep as CSV", "CSV をダウンロード";
    AS_JSON = "Keep as JSON", "JSON をダウンロード";
    BOUND = "At most {count} records.", "最大 {count} 件。";
    DETAIL = "Event", "イベントの詳細";
    BACK = "To the log", "ログへ戻る";
    GONE = "There is no such record, or you may not see it.", "記録がないか、表示する権限がありません。";
    REQUEST = "What was said", "リクエスト";
    WHOLE = "Everything, as CloudTrail has it", "全項目 (CloudTrail 形式)";
    AGENT = "Client", "クライアント";
    REQUEST_ID = "Request id", "リクエスト ID";
    RESOURCES = "On what", "対象";
    NO_PARAMETERS = "nothing", "なし";
    VERIFY = "Verify the log", "ログを検証";
    VERIFY_LEAD = "Reads all logs from their beginnings and tells the first record that was changed, moved or is missing. It may take a while.", "すべてのログを最初から読み、変更・移動・欠落した最初の記録を報告します。時間がかかることがあります。";
    SOUND = "All logs are as they were written.", "すべてのログは書き込まれたままの状態です。";
    FAULTY = "A log is not as it was written, or could not be read.", "改変されたログ、または読めないログがあります。";
    LOG = "Log", "ログ";
    FIRST = "First record", "最初の記録";
    LAST = "Last record", "最後の記録";
    HASH = "Hash of the last record", "最後の記録のハッシュ";
    STATE = "State", "状態";
    FINE = "sound", "正常";
    KEEP_HASH = "Keep these hashes elsewhere: with them it can be told later that nothing before was changed.", "このハッシュを別の場所に保管すると、以前の記録が変更されていないことを後から確認できます。";
}
