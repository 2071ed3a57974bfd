//! The commands of administration against answers as 2.0's protocol has them.

use std::os::unix::fs::PermissionsExt as _;

use crate::program::{Called, call};
use crate::server::{Answer, Server};

fn answer(action: &str, inside: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<euca:{action}ResponseType \
         xmlns:euca=\"http://msgs.eucalyptus.com\"><euca:correlationId>r</euca:correlationId>\
         <euca:_return>true</euca:_return>{inside}</euca:{action}ResponseType>"
    )
}

/// A server that answers each action with what stands beside its name.
fn cloud(answers: &'static [(&'static str, &'static str)]) -> Server {
    Server::start(move |_, seen| {
        assert_eq!(seen.parameter("Version").as_deref(), Some("eucalyptus"));
        let action = seen.parameter("Action").unwrap();
        match answers.iter().find(|(name, _)| *name == action) {
            Some((_, inside)) => Answer::xml(200, answer(&action, inside)),
            None => Answer::xml(
                400,
                "<Response><Errors><Error><Code>UnsupportedOperation</Code><Message>no</Message>\
                 </Error></Errors><RequestID>r</RequestID></Response>",
            ),
        }
    })
}

fn run(server: &Server, arguments: &[&str]) -> Called {
    call(arguments, &[("EC2_URL", &format!("{}/services/Eucalyptus", server.url))])
}

#[test]
fn what_is_done_is_said_as_2_0_says_it() {
    let server = cloud(&[
        ("AddUser", ""),
        ("DeleteUser", ""),
        ("EnableUser", ""),
        ("AddGroup", ""),
        ("DeleteGroup", ""),
        ("AddGroupMember", ""),
        ("RemoveGroupMember", ""),
        ("GrantGroupAuthorization", ""),
        ("RevokeGroupAuthorization", ""),
    ]);
    for (line, parameters) in [
        ("add-user -e t@x.jp taro", &[("UserName", "taro"), ("Email", "t@x.jp")][..]),
        ("add-user -n taro -a", &[("UserName", "taro"), ("Admin", "true")]),
        ("delete-user taro --belongings end", &[("Belongings", "end")]),
        ("enable-user taro", &[("Enabled", "true")]),
        ("disable-user taro", &[("Enabled", "false")]),
        ("add-user-group gold", &[("GroupName", "gold")]),
        ("delete-user-group gold", &[("GroupName", "gold")]),
        ("add-group-membership gold -u taro", &[("UserName", "taro"), ("GroupName", "gold")]),
        ("remove-group-membership -u taro gold", &[("UserName", "taro"), ("GroupName", "gold")]),
        ("grant-zone-permission -z z gold", &[("ZoneName", "z"), ("GroupName", "gold")]),
        ("revoke-zone-permission gold -z z", &[("ZoneName", "z"), ("GroupName", "gold")]),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let link = format!("euca-{}", words[0]);
        let by_link = [&[link.as_str()][..], &words[1..]].concat();
        let by_word = [&["euca", "admin"][..], &words].concat();
        for arguments in [by_link, by_word] {
            let called = run(&server, &arguments);
            assert_eq!(
                (called.err.as_str(), called.out.as_str()),
                ("", "RESPONSE true\n"),
                "{line}"
            );
            let seen = server.seen().pop().unwrap();
            assert_eq!(seen.path, "/services/Accounts", "{line}");
            for (name, value) in parameters {
                assert_eq!(seen.parameter(name).as_deref(), Some(*value), "{line}: {name}");
            }
        }
    }
    assert_eq!(run(&server, &["euca-add-user"]).status, 2);
    assert_eq!(run(&server, &["euca-add-user", "a", "-n", "b"]).status, 2);
    let refused = run(&server, &["euca-register-cluster", "-H", "h", "-p", "8774", "c"]);
    assert_eq!((refused.status, refused.out.as_str()), (1, ""));
    assert_eq!(refused.err, "euca-register-cluster: error (UnsupportedOperation): no\n");
    assert_eq!(server.seen().pop().unwrap().path, "/services/Configuration");
}

#[test]
fn listings_have_2_0s_lines() {
    let server = cloud(&[
        (
            "DescribeUsers",
            "<euca:users><euca:item><euca:userName>taro</euca:userName>\
             <euca:email>N/A</euca:email><euca:admin>false</euca:admin>\
             <euca:confirmed>true</euca:confirmed><euca:enabled>true</euca:enabled>\
             <euca:distinguishedName>CN=taro</euca:distinguishedName>\
             <euca:certificateSerial>0a</euca:certificateSerial><euca:accessKey>AK</euca:accessKey>\
             <euca:secretKey>S</euca:secretKey><euca:groups><euca:entry>all</euca:entry>\
             <euca:entry>gold</euca:entry></euca:groups><euca:revoked/></euca:item><euca:item>\
             <euca:userName>hanako</euca:userName><euca:email>h@x</euca:email>\
             <euca:admin>true</euca:admin><euca:confirmed>true</euca:confirmed>\
             <euca:enabled>false</euca:enabled><euca:groups/><euca:revoked>\
             <euca:entry>0b</euca:entry></euca:revoked></euca:item></euca:users>",
        ),
        (
            "DescribeGroups",
            "<euca:groups><euca:item><euca:groupName>gold</euca:groupName><euca:users>\
             <euca:entry>taro</euca:entry></euca:users><euca:authorizations>\
             <euca:entry>z1</euca:entry><euca:entry>z2</euca:entry></euca:authorizations>\
             </euca:item></euca:groups>",
        ),
        (
            "DescribeProperties",
            "<euca:properties><euca:item><euca:name>a.b</euca:name><euca:value>1</euca:value>\
             <euca:description>what</euca:description></euca:item></euca:properties>",
        ),
        (
            "ModifyPropertyValue",
            "<euca:name>a.b</euca:name><euca:value>2</euca:value><euca:oldValue>1</euca:oldValue>",
        ),
        (
            "DescribeNodes",
            "<euca:registered><euca:item><euca:name>n</euca:name>\
             <euca:clusterName>z</euca:clusterName><euca:instances><euca:entry>i-1</euca:entry>\
             </euca:instances></euca:item></euca:registered>",
        ),
        (
            "DescribeWalruses",
            "<euca:registered><euca:item><euca:type>walrus</euca:type><euca:name>walrus</euca:name>\
             <euca:detail>h</euca:detail><euca:state>ENABLED</euca:state></euca:item>\
             </euca:registered>",
        ),
    ]);
    let users = "USER\t\ttaro\tN/A \tENABLED\nUSER-GROUP\ttaro\t all gold\nUSER-CERT\ttaro\tCN=taro\t0a\n\
                 USER-KEYS\ttaro\tAK\tS\nUSER-CODE\ttaro\t\nUSER-WEB \ttaro\t\n\
                 USER\t\thanako\th@x\tADMIN\tDISABLED\nUSER-GROUP\thanako\t\nUSER-CERT\thanako\t\t\n\
                 USER-REVOKED\thanako\t0b\nUSER-KEYS\thanako\t\t\nUSER-CODE\thanako\t\n\
                 USER-WEB \thanako\t\n";
    for (line, path, out) in [
        ("describe-users taro hanako", "Accounts", users),
        (
            "describe-user-groups",
            "Accounts",
            "GROUP      \tgold\t\nUSERS\tgold\t taro\nAUTH\tgold\t z1 z2\n",
        ),
        ("describe-properties", "Properties", "PROPERTY\ta.b\t1\n"),
        ("describe-properties -v a", "Properties", "PROPERTY\ta.b\t1\nDESCRIPTION\ta.b\twhat\n"),
        ("modify-property -p a.b=2", "Properties", "PROPERTY\ta.b\t2 was 1\n"),
        ("describe-nodes", "Configuration", "NODE\tn\tz\ti-1\n"),
        ("describe-walruses", "Configuration", "WALRUS\twalrus\th\tENABLED\n"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let called = run(&server, &[&["euca", "admin"][..], &words].concat());
        assert_eq!((called.err.as_str(), called.out.as_str()), ("", out), "{line}");
        assert_eq!(server.seen().pop().unwrap().path, format!("/services/{path}"));
    }
    let seen = server.seen();
    assert_eq!(seen[0].parameter("UserNames.2").as_deref(), Some("hanako"));
    let wrong = run(&server, &["euca-modify-property", "-p", "a.b"]);
    assert_eq!(wrong.status, 2);
}

#[test]
fn credentials_go_to_a_zip_or_a_directory_and_overwrite_nothing() {
    let server = cloud(&[(
        "GetCredentials",
        "<euca:userName>taro</euca:userName><euca:accountNumber>123456789012</euca:accountNumber>\
         <euca:base64>UEsFBg==</euca:base64><euca:files><euca:item><euca:name>eucarc</euca:name>\
         <euca:secret>true</euca:secret><euca:text>export A=1\n</euca:text></euca:item><euca:item>\
         <euca:name>cloud-cert.pem</euca:name><euca:secret>false</euca:secret>\
         <euca:text>C\n</euca:text></euca:item></euca:files>",
    )]);
    let dir = tempfile::tempdir().unwrap();
    let zip = dir.path().join("t.zip");
    let arguments = ["euca-get-credentials", "-u", "taro", zip.to_str().unwrap()];
    let called = run(&server, &arguments);
    assert_eq!((called.err.as_str(), called.out), ("", format!("{}\n", zip.display())));
    assert_eq!(std::fs::read(&zip).unwrap(), b"PK\x05\x06");
    assert_eq!(std::fs::metadata(&zip).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(run(&server, &arguments).status, 1);
    assert_eq!(server.seen().len(), 1, "none are made that cannot be kept");

    let folder = dir.path().join("taro");
    let arguments = ["euca-get-credentials", folder.to_str().unwrap(), "--keys-only"];
    let called = run(&server, &arguments);
    assert_eq!(called.err, "");
    assert_eq!(called.out, format!("{}\n", folder.join("eucarc").display()));
    let seen = server.seen().pop().unwrap();
    assert_eq!(seen.parameter("Directory").as_deref(), folder.to_str());
    assert_eq!(seen.parameter("Kind").as_deref(), Some("keys"));
    assert_eq!(seen.parameter("UserName"), None);
    assert_eq!(std::fs::read_to_string(folder.join("eucarc")).unwrap(), "export A=1\n");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&folder) & 0o777, 0o700);
    assert_eq!(mode(&folder.join("eucarc")) & 0o777, 0o600);
    assert_eq!(mode(&folder.join("cloud-cert.pem")) & 0o777, 0o644);
    assert_eq!(run(&server, &arguments).status, 1);
    assert_eq!(server.seen().len(), 2);
}
