//! Zone groups: which users may use which availability zones.

use crate::console::text::texts;

texts! {
    GROUPS = "Zone groups", "ゾーングループ";
    LEAD = "A user may use an availability zone if one of their groups may. Every user is in all, and begins in default. The account eucalyptus may use every zone.", "ユーザーは、所属するグループのいずれかに許可されたアベイラビリティゾーンを利用できます。全ユーザーが all に所属し、登録時に default にも所属します。アカウント eucalyptus はすべてのゾーンを利用できます。";
    NAME = "Name", "名前";
    ZONES = "Zones", "ゾーン";
    MEMBERS = "Members", "メンバー";
    NO_ZONES = "none", "なし";
    ADD = "Add a group", "グループを追加";
    NAME_HINT = "1 to 30 letters, digits and - . @ _. It may use no zone until one is granted.", "半角英数字と - . @ _ で 1～30 文字。ゾーンを許可するまで何も利用できません。";
    ALL_GROUPS = "All groups", "グループ一覧";
    MAY_USE = "may be used", "許可";
    MAY_NOT = "may not be used", "不許可";
    GRANT = "Grant", "許可する";
    REVOKE = "Revoke", "取り消す";
    REVOKE_SURE = "Revoke the zone {zone} from {group}? Its members launch nothing there any more, unless another group lets them. What runs goes on.", "{group} からゾーン {zone} の許可を取り消しますか? 別のグループで許可されていない限り、メンバーはこのゾーンで起動できなくなります。動作中のものは継続します。";
    NO_MEMBERS = "Nobody is in it. Add a user below.", "メンバーはいません。下のフォームから追加してください。";
    ADD_MEMBER = "Add a user", "ユーザーを追加";
    USER = "Name of the user", "ユーザー名";
    REMOVE = "Remove", "外す";
    REMOVE_SURE = "Take {user} out of {group}?", "{user} を {group} から外しますか?";
    EVERYBODY = "Everybody is in this group, and nobody leaves it.", "全ユーザーが所属し、外すことはできません。";
    DELETE = "Delete this group", "このグループを削除";
    DELETE_SURE = "Delete the group {group}? Its members lose what it gave them; nobody is deleted.", "グループ {group} を削除しますか? メンバーはこのグループによる許可を失います。ユーザーは削除されません。";
    COUNT = "{count} users", "{count} ユーザー";
    DONE = "It was done.", "実行しました。";
}
