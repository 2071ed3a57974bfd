//! The commands of IAM against recorded answers: what they ask, what they print, how they end.

use std::os::unix::fs::PermissionsExt as _;

use crate::program::{Called, call};
use crate::server::{Answer, Seen, Server};

/// An answer of IAM.
fn answer(action: &str, inside: &str) -> String {
    format!(
        "<{action}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><{action}Result>\
         {inside}</{action}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\
         </{action}Response>"
    )
}

fn refusal(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error>\
         <Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>r</RequestId></ErrorResponse>"
    )
}

/// A server that answers each action with what stands beside its name.
fn iam(answers: &'static [(&'static str, &'static str)]) -> Server {
    Server::start(move |_, seen| {
        let action = seen.parameter("Action").unwrap();
        match answers.iter().find(|(name, _)| *name == action) {
            Some((_, inside)) => Answer::xml(200, answer(&action, inside)),
            None => Answer::xml(404, refusal("NoSuchEntity", &format!("no {action}"))),
        }
    })
}

fn run(server: &Server, arguments: &[&str]) -> Called {
    let url = format!("{}/services/Euare", server.url);
    call(arguments, &[("AWS_IAM_URL", &url), ("EC2_USER_ID", "123456789012")])
}

/// What was asked, as `Action name=value …` without what every request has.
fn asked(seen: &[Seen]) -> Vec<String> {
    let shown = |seen: &Seen| {
        let form = String::from_utf8(seen.body.clone()).unwrap();
        let pairs = common::sign::parse_query(&form);
        let mut text = seen.parameter("Action").unwrap();
        for (name, value) in pairs.iter().filter(|(n, _)| n != "Action" && n != "Version") {
            text.push_str(&format!(" {name}={value}"));
        }
        text
    };
    seen.iter().map(shown).collect()
}

const USER: &str = "<User><Path>/</Path><UserName>taro</UserName><UserId>AIDA1</UserId>\
                    <Arn>arn:aws:iam::123456789012:user/taro</Arn>\
                    <CreateDate>2026-11-23T00:00:00Z</CreateDate></User>";
const KEY: &str = "<AccessKey><UserName>taro</UserName><AccessKeyId>AKI1</AccessKeyId>\
                   <Status>Active</Status><SecretAccessKey>s/+1</SecretAccessKey></AccessKey>";

#[test]
fn a_user_is_made_with_group_and_key() {
    let server = iam(&[
        ("GetGroup", "<Group/>"),
        ("CreateUser", USER),
        ("AddUserToGroup", ""),
        ("CreateAccessKey", KEY),
        ("GetUser", USER),
    ]);
    let called = run(
        &server,
        &[
            "euare-usercreate",
            "-u",
            "taro",
            "-p",
            "/d/",
            "-g",
            "ops",
            "--verify",
            "-k",
            "-v",
            "--as-account",
            "yamada",
        ],
    );
    assert_eq!(called.err, "");
    assert_eq!(
        called.out, "arn:aws:iam::123456789012:user/taro\nAIDA1\nAKI1\ns/+1\n",
        "3.4's order"
    );
    let seen = server.seen();
    assert_eq!(seen[0].path, "/services/Euare");
    assert_eq!(
        asked(&seen),
        [
            "GetGroup DelegateAccount=yamada GroupName=ops MaxItems=1",
            "CreateUser DelegateAccount=yamada UserName=taro Path=/d/",
            "AddUserToGroup DelegateAccount=yamada GroupName=ops UserName=taro",
            "CreateAccessKey DelegateAccount=yamada UserName=taro",
        ]
    );
    let quiet = run(&server, &["euare-usercreate", "taro"]);
    assert_eq!((quiet.status, quiet.out.as_str()), (0, ""));

    let written = run(&server, &["euare-useraddkey", "taro", "-w", "-d", "c.example", "-l"]);
    let port = server.url.rsplit(':').next().unwrap();
    let expected = format!(
        "[region c.example]\nbootstrap-url = http://bootstrap.c.example:{port}/\n\
         ec2-url = http://ec2.c.example:{port}/\niam-url = http://iam.c.example:{port}/\n\
         s3-url = http://s3.c.example:{port}/\nsts-url = http://sts.c.example:{port}/\n\
         user = 123456789012:taro\n\n[user 123456789012:taro]\nkey-id = AKI1\n\
         secret-key = s/+1\naccount-id = 123456789012\n\n"
    );
    assert_eq!((written.err.as_str(), written.out.as_str()), ("", expected.as_str()));
}

#[test]
fn listings_come_page_by_page() {
    let server = Server::start(|_, seen| {
        let (marker, arn) =
            (seen.parameter("Marker"), |n: u8| format!("<member><Arn>a{n}</Arn></member>"));
        let inside = match marker.as_deref() {
            None => format!(
                "<Users>{}{}</Users><IsTruncated>true</IsTruncated><Marker>m</Marker>",
                arn(1),
                arn(2)
            ),
            Some("m") => format!("<Users>{}</Users><IsTruncated>false</IsTruncated>", arn(3)),
            Some(other) => panic!("{other}"),
        };
        Answer::xml(200, answer("ListUsers", &inside))
    });
    let called = run(&server, &["euare-userlistbypath", "-p", "/d/"]);
    assert_eq!((called.err.as_str(), called.out.as_str()), ("", "a1\na2\na3\n"));
    assert_eq!(asked(&server.seen())[1], "ListUsers PathPrefix=/d/ Marker=m");

    let endless = Server::start(|_, _| {
        let inside = "<Users/><IsTruncated>true</IsTruncated><Marker>m</Marker>";
        Answer::xml(200, answer("ListUsers", inside))
    });
    let called = run(&endless, &["euare-userlistbypath"]);
    assert_eq!(called.status, 1);
    assert!(called.err.contains("do not end"), "{}", called.err);
    assert_eq!(endless.seen().len(), 2);
}

const BELONGINGS: &[(&str, &str)] = &[
    (
        "ListAccessKeys",
        "<AccessKeyMetadata><member><AccessKeyId>AKI1</AccessKeyId></member></AccessKeyMetadata>",
    ),
    ("ListUserPolicies", "<PolicyNames><member>p1</member></PolicyNames>"),
    (
        "ListAttachedUserPolicies",
        "<AttachedPolicies><member><PolicyArn>arn:aws:iam::aws:policy/x</PolicyArn></member>\
         </AttachedPolicies>",
    ),
    (
        "ListSigningCertificates",
        "<Certificates><member><CertificateId>C1</CertificateId></member></Certificates>",
    ),
    (
        "ListGroupsForUser",
        "<Groups><member><GroupName>g1</GroupName><Arn>arn:g1</Arn></member></Groups>",
    ),
    ("DeleteAccessKey", ""),
    ("DeleteUserPolicy", ""),
    ("DetachUserPolicy", ""),
    ("DeleteSigningCertificate", ""),
    ("RemoveUserFromGroup", ""),
    ("DeleteUser", ""),
];

#[test]
fn a_user_goes_with_all_it_has_or_is_only_looked_at() {
    let server = iam(BELONGINGS);
    let pretended = run(&server, &["euare-userdel", "taro", "--pretend"]);
    assert_eq!(
        (pretended.err.as_str(), pretended.out.as_str()),
        (
            "",
            "accesskeys\n\tAKI1\npolicies\n\tp1\n\tarn:aws:iam::aws:policy/x\ncertificates\n\tC1\n\
             groups\n\tarn:g1\n"
        )
    );
    assert!(asked(&server.seen()).iter().all(|it| it.starts_with("List") || it.starts_with("Get")));
    let before = server.seen().len();
    let removed = run(&server, &["euare-userdel", "-u", "taro", "-r"]);
    assert_eq!((removed.status, removed.out.as_str(), removed.err.as_str()), (0, "", ""));
    let all = asked(&server.seen()[before..]);
    assert_eq!(
        &all[6..],
        [
            "DeleteAccessKey UserName=taro AccessKeyId=AKI1",
            "DeleteUserPolicy UserName=taro PolicyName=p1",
            "DetachUserPolicy UserName=taro PolicyArn=arn:aws:iam::aws:policy/x",
            "DeleteSigningCertificate UserName=taro CertificateId=C1",
            "RemoveUserFromGroup UserName=taro GroupName=g1",
            "DeleteUser UserName=taro",
        ]
    );
    let plain = run(&server, &["euare-userdel", "taro"]);
    assert_eq!(plain.status, 0);
    assert_eq!(asked(&server.seen()).last().unwrap(), "DeleteUser UserName=taro");
}

#[test]
fn policies_are_made_of_options_and_printed_as_they_were_meant() {
    let server = iam(&[
        ("PutUserPolicy", ""),
        ("PutRolePolicy", ""),
        ("ListUserPolicies", "<PolicyNames><member>p</member><member>q</member></PolicyNames>"),
        (
            "GetUserPolicy",
            "<PolicyName>p</PolicyName><PolicyDocument>%7B%22Version%22%3A%20%22x%22%7D\
             </PolicyDocument>",
        ),
    ]);
    let options = ["-p", "p", "-e", "Allow", "-a", "ec2:*", "-a", "s3:Get*", "-o"];
    let user = [&["euare-useraddpolicy", "-u", "taro", "-r", "*"][..], &options].concat();
    let called = run(&server, &user);
    let document: serde_json::Value = serde_json::from_str(&called.out).unwrap();
    assert_eq!(document["Statement"][0]["Action"][1], "s3:Get*");
    assert_eq!(document["Statement"][0]["Resource"][0], "*");
    let sent = server.seen()[0].parameter("PolicyDocument").unwrap();
    assert_eq!(sent, called.out.trim_end());
    let role = [&["euare-roleaddpolicy", "-r", "r", "-c", "*"][..], &options].concat();
    assert_eq!(run(&server, &role).status, 0);

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("p.json");
    std::fs::write(&file, "{ \"Version\": 1 }\n").unwrap();
    let path = file.to_str().unwrap();
    let uploaded = run(&server, &["euare-useruploadpolicy", "taro", "-p", "p", "-f", path]);
    assert_eq!((uploaded.status, uploaded.err.as_str()), (0, ""));
    let seen = server.seen();
    assert_eq!(seen[2].parameter("PolicyDocument").unwrap(), "{ \"Version\": 1 }\n");
    let both = ["euare-useruploadpolicy", "taro", "-p", "p", "-f", path, "-o", "{}"];
    assert_eq!(run(&server, &both).status, 2);
    assert_eq!(run(&server, &["euare-useruploadpolicy", "taro", "-p", "p"]).status, 2);

    let listed = run(&server, &["euare-userlistpolicies", "taro"]);
    assert_eq!(listed.out, "p\nq\nIsTruncated: false\n");
    let one = run(&server, &["euare-userlistpolicies", "taro", "-p", "p", "-v"]);
    assert_eq!(one.out, "{\"Version\": \"x\"}\nIsTruncated: false\n");
    let pretty = run(&server, &["euare-usergetpolicy", "taro", "-p", "p", "--pretty-print"]);
    assert_eq!(pretty.out, "{\n  \"Version\": \"x\"\n}\n");
}

#[test]
fn a_certificate_and_its_key_go_to_files_or_are_printed() {
    let server = iam(&[
        (
            "CreateSigningCertificate",
            "<Certificate><CertificateId>C1</CertificateId><CertificateBody>-----BEGIN\nC\n-----END\n\
             </CertificateBody><PrivateKey>-----BEGIN\nK\n-----END\n</PrivateKey></Certificate>",
        ),
        (
            "ListSigningCertificates",
            "<Certificates><member><CertificateId>C1</CertificateId>\
             <CertificateBody>-----BEGIN\nC\n-----END\n</CertificateBody><Status>Active</Status>\
             <UserName>taro</UserName></member></Certificates>",
        ),
    ]);
    let printed = run(&server, &["euare-usercreatecert"]);
    assert_eq!(printed.out, "C1\n-----BEGIN\nC\n-----END\n-----BEGIN\nK\n-----END\n");
    let dir = tempfile::tempdir().unwrap();
    let (cert, key) = (dir.path().join("c.pem"), dir.path().join("k.pem"));
    let (cert_path, key_path) = (cert.to_str().unwrap(), key.to_str().unwrap());
    let arguments = ["euare-usercreatecert", "taro", "--out", cert_path, "--keyout", key_path];
    let written = run(&server, &arguments);
    assert_eq!((written.err.as_str(), written.out.as_str()), ("", "C1\n"));
    assert_eq!(std::fs::read_to_string(&key).unwrap(), "-----BEGIN\nK\n-----END\n");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_to_string(&cert).unwrap(), "-----BEGIN\nC\n-----END\n");
    let nowhere = dir.path().join("absent/k.pem");
    let before = server.seen().len();
    let arguments = ["euare-usercreatecert", "--keyout", nowhere.to_str().unwrap()];
    assert_eq!(run(&server, &arguments).status, 1);
    assert_eq!(server.seen().len(), before, "no key is made that cannot be kept");
    let listed = run(&server, &["euare-userlistcerts", "-v"]);
    assert_eq!(listed.out, "C1\n-----BEGIN\nC\n-----END\nActive\ntaro\n");
}

#[test]
fn each_command_prints_what_3_4_prints() {
    let server = iam(&[
        ("GetUser", USER),
        (
            "ListAccessKeys",
            "<AccessKeyMetadata><member><AccessKeyId>AKI1</AccessKeyId><Status>Active</Status>\
             </member></AccessKeyMetadata>",
        ),
        ("GetLoginProfile", "<LoginProfile><UserName>taro</UserName></LoginProfile>"),
        ("ListGroups", "<Groups><member><Arn>arn:g</Arn></member></Groups>"),
        ("ListGroupsForUser", "<Groups><member><Arn>arn:g</Arn></member></Groups>"),
        (
            "GetGroup",
            "<Group><Arn>arn:g</Arn></Group><Users><member><Arn>arn:u</Arn></member></Users>",
        ),
        (
            "GetRole",
            "<Role><Arn>arn:r</Arn><RoleId>AROA</RoleId>\
             <AssumeRolePolicyDocument>%7B%7D</AssumeRolePolicyDocument></Role>",
        ),
        (
            "CreateRole",
            "<Role><Arn>arn:r</Arn><RoleId>AROA</RoleId>\
             <AssumeRolePolicyDocument>%7B%7D</AssumeRolePolicyDocument></Role>",
        ),
        (
            "GetInstanceProfile",
            "<InstanceProfile><Arn>arn:p</Arn><InstanceProfileId>AIPA</InstanceProfileId><Roles>\
             <member><Arn>arn:r</Arn><RoleName>r</RoleName></member></Roles></InstanceProfile>",
        ),
        (
            "ListAccounts",
            "<Accounts><member><AccountName>taro</AccountName><AccountId>123456789012</AccountId>\
             </member></Accounts>",
        ),
        (
            "CreateAccount",
            "<Account><AccountName>taro</AccountName><AccountId>123456789012</AccountId></Account>",
        ),
        ("CreateAccessKey", KEY),
        ("ListAccountAliases", "<AccountAliases><member>taro</member></AccountAliases>"),
        (
            "GetAccountSummary",
            "<SummaryMap><entry><key>Users</key><value>2</value></entry><entry><key>Groups</key>\
             <value>1</value></entry></SummaryMap>",
        ),
        ("UpdateAccessKey", ""),
        ("UpdateUser", ""),
        ("AddUserToGroup", ""),
    ]);
    let arn = "arn:aws:iam::123456789012:user/taro";
    let extra = format!("{arn}\nAIDA1\n2026-11-23T00:00:00Z\n\n\n\n");
    for (line, out) in [
        ("usergetattributes", format!("{arn}\nAIDA1\n").as_str()),
        ("usergetattributes taro --show-extra", &extra),
        ("userlistkeys", "AKI1\nActive\n"),
        ("usermodkey AKI1 -s Inactive", ""),
        ("usermod -u taro -n jiro --enabled false", ""),
        ("usergetloginprofile taro", "Login Profile Exists for User taro\n"),
        ("grouplistbypath", "groups\n   arn:g\n"),
        ("userlistgroups taro", "arn:g\n"),
        ("grouplistusers g", "arn:g\n   users\n   arn:u\n"),
        ("groupadduser g -u a -u b", ""),
        ("rolegetattributes r", "arn:r\nAROA\n{}\n"),
        ("rolecreate r -s ec2.amazonaws.com -v", "arn:r\nAROA\n{}\n"),
        ("instanceprofilegetattributes p -r", "arn:p\nAIPA\narn:r\n"),
        ("accountlist", "taro\t123456789012\n"),
        ("accountcreate -a taro", "taro\t123456789012\n"),
        ("accountcreate taro -k", "taro\t123456789012\nAKI1\ns/+1\n"),
        ("accountaliaslist", "Alias: taro\n"),
        ("accountgetsummary", "Groups: 1\nUsers: 2\n"),
    ] {
        let line = format!("euare-{line}");
        let called = run(&server, &line.split(' ').collect::<Vec<_>>());
        assert_eq!((called.err.as_str(), called.out.as_str()), ("", out), "{line}");
    }
    let all = asked(&server.seen());
    assert!(all.contains(&"UpdateAccessKey AccessKeyId=AKI1 Status=Inactive".to_owned()));
    assert!(all.contains(&"UpdateUser UserName=taro NewUserName=jiro Enabled=false".to_owned()));
    assert!(all.contains(&"AddUserToGroup GroupName=g UserName=b".to_owned()));
    assert!(
        all.contains(&"CreateAccessKey DelegateAccount=123456789012 UserName=admin".to_owned()),
        "{all:?}"
    );
}

#[test]
fn refusals_name_the_command_and_wrong_calls_are_told() {
    let server = iam(&[]);
    let refused = run(&server, &["euare-usergetattributes", "nobody"]);
    assert_eq!((refused.status, refused.out.as_str()), (1, ""));
    assert_eq!(refused.err, "euare-usergetattributes: error (NoSuchEntity): no GetUser\n");
    for wrong in [
        &["euare-usercreate"][..],
        &["euare-usermodkey", "AKI1", "-s", "Perhaps"],
        &["euare-rolecreate", "r"],
        &["euare-rolecreate", "r", "-s", "x", "-f", "y"],
        &["euare-instanceprofilecreate", "p", "-r", "r", "--create-role"],
        &["euare-usercreate", "taro", "-v", "-w"],
    ] {
        assert_eq!(run(&server, wrong).status, 2, "{wrong:?}");
    }
    let nowhere = call(&["euare-userlistbypath"], &[]);
    assert_eq!(nowhere.status, 1);
    assert!(nowhere.err.contains("set EUARE_URL"), "{}", nowhere.err);
}

#[test]
fn a_role_is_taken_on_by_what_a_shell_runs() {
    let server = Server::start(|_, seen| {
        assert_eq!(seen.parameter("Action").as_deref(), Some("AssumeRole"));
        let inside = "<Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s/+\
                      </SecretAccessKey><SessionToken>t=</SessionToken>\
                      <Expiration>2026-11-23T01:00:00Z</Expiration></Credentials>";
        Answer::xml(200, answer("AssumeRole", inside))
    });
    let variables = [("TOKEN_URL", server.url.as_str()), ("EC2_USER_ID", "123456789012")];
    let called = call(&["euare-assumerole", "d/r", "--session-name", "s"], &variables);
    assert_eq!((called.status, called.err.as_str()), (0, ""));
    assert_eq!(
        called.out,
        "AWS_ACCESS_KEY_ID=ASIA1; export AWS_ACCESS_KEY_ID;\n\
         AWS_ACCESS_KEY=ASIA1; export AWS_ACCESS_KEY;\n\
         EC2_ACCESS_KEY=ASIA1; export EC2_ACCESS_KEY;\n\
         AWS_SECRET_ACCESS_KEY=s/+; export AWS_SECRET_ACCESS_KEY;\n\
         AWS_SECRET_KEY=s/+; export AWS_SECRET_KEY;\n\
         EC2_SECRET_KEY=s/+; export EC2_SECRET_KEY;\n\
         AWS_SESSION_TOKEN=t=; export AWS_SESSION_TOKEN;\n\
         AWS_SECURITY_TOKEN=t=; export AWS_SECURITY_TOKEN;\n\
         AWS_CREDENTIAL_EXPIRATION=2026-11-23T01:00:00Z; export AWS_CREDENTIAL_EXPIRATION;\n\
         EC2_USER_ID=123456789012; export EC2_USER_ID;\n\
         unset AWS_CREDENTIAL_FILE;\n\
         \n# If you can read this, run it with eval:\n#     eval `euare-assumerole d/r`\n"
    );
    assert_eq!(
        asked(&server.seen()),
        ["AssumeRole RoleArn=arn:aws:iam::123456789012:role/d/r RoleSessionName=s \
          DurationSeconds=900"]
    );
    let csh = call(&["euare-releaserole", "-c"], &[]);
    assert!(csh.out.starts_with("unsetenv AWS_ACCESS_KEY_ID;\n"), "{}", csh.out);
}

#[test]
fn temporary_credentials_are_sent_with_their_token_and_never_shown() {
    let server = iam(&[("GetUser", USER), ("CreateAccessKey", KEY)]);
    let variables = [("AWS_IAM_URL", server.url.as_str()), ("AWS_SESSION_TOKEN", "tok/en=")];
    let called = call(&["euare-usergetattributes"], &variables);
    assert_eq!((called.status, called.err.as_str()), (0, ""));
    let seen = server.seen();
    assert_eq!(seen[0].headers.text("x-amz-security-token"), Some("tok/en="));
    let signed = seen[0].headers.text("authorization").unwrap();
    assert!(signed.contains("x-amz-security-token"), "{signed}");
    assert!(signed.contains("/iam/aws4_request"), "{signed}");
}
