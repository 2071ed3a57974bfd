//! Credentials: access keys, certificates, the zip, the second factor, one's own data.

use crate::console::text::texts;

texts! {
    CREDENTIALS = "Credentials", "認証情報";
    LEAD = "What clients need to reach this cloud as you. Whoever has it acts as you: keep it to yourself, and delete what you no longer use.", "クライアントからこのクラウドを利用するための情報です。持っている人は誰でもあなたとして操作できます。安全に保管し、使わないものは削除してください。";
    WHO = "Who you are", "アカウント情報";
    NUMBER = "Account number", "アカウント番号";
    NUMBER_HINT = "EC2_USER_ID; owners of images and buckets are named by it.", "EC2_USER_ID。イメージやバケットの所有者はこの番号で表されます。";
    ARN = "ARN", "ARN";
    REGION = "Region", "リージョン";
    ENDPOINTS = "Where the services are", "エンドポイント";
    ENDPOINT = "Service", "サービス";
    VARIABLE = "Variables", "環境変数";
    URL = "URL", "URL";

    ZIP = "Everything in one file", "認証情報をまとめてダウンロード";
    ZIP_LEAD = "A zip with eucarc, which sets all that clients need (. eucarc), the same for euca2ools 3 (euca2ools.ini), a certificate with its private key for bundling images, and the cloud's certificate.", "eucarc (クライアントの環境変数を設定します: . eucarc)、euca2ools 3 用の euca2ools.ini、イメージのバンドルに使う証明書と秘密鍵、クラウドの証明書を含む ZIP ファイルです。";
    ZIP_KEYS = "The access key is the newest that may be used; one is made if you have none.", "アクセスキーは有効なもののうち最新のものです。なければ新しく作成されます。";
    ZIP_NEW = "Each download makes a new certificate, because private keys are kept nowhere. The others stay good.", "秘密鍵はどこにも保管されないため、ダウンロードするたびに新しい証明書が作成されます。以前の証明書は引き続き有効です。";
    ZIP_LESS = "Whoever bundles no images needs the access key alone: that download makes no certificate.", "イメージをバンドルしない場合はアクセスキーのみで十分です。この場合、証明書は作成されません。";
    ZIP_GET = "Download all of it", "すべてダウンロード";
    ZIP_GET_KEYS = "Download the access key alone", "アクセスキーのみダウンロード";
    ZIP_OWNER = "The zip is for the owner of the account. Make an access key of your own instead.", "ZIP ファイルはアカウントの所有者だけが利用できます。ご自身のアクセスキーを作成してください。";

    KEYS = "Access keys", "アクセスキー";
    KEYS_LEAD = "With an access key and its secret, programs sign what they ask for: euca2ools, the AWS command line, SDKs. You may have {most}.", "アクセスキーとシークレットキーは、euca2ools、AWS CLI、SDK などのプログラムがリクエストに署名するために使います。{most} 個まで作成できます。";
    KEYS_NONE = "There is no access key. Make one to use the cloud from programs.", "アクセスキーがありません。プログラムからクラウドを利用するには作成してください。";
    KEY = "Access key", "アクセスキー";
    KEY_NEW = "Make an access key", "アクセスキーを作成";
    KEY_FULL = "That is all you may have: delete one before you make another.", "上限に達しています。新しく作成するには、いずれかを削除してください。";
    KEY_MADE = "The access key was made", "アクセスキーを作成しました";
    KEY_ONCE = "The secret is shown this once. Save it now; if it is lost, delete the key and make another.", "シークレットキーが表示されるのは今回だけです。今すぐ保存してください。紛失した場合は、キーを削除して作り直してください。";
    KEY_SECRET = "Secret key", "シークレットキー";
    KEY_FILE = "Save as credentials file", "認証情報ファイルとして保存";
    KEY_FILE_HINT = "For ~/.aws/credentials, which the AWS command line and SDKs read.", "AWS CLI と SDK が読み込む ~/.aws/credentials 用のファイルです。";
    KEY_CSV = "Save as CSV", "CSV として保存";
    KEY_DELETE = "Delete the access key for good? What uses it stops working.", "アクセスキーを完全に削除しますか? 使用中のプログラムは動作しなくなります。";
    KEY_DELETED = "The access key was deleted.", "アクセスキーを削除しました。";
    MADE = "Made", "作成日時";
    STATUS = "Status", "状態";
    ACTIVE = "active", "有効";
    INACTIVE = "inactive", "無効";
    LAST_USE = "Last use", "最終利用";
    NEVER_USED = "never", "未使用";
    USED_FOR = "for {service}", "{service} で使用";
    ACTIVATE = "Activate", "有効にする";
    DEACTIVATE = "Deactivate", "無効にする";
    DEACTIVATE_SURE = "Deactivate it? What uses it stops working until it is active again.", "無効にしますか? 再び有効にするまで、使用中のプログラムは動作しなくなります。";
    DELETE = "Delete", "削除";
    ACTIVATED = "It may be used again.", "有効にしました。";
    DEACTIVATED = "It may not be used for now.", "無効にしました。";
    ACT = "What to do", "操作";

    CERTIFICATES = "Signing certificates", "署名証明書";
    CERTIFICATES_LEAD = "Images are bundled with a certificate and its private key: the cloud knows by it who made them. You may have {most} active ones of your own; those of downloaded zips are not counted.", "イメージのバンドルには証明書と秘密鍵を使います。クラウドはこれによって作成者を確認します。有効な証明書は {most} 個まで作成できます。ZIP に含まれるものは数えません。";
    CERTIFICATES_NONE = "There is no certificate. Make one, or upload your own, to bundle images.", "証明書がありません。イメージをバンドルするには、作成するか、お持ちのものをアップロードしてください。";
    CERTIFICATE = "Certificate", "証明書";
    CERTIFICATE_NEW = "Make a certificate", "証明書を作成";
    CERTIFICATE_MADE = "The certificate was made", "証明書を作成しました";
    CERTIFICATE_ONCE = "The private key is told this once and kept nowhere. Save both files now.", "秘密鍵が表示されるのは今回だけで、どこにも保管されません。両方のファイルを今すぐ保存してください。";
    PRIVATE_KEY = "Private key", "秘密鍵";
    CERTIFICATE_USE = "To use them:", "使い方:";
    CERTIFICATE_OWN = "Upload your own", "証明書のアップロード";
    CERTIFICATE_BODY = "Certificate (PEM)", "証明書 (PEM)";
    CERTIFICATE_BODY_HINT = "The text from -----BEGIN CERTIFICATE----- on. The private key stays with you.", "-----BEGIN CERTIFICATE----- から始まるテキストです。秘密鍵はアップロードしないでください。";
    UPLOAD = "Upload", "アップロード";
    UPLOADED = "The certificate was uploaded.", "証明書をアップロードしました。";
    CERTIFICATE_DELETE = "Delete the certificate? What was bundled with it stays good.", "証明書を削除しますか? これまでにバンドルしたイメージは引き続き有効です。";
    CERTIFICATE_DELETED = "The certificate was deleted.", "証明書を削除しました。";
    CERTIFICATE_SAVE = "Save", "保存";

    FACTOR = "Second factor", "二要素認証";
    FACTOR_LEAD = "With a second factor, signing in takes a code that your phone shows beside the password: whoever finds out the password alone does not come in.", "二要素認証を有効にすると、サインイン時にパスワードに加えて、スマートフォンなどに表示されるコードが必要になります。パスワードが漏れても不正なサインインを防げます。";
    FACTOR_NONE = "You have none.", "設定されていません。";
    FACTOR_BEGIN = "Set up a second factor", "二要素認証を設定";
    FACTOR_NEEDS = "You need an app that shows codes by the time (TOTP), on a phone or in a password keeper.", "時刻ベースのワンタイムパスワード (TOTP) に対応した認証アプリまたはパスワード管理ソフトが必要です。";
    FACTOR_IS = "Your second factor is on.", "二要素認証は有効です。";
    FACTOR_SINCE = "On since", "有効化日時";
    FACTOR_DEVICE = "Device", "デバイス";
    FACTOR_ONE = "1. Let the app read this picture", "1. 認証アプリで QR コードを読み取る";
    FACTOR_TWO = "2. Type two codes, one after the other", "2. 連続する 2 つのコードを入力する";
    FACTOR_PICTURE = "QR code with the secret", "シークレットの QR コード";
    FACTOR_TYPED = "Or type this secret into it:", "または、次のシークレットを入力してください:";
    FACTOR_ONCE = "Picture and secret are shown this once. If you want to be able to use another device later, keep the secret in a safe place.", "QR コードとシークレットが表示されるのは今回だけです。後で別のデバイスを使う可能性がある場合は、シークレットを安全な場所に保管してください。";
    FIRST_CODE = "The code that it shows now", "現在表示されているコード";
    SECOND_CODE = "The code after it", "次に表示されるコード";
    SECOND_CODE_HINT = "Wait until another one is shown: half a minute at most.", "次のコードが表示されるまで、最大 30 秒お待ちください。";
    FACTOR_TURN_ON = "Turn it on", "有効にする";
    FACTOR_AGAIN = "What the app has read is still good: type the next two codes. If the app has read nothing, begin anew.", "認証アプリに登録した内容は有効です。次の 2 つのコードを入力してください。まだ登録していない場合は、最初からやり直してください。";
    FACTOR_ANEW = "Begin anew", "最初からやり直す";
    FACTOR_ON = "The second factor is on: signing in takes a code from now on.", "二要素認証を有効にしました。次回のサインインからコードが必要です。";
    FACTOR_TURN_OFF = "Turn it off", "無効にする";
    FACTOR_OFF_SURE = "Turn the second factor off? The password alone is enough then.", "二要素認証を無効にしますか? パスワードだけでサインインできるようになります。";
    FACTOR_OFF = "The second factor is off.", "二要素認証を無効にしました。";
    FACTOR_LOST = "If you lose the device", "デバイスを紛失した場合";
    FACTOR_LOST_OWNER = "An administrator of the cloud can turn it off for you (DeactivateMFADevice on behalf of your account). If you have kept the secret, another device that gets it shows the same codes.", "クラウドの管理者に無効化を依頼してください (アカウントを代理した DeactivateMFADevice)。シークレットを保管していれば、別のデバイスに登録して同じコードを表示できます。";
    FACTOR_LOST_USER = "The owner of the account can turn it off for you (DeactivateMFADevice). If you have kept the secret, another device that gets it shows the same codes.", "アカウントの所有者に無効化を依頼してください (DeactivateMFADevice)。シークレットを保管していれば、別のデバイスに登録して同じコードを表示できます。";

    CONTACT = "Your data", "登録情報";
    CONTACT_LEAD = "What the administrators of the cloud know of you. Mails about your account go to the address here, and so does the link for a forgotten password.", "クラウドの管理者が把握している情報です。アカウントに関するメールと、パスワード再設定のリンクはこのメールアドレスに送信されます。";
    CONTACT_OWNER = "There is nothing here for a user inside an account: the owner's data are the account's.", "アカウント内のユーザーには登録情報がありません。登録情報はアカウントの所有者のものです。";
    CONTACT_SAVE = "Save", "保存";
    CONTACT_WAITS = "Confirm the new mail address", "新しいメールアドレスを確認してください";
    CONTACT_WAITS_TEXT = "A link went to the new address. Until it is followed, the address you have stays; all else was saved.", "新しいアドレスに確認用のリンクを送信しました。リンクを開くまで、メールアドレスは変わりません。その他の項目は保存しました。";
    CONTACT_SAVED = "Your data were saved.", "登録情報を保存しました。";
}
