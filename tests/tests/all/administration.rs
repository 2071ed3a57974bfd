//! A cloud administered by euca alone: users as 2.0 has them, and inside their accounts IAM's.

use common::ec2::zones::DescribeRegions;
use e2e::raw::{Signer, Version};
use e2e::{Cloud, Shape, User};

use crate::path::text;

fn raise() -> (Cloud, User) {
    let cloud = Cloud::raise(Shape { nodes: 0, ..Shape::default() });
    let admin = cloud.administrator();
    (cloud, admin)
}

/// The columns of the line that begins so.
fn line(out: &str, begins: &str) -> Vec<String> {
    let found = out.lines().find(|line| line.starts_with(begins));
    let found = found.unwrap_or_else(|| panic!("no {begins} in {out}"));
    found.split('\t').map(str::to_owned).collect()
}

#[test]
fn a_user_is_registered_used_and_removed_from_afar() {
    let (cloud, admin) = raise();
    let done = "RESPONSE true\n";
    assert_eq!(admin.says(&["admin", "add-user", "taro", "-e", "taro@example.com"]), done);
    let folder = cloud.scratch("from-afar").join("taro");
    let said = admin.says(&["get-credentials", "-u", "taro", text(&folder)]);
    assert_eq!(said, format!("{}\n", folder.join("eucarc").display()));
    let taro = User::of(&folder);
    taro.send(&DescribeRegions::default());
    taro.make_bucket("taros");

    let shown = admin.says(&["describe-users", "taro"]);
    assert_eq!(line(&shown, "USER\t")[2..], ["taro", "taro@example.com ", "ENABLED"]);
    assert_eq!(line(&shown, "USER-GROUP")[2], " all default");
    let keys = line(&shown, "USER-KEYS");
    assert_eq!(
        keys[2..],
        [taro.credentials.access_key_id.clone(), taro.credentials.secret.clone()]
    );
    assert!(line(&shown, "USER-CERT")[2].contains("CN=taro"), "{shown}");
    let all = admin.says(&["admin", "describe-users"]);
    assert!(all.contains(&taro.credentials.access_key_id));
    assert!(!all.contains(&taro.credentials.secret) && !all.contains(&admin.credentials.secret));

    // Nobody else may.
    let refused = taro.euca(&["describe-users"]);
    assert_eq!((refused.status, refused.out.as_str()), (1, ""));
    assert!(refused.err.starts_with("euca-describe-users: error (UnauthorizedOperation)"));

    assert_eq!(admin.says(&["admin", "disable-user", "taro"]), done);
    let refused = taro.euca(&["describe-regions"]);
    assert!(refused.err.contains("InvalidClientTokenId"), "{refused:?}");
    assert_eq!(admin.says(&["admin", "enable-user", "taro"]), done);
    taro.send(&DescribeRegions::default());

    let zip = cloud.scratch("from-afar").join("taro.zip");
    admin.says(&["get-credentials", "-u", "taro", text(&zip)]);
    assert!(std::fs::read(&zip).unwrap().starts_with(b"PK\x03\x04"));
    let again = admin.euca(&["get-credentials", "-u", "taro", text(&zip)]);
    assert_eq!(again.status, 1);

    let refused = admin.euca(&["delete-user", "taro"]);
    assert!(refused.err.contains("DeleteConflict"), "{refused:?}");
    let signer = Signer::of(&taro, Version::Four, cloud.clock().now());
    assert_eq!(signer.object(cloud.s3(), "DELETE", "/taros", b"").status, 204);
    assert_eq!(admin.says(&["delete-user", "taro"]), done);
    let gone = admin.euca(&["describe-users", "taro"]);
    assert!(gone.err.contains("there is no user 'taro'"), "{gone:?}");
    assert!(taro.euca(&["describe-regions"]).err.contains("InvalidClientTokenId"));
}

#[test]
fn zones_properties_and_components_are_administered_from_afar() {
    let (cloud, admin) = raise();
    let _taro = cloud.add_user("taro");
    for command in
        [&["add-user-group", "gold"][..], &["add-group-membership", "gold", "-u", "taro"]]
    {
        assert_eq!(admin.says(command), "RESPONSE true\n");
    }
    let told = admin.says(&["describe-user-groups", "gold"]);
    assert_eq!(told, "GROUP      \tgold\t\nUSERS\tgold\t taro\nAUTH\tgold\t\n");
    let taken = admin.euca(&["add-user-group", "Gold"]);
    assert!(taken.err.contains("taken"), "{taken:?}");
    assert_eq!(admin.says(&["remove-group-membership", "gold", "-u", "taro"]), "RESPONSE true\n");
    assert_eq!(admin.says(&["delete-user-group", "gold"]), "RESPONSE true\n");

    let name = "walrus.storagemaxcachesizeinmb";
    let said = admin.says(&["modify-property", "-p", &format!("{name}=512")]);
    assert_eq!(said, format!("PROPERTY\t{name}\t512 was 30720\n"));
    let told = admin.says(&["admin", "describe-properties", "-v", "walrus."]);
    assert!(told.contains(&format!("PROPERTY\t{name}\t512\nDESCRIPTION\t{name}\t")), "{told}");
    assert!(
        told.lines().all(|line| line.split('\t').nth(1).unwrap().starts_with("walrus.")),
        "{told}"
    );
    let told = admin.says(&["describe-walruses"]);
    assert!(told.starts_with("WALRUS\twalrus\t") && told.ends_with("\tENABLED\n"), "{told}");
    assert_eq!(admin.says(&["describe-nodes"]), "");
    let refused = admin.euca(&["register-walrus", "-H", "10.0.0.1", "walrus"]);
    assert_eq!(refused.status, 1);
    assert!(refused.err.contains("UnsupportedOperation"), "{refused:?}");
}

#[test]
fn iam_is_used_by_the_commands_of_euca2ools() {
    let (cloud, admin) = raise();
    let taro = cloud.add_user("taro");
    let account = taro.account.as_str();
    let arn = |rest: &str| format!("arn:aws:iam::{account}:{rest}");

    // Groups and users, with a key that works.
    let made = taro.says(&["euare-groupcreate", "ops", "-p", "/d/", "-v"]);
    assert!(made.starts_with(&format!("{}\nAGPA", arn("group/d/ops"))), "{made}");
    let made = taro.says(&["euare-usercreate", "-u", "hanako", "-g", "ops", "-k", "-v"]);
    let lines: Vec<&str> = made.lines().collect();
    assert_eq!((lines.len(), lines[0]), (4, arn("user/hanako").as_str()), "{made}");
    let hanako = ["-I", lines[2], "-S", lines[3]];
    let as_hanako = |command: &[&str]| taro.euca(&[command, &hanako].concat());
    assert!(as_hanako(&["describe-keypairs"]).err.contains("UnauthorizedOperation"));
    let policy = ["-p", "look", "-e", "Allow", "-a", "ec2:Describe*", "-r", "*"];
    taro.says(&[&["euare-groupaddpolicy", "-g", "ops"], &policy[..]].concat());
    let allowed = as_hanako(&["describe-keypairs"]);
    assert_eq!((allowed.status, allowed.err.as_str()), (0, ""));
    assert!(as_hanako(&["create-keypair", "k"]).err.contains("UnauthorizedOperation"));
    assert_eq!(
        as_hanako(&["euare-getcallerid"]).out.lines().next().unwrap(),
        format!("account = {account}")
    );

    assert_eq!(taro.says(&["euare-grouplistpolicies", "ops"]), "look\nIsTruncated: false\n");
    let shown = taro.says(&["euare-groupgetpolicy", "ops", "-p", "look", "--pretty-print"]);
    assert!(shown.contains("\"ec2:Describe*\""), "{shown}");
    assert_eq!(taro.says(&["euare-userlistgroups", "hanako"]), arn("group/d/ops") + "\n");
    let members = taro.says(&["euare-grouplistusers", "ops"]);
    assert_eq!(members, format!("{}\n   users\n   {}\n", arn("group/d/ops"), arn("user/hanako")));
    let users = taro.says(&["euare-userlistbypath"]);
    assert_eq!(users, format!("{}\n{}\n", arn("user/admin"), arn("user/hanako")));

    // Keys and certificates.
    taro.says(&["euare-usermodkey", lines[2], "-s", "Inactive", "-u", "hanako"]);
    assert_eq!(taro.says(&["euare-userlistkeys", "hanako"]), format!("{}\nInactive\n", lines[2]));
    assert!(as_hanako(&["describe-keypairs"]).err.contains("InvalidClientTokenId"));
    let made = taro.says(&["euare-usercreatecert", "hanako"]);
    assert!(made.contains("-----BEGIN CERTIFICATE-----"), "{made}");
    assert!(made.contains("PRIVATE KEY-----"), "{made}");
    let id = made.lines().next().unwrap();
    taro.says(&["euare-usermodcert", id, "-s", "Inactive", "-u", "hanako"]);
    assert_eq!(taro.says(&["euare-userlistcerts", "hanako"]), format!("{id}\nInactive\nhanako\n"));

    // Roles and profiles.
    let made = taro.says(&["euare-instanceprofilecreate", "web", "--create-role", "-v"]);
    assert!(made.starts_with(&arn("instance-profile/web")), "{made}");
    let told = taro.says(&["euare-instanceprofilegetattributes", "web", "-r"]);
    assert_eq!(told.lines().last().unwrap(), arn("role/web"));
    let told = taro.says(&["euare-rolegetattributes", "web"]);
    assert!(told.contains("ec2.amazonaws.com"), "{told}");
    assert_eq!(
        taro.says(&["euare-roledel", "web", "-p"]),
        format!("instance profiles\n\t{}\npolicies\n", arn("instance-profile/web"))
    );
    taro.says(&["euare-roledel", "web", "-c"]);
    taro.says(&["euare-instanceprofiledel", "web"]);
    assert_eq!(taro.says(&["euare-rolelistbypath"]), "");

    // A role that is taken on by what a shell runs.
    let trust = format!(
        "{{\"Statement\":{{\"Effect\":\"Allow\",\"Principal\":{{\"AWS\":\"{account}\"}},\"Action\":\"sts:AssumeRole\"}}}}"
    );
    let file = cloud.scratch("identity").join("trust.json");
    std::fs::write(&file, &trust).unwrap();
    taro.says(&["euare-rolecreate", "look", "-f", text(&file)]);
    taro.says(&[&["euare-roleaddpolicy", "-r", "look"], &policy[..6], &["-c", "*"]].concat());
    let exports = taro.says(&["euare-assumerole", "look", "-s"]);
    let value = |name: &str| {
        let start = format!("{name}=");
        let line = exports.lines().find_map(|line| line.strip_prefix(&start)).unwrap();
        line.split(';').next().unwrap().to_owned()
    };
    let (key, secret, token) =
        (value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY"), value("AWS_SESSION_TOKEN"));
    let session = ["-I", &key, "-S", &secret, "--security-token", &token];
    let allowed = taro.euca(&[&["describe-keypairs"], &session[..]].concat());
    assert_eq!((allowed.status, allowed.err.as_str()), (0, ""));
    let refused = taro.euca(&[&["create-keypair", "k"], &session[..]].concat());
    assert!(refused.err.contains("UnauthorizedOperation"), "{refused:?}");
    taro.says(&["euare-roledel", "look", "-c"]);

    // All of it goes.
    let plan = taro.says(&["euare-userdel", "hanako", "--pretend"]);
    assert!(plan.contains(lines[2]) && plan.contains(id), "{plan}");
    assert!(taro.euca(&["euare-userdel", "hanako"]).err.contains("DeleteConflict"));
    taro.says(&["euare-userdel", "hanako", "-r"]);
    taro.says(&["euare-groupdel", "ops", "-r"]);
    let gone = taro.euca(&["euare-usergetattributes", "hanako"]);
    assert!(gone.err.starts_with("euare-usergetattributes: error (NoSuchEntity)"), "{gone:?}");

    // Accounts, by whoever administrates the cloud, and work inside them.
    let made = admin.says(&["euare-accountcreate", "-a", "yamada"]);
    let number = made.trim_end().strip_prefix("yamada\t").unwrap().to_owned();
    let listed = admin.says(&["euare-accountlist"]);
    assert!(listed.contains(&format!("yamada\t{number}\n")), "{listed}");
    admin.says(&["euare-usercreate", "jiro", "--as-account", "yamada"]);
    let told = admin.says(&["euare-usergetattributes", "jiro", "--as-account", &number]);
    assert!(told.starts_with(&format!("arn:aws:iam::{number}:user/jiro\n")), "{told}");
    let refused = taro.euca(&["euare-userlistbypath", "--as-account", "yamada"]);
    assert!(refused.err.contains("AccessDenied"), "{refused:?}");
    assert_eq!(taro.says(&["euare-accountaliaslist"]), "Alias: taro\n");
    assert!(taro.says(&["euare-accountgetsummary"]).contains("Users: 1\n"));
    admin.says(&["euare-accountdel", "yamada", "-r"]);
    assert!(!admin.says(&["euare-accountlist"]).contains("yamada"));
}
