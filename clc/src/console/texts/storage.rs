//! Buckets and objects.

use crate::console::text::texts;

texts! {
    BUCKETS = "Buckets", "バケット";
    BUCKETS_LEAD = "A bucket holds objects: files of any size, read and written by S3.", "バケットはオブジェクト（任意の大きさのファイル）を保管します。S3 で読み書きできます。";
    NO_BUCKETS = "You have no buckets. Create one to upload files to it.", "バケットがありません。作成するとファイルをアップロードできます。";
    NO_BUCKET_MATCHES = "None of your buckets has this in its name.", "名前が一致するバケットはありません。";
    NAME = "Name", "名前";
    CREATED_AT = "Created", "作成日時";
    NEW_BUCKET = "Create a bucket", "バケットを作成";
    CREATE = "Create", "作成";
    BUCKET_HINT = "3 to 63 lower-case letters, digits, hyphens and dots suit every client. Names are shared by the whole cloud and cannot be changed.", "3〜63 文字の小文字、数字、ハイフン、ドットならすべてのクライアントで使えます。名前はクラウド全体で一意で、後から変更できません。";
    WHO_MAY_READ = "Who may read it", "読み取りの許可";
    BUCKET_CREATED = "The bucket was created.", "バケットを作成しました。";
    BUCKET_DELETED = "The bucket was deleted.", "バケットを削除しました。";
    DELETE_BUCKET = "Delete the bucket", "バケットを削除";
    DELETE_BUCKET_SURE = "Delete this bucket? Its name is free for everybody then.", "このバケットを削除しますか? 名前は誰でも使えるようになります。";
    OPEN_BY_NAME = "Open a bucket by its name", "名前でバケットを開く";
    OPEN_HINT = "One that somebody shares with you does not stand in your list.", "他のアカウントから共有されたバケットは一覧に表示されません。";
    OPEN = "Open", "開く";

    ACL_PRIVATE = "Private", "非公開";
    ACL_PRIVATE_TEXT = "Only your account, and whom policies of it allow.", "所有アカウントと、そのポリシーで許可されたユーザーだけが使えます。";
    ACL_PUBLIC_READ = "Public read", "公開（読み取り）";
    ACL_PUBLIC_READ_TEXT = "Everybody who reaches the cloud may read, without signing in. Of a bucket: its list of objects.", "クラウドに到達できる人は誰でも、サインインせずに読み取れます。バケットの場合はオブジェクトの一覧が対象です。";
    ACL_AWS_EXEC_READ = "Readable for running images", "イメージ実行用の読み取り";
    ACL_AWS_EXEC_READ_TEXT = "The cloud itself may read, to run images that lie here.", "クラウド自身が、ここに置かれたイメージを実行するために読み取れます。";
    ACL_EC2_BUNDLE_READ = "Readable for bundling", "バンドル用の読み取り";
    ACL_EC2_BUNDLE_READ_TEXT = "The cloud itself may read, to bundle instances.", "クラウド自身が、インスタンスをバンドルするために読み取れます。";
    ACCESS = "Permissions", "アクセス許可";
    ACCESS_OF_BUCKET = "Permissions of the bucket {name}", "バケット {name} のアクセス許可";
    ACCESS_OF_OBJECT = "Permissions of {name}", "{name} のアクセス許可";
    ACCESS_LEAD = "An access control list says who may read beside the owner. Policies of users and roles hold beside it.", "アクセスコントロールリスト (ACL) は、所有者以外の誰が読み取れるかを決めます。ユーザーやロールのポリシーも併せて適用されます。";
    ACCESS_CHANGED = "The permissions were changed. They hold from now on.", "アクセス許可を変更しました。直ちに有効です。";
    GRANTS = "What is granted now", "現在の許可";
    GRANTEE = "To whom", "対象";
    PERMISSION = "Permission", "許可";
    OWNER = "Owner", "所有者";
    EVERYBODY = "Everybody (AllUsers)", "全員 (AllUsers)";
    SAVE = "Save", "保存";

    OBJECTS = "Objects", "オブジェクト";
    OBJECT = "Object", "オブジェクト";
    SIZE = "Size", "サイズ";
    MODIFIED = "Last modified", "最終更新";
    FOLDER = "Folder", "フォルダー";
    PLACE = "Where you are", "現在の場所";
    SEARCH_HINT = "The beginning of a name in this folder", "このフォルダー内の名前の先頭部分";
    EMPTY_FOLDER = "Nothing is here. Upload files below.", "何もありません。下からファイルをアップロードできます。";
    NOTHING_BEGINS = "Nothing here begins so.", "この文字で始まるものはありません。";
    SELECT = "Choose {name}", "{name} を選択";
    DELETE_CHOSEN = "Delete what is chosen", "選択したものを削除";
    DELETE_CHOSEN_SURE = "Delete the chosen objects? They cannot be brought back.", "選択したオブジェクトを削除しますか? 元に戻せません。";
    NONE_CHOSEN = "Nothing was chosen. Tick what is to be deleted.", "何も選択されていません。削除するものにチェックを入れてください。";
    DELETED = "Deleted: {count}", "{count} 個を削除しました";
    NEW_FOLDER = "Create a folder", "フォルダーを作成";
    FOLDER_HINT = "A folder is an empty object whose name ends with a slash.", "フォルダーは、名前がスラッシュで終わる空のオブジェクトです。";
    FOLDER_CREATED = "The folder was created.", "フォルダーを作成しました。";
    FOLDER_NAME_WRONG = "A folder needs a name that is not only slashes", "フォルダー名を入力してください（スラッシュのみは使えません）";
    DELETE_FOLDER = "Delete this folder", "このフォルダーを削除";
    DELETE_FOLDER_TITLE = "Delete the folder {name}", "フォルダー {name} を削除";
    FOLDER_HOLDS = "{count} objects lie in it.", "{count} 個のオブジェクトがあります。";
    FOLDER_HOLDS_MORE = "More than {count} objects lie in it. At most {most} are deleted at a time; then you are asked again.", "{count} 個を超えるオブジェクトがあります。一度に最大 {most} 個を削除し、続けるかどうかを確認します。";
    FOLDER_SURE = "All objects whose names begin with it are deleted and cannot be brought back.", "名前がこれで始まるすべてのオブジェクトが削除され、元に戻せません。";
    FOLDER_GONE = "The folder was deleted.", "フォルダーを削除しました。";
    FOLDER_GOES_ON = "{count} objects were deleted; more are there.", "{count} 個のオブジェクトを削除しました。まだ残っています。";
    DELETE_ALL = "Delete these objects", "これらのオブジェクトを削除";
    CANCEL = "Cancel", "キャンセル";
    COULD_NOT = "Some could not be deleted", "一部を削除できませんでした";

    TYPE = "Type", "種類";
    ETAG = "Entity tag (ETag)", "エンティティタグ (ETag)";
    ADDRESS = "Address", "アドレス";
    CHECKSUM = "Checksum", "チェックサム";
    DOWNLOAD = "Download", "ダウンロード";
    DELETE = "Delete", "削除";
    DELETE_OBJECT_SURE = "Delete this object? It cannot be brought back.", "このオブジェクトを削除しますか? 元に戻せません。";
    TO_THE_FOLDER = "To its folder", "フォルダーへ戻る";

    SHARE = "Share by a link", "リンクで共有";
    SHARE_LEAD = "Whoever has the link can download the object until it ends, without signing in. It cannot be taken back, but it ends early if you lose the right to read the object.", "リンクを知っている人は、期限までサインインせずにダウンロードできます。取り消しはできませんが、あなたが読み取り権限を失うと無効になります。";
    LIFETIME = "How long it is good", "有効期間";
    MINUTES_15 = "15 minutes", "15 分";
    HOUR_1 = "1 hour", "1 時間";
    HOURS_12 = "12 hours", "12 時間";
    HOURS_36 = "36 hours", "36 時間";
    MAKE_LINK = "Create the link", "リンクを作成";
    LINK = "The link", "リンク";
    LINK_UNTIL = "It is good until {until} and is shown only now.", "{until} まで有効です。このリンクは今だけ表示されます。";
    BACK_TO_OBJECT = "Back to the object", "オブジェクトへ戻る";

    OPEN_UPLOADS = "Unfinished uploads", "未完了のアップロード";
    SOME_ARE_OPEN = "Uploads to this place were begun and are not finished. Choose the same file again to go on.", "ここへのアップロードに未完了のものがあります。同じファイルをもう一度選択すると続きから再開します。";
    OPEN_UPLOADS_LEAD = "What was sent of them takes room until they are finished or given up. To go on with one, choose the same file again where you began it.", "送信済みの部分は、完了または中止するまで容量を使います。続けるには、開始した場所で同じファイルをもう一度選択してください。";
    NO_OPEN_UPLOADS = "No upload of this bucket is unfinished.", "このバケットに未完了のアップロードはありません。";
    BEGUN = "Begun", "開始日時";
    GIVE_UP = "Give up", "中止";
    GIVE_UP_SURE = "Give this upload up? What was sent of it is deleted.", "このアップロードを中止しますか? 送信済みの部分は削除されます。";
    GIVEN_UP = "The upload was given up.", "アップロードを中止しました。";
    TO_THE_PLACE = "Go on in its folder", "フォルダーで続ける";

    UPLOAD = "Upload", "アップロード";
    UPLOAD_FILES = "Files to upload", "アップロードするファイル";
    UPLOAD_HINT = "Choose files, or drop them here. Large ones go on where they stopped if you choose them again. A file of the same name is replaced.", "ファイルを選択するか、ここにドロップしてください。大きなファイルは、中断しても選び直せば続きから再開します。同じ名前のファイルは置き換えられます。";
    UPLOAD_CHECKING = "Looking what is there already …", "送信済みの部分を確認しています…";
    UPLOAD_GOING = "{percent} %", "{percent} % 送信";
    UPLOAD_JOINING = "Putting the parts together …", "パートを結合しています…";
    UPLOAD_DONE = "Uploaded", "アップロードしました";
    UPLOAD_FAILED = "It broke off.", "中断されました。";
    UPLOAD_WAITING = "The connection was lost. Trying again …", "接続が切れました。再試行しています…";
    UPLOAD_CANCELLED = "Cancelled", "キャンセルしました";
    UPLOAD_CANCEL = "Cancel", "キャンセル";
    UPLOAD_AGAIN = "Go on", "続ける";
    UPLOAD_OVER = "Your session is over. Sign in in another tab, then go on.", "セッションが終了しました。別のタブでサインインしてから続けてください。";
    UPLOAD_UNREADABLE = "The file cannot be read: it was moved or changed. Choose it again.", "ファイルを読み取れません。移動または変更されています。もう一度選択してください。";
    UPLOAD_PROGRESS = "Progress", "進行状況";
}
