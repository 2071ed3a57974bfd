//! What pictures and reports are refused with.

/// The sentences.
pub(super) const TABLE: &[(&str, &str)] = &[
    ("There is no node '*'", "ノード '{1}' はありません"),
    ("There is no account of the number '*'", "番号 '{1}' のアカウントはありません"),
    ("The history could not be read", "使用状況の記録を読み取れませんでした"),
];
