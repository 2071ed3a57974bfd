//! Pictures, reports, the map of nodes.

use crate::console::text::texts;

texts! {
    HISTORY = "Use over time", "使用状況の推移";
    RANGE = "How far back", "表示期間";
    HOUR = "Hour", "1 時間";
    DAY = "Day", "1 日";
    WEEK = "Week", "1 週間";
    MONTH = "Month", "1 か月";
    YEAR = "Year", "1 年";
    TWO_YEARS = "Two years", "2 年";
    CPUS = "Processor cores", "プロセッサコア";
    MEMORY = "Memory", "メモリ";
    DISK = "Disk", "ディスク";
    INSTANCES = "Instances", "インスタンス";
    RUNNING_INSTANCES = "Running instances", "実行中のインスタンス";
    NODES = "Nodes", "ノード";
    STORED = "Stored in buckets", "バケットの保存量";
    OBJECTS = "Objects", "オブジェクト数";
    CACHE = "Unbundle cache", "展開イメージのキャッシュ";
    CACHE_WORK = "Unbundle cache: wishes and evictions per minute", "キャッシュの要求と退避 (毎分)";
    REQUESTS = "Requests per minute", "リクエスト (毎分)";
    ERRORS = "Refused or failed per minute", "拒否・失敗したリクエスト (毎分)";
    PROMISED = "given to instances", "割り当て済み";
    THERE = "in all", "合計";
    IN_USE = "in use", "使用中";
    USED = "used", "使用量";
    LIMIT = "limit", "上限";
    RUNNING = "running", "実行中";
    STOPPED = "stopped", "停止";
    PENDING = "pending", "起動中";
    ANSWERING = "answering", "応答あり";
    CONFIGURED = "configured", "設定済み";
    OBJECT_BYTES = "objects and open uploads", "オブジェクトとアップロード中";
    HITS = "found there", "ヒット";
    MISSES = "not there", "ミス";
    EVICTIONS = "evicted", "退避";
    EC2 = "EC2", "EC2";
    IAM = "IAM and others", "IAM ほか";
    S3 = "S3", "S3";
    AS_TABLE = "As a table", "表で見る";
    AS_FILE = "Download as CSV", "CSV をダウンロード";
    FROM_TIME = "From", "開始時刻";
    TIMES_ARE_UTC = "All times are UTC. Where nothing was recorded there is a gap.", "時刻はすべて UTC です。記録のない期間は空白になります。";
    NOTHING_KNOWN = "Nothing was recorded in this time.", "この期間の記録はありません。";
    NO_HISTORY = "Nothing was recorded in this time. A sample is taken every minute while the cloud controller runs.", "この期間の記録はありません。クラウドコントローラーの稼働中は 1 分ごとに記録されます。";
    NO_HISTORY_ACCOUNT = "Nothing was recorded in this time. An account is looked at every ten minutes from its first instance or bucket on.", "この期間の記録はありません。最初のインスタンスまたはバケットができた後、10 分ごとに記録されます。";
    LINE_TOLD = "{name}: {last} at last, between {least} and {most}.", "{name}: 最新 {last}、最小 {least}、最大 {most}。";
    LINE_UNKNOWN = "{name}: not known.", "{name}: 記録なし。";
    EACH_NODE = "Each node", "ノード別";
    NODE_NAMED = "Node {name}", "ノード {name}";
    ACCOUNT_NUMBERED = "Account {number}", "アカウント {number}";
    WHOLE_CLOUD = "The whole cloud", "クラウド全体";
    MAP = "Node map", "ノードマップ";
    REPORTS = "Reports", "レポート";

    MAP_LEAD = "What each node has given to instances, and the instances on it. Nodes that need somebody come first.", "各ノードの割り当て状況とインスタンスです。対応が必要なノードが先頭に表示されます。";
    LOST = "does not answer", "応答なし";
    UNMET = "has not answered yet", "未応答";
    ANSWERS = "answers", "応答あり";
    IN_TRANSITION = "changing", "状態遷移中";
    FAILED = "failed", "失敗";
    NO_NODES = "No node is configured. Nodes stand in the cloud controller's configuration, under [[nodes]].", "ノードが設定されていません。クラウドコントローラーの設定ファイルの [[nodes]] に追加してください。";
    NO_INSTANCES_ON_IT = "no instances", "インスタンスなし";
}
