//! What there is at a glance.

use crate::console::text::texts;

texts! {
    THE_CLOUD = "The cloud", "クラウド全体";
    ALL_WELL = "Nothing needs you.", "対応が必要な項目はありません。";
    NODES_LOST = "These nodes do not answer: {value}", "応答のないノード: {value}";
    DISKS_FULL = "Disk given away to nine tenths or more on: {value}", "ディスクの割り当てが 9 割以上のノード: {value}";
    MAILS_FAIL = "Mails that could not be sent: {value}. `clc admin mails` on the clc's host tells why.", "送信できないメール: {value} 通。理由はホストの `clc admin mails` で確認できます。";
    CERTIFICATE_ENDS = "The console's certificate ends on {value}", "コンソールの証明書の有効期限: {value}";
    AND_MORE = "{names} and {more} more", "{names} ほか {more}";
    NODES = "Nodes that answer", "応答のあるノード";
    CORES = "Processor cores", "プロセッサコア";
    CORES_USED = "Processor cores in use", "使用中のコア";
    MEMORY = "Memory", "メモリ";
    DISK = "Disk", "ディスク";
    STORED = "Stored in buckets", "バケットの保存量";
    RUNNING = "Running instances", "実行中のインスタンス";
    OF_ANSWER = "of {count}", "全 {count} 台";
    OF_GIVEN = "given away of {total}", "{total} 中の割り当て済み";
    SOON_KNOWN = "Known in a minute", "まもなく表示されます";
    SPARKS_ARE = "The small lines are the last day.", "小さな折れ線は直近 1 日の推移です。";
    LAST_DAY = "Your last day", "直近 1 日の使用";
    TO_MAP = "Node map", "ノードマップ";
    TO_HISTORY = "Use over time", "使用状況の推移";
    TO_REPORTS = "Reports", "レポート";
}
