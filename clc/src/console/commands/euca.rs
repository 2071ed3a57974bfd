//! Lines of euca: a table of its commands, by the action that each asks for. A row says which option
//! bears which parameter. A parameter that no option bears makes that there is no line.

use super::quote::shell;
use super::value::{Fields, Value};

/// A line that is being put together.
struct Line<'a> {
    command: String,
    options: Vec<String>,
    operands: Vec<String>,
    /// Parameters that nothing bears yet.
    left: Fields,
    user: &'a str,
    /// Whether something cannot be said.
    fails: bool,
}

impl Line<'_> {
    fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.left.iter().position(|(known, _)| known == name)?;
        Some(self.left.remove(at).1)
    }

    fn word(&mut self, value: &Value) -> String {
        match (value, value.plain()) {
            (Value::Secret(variable), _) => format!("\"${variable}\""),
            (_, Some(text)) => shell(&text),
            _ => {
                self.fails = true;
                String::new()
            }
        }
    }

    /// Operands of a parameter, one or several.
    fn of(&mut self, name: &str) {
        let items = match self.take(name) {
            None => return,
            Some(Value::List(items)) => items,
            Some(one) => vec![one],
        };
        for it in items {
            let word = self.word(&it);
            self.operands.push(word);
        }
    }

    /// An operand that is needed: the user who did it, if none was named.
    fn user(&mut self, name: &str) {
        match self.take(name) {
            Some(value) => {
                let word = self.word(&value);
                self.operands.push(word);
            }
            None => self.operands.push(shell(self.user)),
        }
    }

    /// An option of a parameter, for each value of it.
    fn option(&mut self, option: &str, name: &str) {
        let items = match self.take(name) {
            None => return,
            Some(Value::List(items)) => items,
            Some(one) => vec![one],
        };
        for it in items {
            let word = self.word(&it);
            self.said(option, &word);
        }
    }

    fn said(&mut self, option: &str, word: &str) {
        // A value that looks like an option is none behind an equals sign.
        let odd = word.trim_start_matches('\'').starts_with('-');
        let text = match (option.starts_with("--"), odd) {
            (true, true) => format!("{option}={word}"),
            (false, true) => format!("{option}{word}"),
            _ => format!("{option} {word}"),
        };
        self.options.push(text);
    }

    /// An option that is there or not.
    fn flag(&mut self, option: &str, name: &str) {
        match self.take(name) {
            None | Some(Value::Flag(false)) => {}
            Some(Value::Flag(true)) => self.options.push(option.to_owned()),
            Some(_) => self.fails = true,
        }
    }

    /// `--tag KEY=VALUE` for each tag.
    fn tags(&mut self, name: &str) {
        let Some(Value::List(items)) = self.take(name) else { return };
        for it in items {
            let Value::Parts(mut parts) = it else { continue };
            let mut part = |name: &str| {
                let at = parts.iter().position(|(known, _)| known == name)?;
                parts.remove(at).1.plain()
            };
            let (key, value) = (part("Key").unwrap_or_default(), part("Value"));
            // The first equals sign parts them.
            self.fails |= key.contains('=');
            let text = match value {
                Some(value) => format!("{key}={value}"),
                None => key,
            };
            let word = shell(&text);
            self.said("--tag", &word);
        }
    }

    /// `-b DEVICE=MAPPED` for each device.
    fn devices(&mut self) {
        let Some(Value::List(items)) = self.take("BlockDeviceMapping") else { return };
        for it in items {
            let Value::Parts(parts) = it else { continue };
            let part = |wanted: &str| {
                parts.iter().find(|(name, _)| name == wanted).and_then(|(_, it)| it.plain())
            };
            let mapped = match (part("VirtualName"), part("NoDevice")) {
                (Some(name), None) if parts.len() == 2 => name,
                (None, Some(_)) if parts.len() == 2 => "none".to_owned(),
                _ => {
                    self.fails = true;
                    continue;
                }
            };
            let word = shell(&format!("{}={mapped}", part("DeviceName").unwrap_or_default()));
            self.said("-b", &word);
        }
    }

    /// `-p NAME=VALUE`.
    fn property(&mut self, parts: &Fields) {
        let part = |wanted: &str| {
            let found = parts.iter().find(|(name, _)| name == wanted);
            found.and_then(|(_, it)| it.plain()).unwrap_or_default()
        };
        let word = shell(&format!("{}={}", part("Name"), part("Value")));
        self.said("-p", &word);
    }

    /// One part of a parameter that has nothing else.
    fn part(&mut self, option: &str, name: &str, part: &str) {
        match self.take(name) {
            Some(Value::Parts(parts)) if parts.len() == 1 && parts[0].0 == part => {
                let word = self.word(&parts[0].1);
                self.said(option, &word);
            }
            None => {}
            Some(_) => self.fails = true,
        }
    }

    fn done(mut self) -> Option<String> {
        if self.fails || !self.left.is_empty() {
            return None;
        }
        let mut words = vec![std::mem::take(&mut self.command)];
        words.append(&mut self.options);
        if self.operands.iter().any(|it| it.trim_start_matches('\'').starts_with('-')) {
            words.push("--".to_owned());
        }
        words.append(&mut self.operands);
        Some(words.join(" "))
    }
}

type Rule = fn(&mut Line<'_>);

/// A command: its API, its action, its name, and what bears what.
const TABLE: &[(&str, &str, &str, Rule)] = &[
    ("ec2", "RunInstances", "euca-run-instances", run),
    ("ec2", "TerminateInstances", "euca-terminate-instances", |it| it.of("InstanceId")),
    ("ec2", "StartInstances", "euca-start-instances", |it| it.of("InstanceId")),
    ("ec2", "RebootInstances", "euca-reboot-instances", |it| it.of("InstanceId")),
    ("ec2", "StopInstances", "euca-stop-instances", |it| {
        it.flag("--force", "Force");
        it.of("InstanceId");
    }),
    ("ec2", "CreateImage", "euca-create-image", |it| {
        it.option("-n", "Name");
        it.option("-d", "Description");
        it.flag("--no-reboot", "NoReboot");
        it.devices();
        it.of("InstanceId");
    }),
    ("ec2", "CreateTags", "euca-create-tags", |it| {
        it.tags("Tag");
        it.of("ResourceId");
    }),
    ("ec2", "DeleteTags", "euca-delete-tags", |it| {
        it.tags("Tag");
        it.of("ResourceId");
    }),
    ("ec2", "CreateKeyPair", "euca-create-keypair", |it| {
        it.option("--key-type", "KeyType");
        it.of("KeyName");
    }),
    ("ec2", "DeleteKeyPair", "euca-delete-keypair", |it| it.of("KeyName")),
    ("ec2", "ImportKeyPair", "euca-import-keypair", import),
    ("ec2", "RegisterImage", "euca-register", |it| {
        it.option("-n", "Name");
        it.option("-d", "Description");
        it.option("-a", "Architecture");
        it.option("--kernel", "KernelId");
        it.option("--ramdisk", "RamdiskId");
        it.option("--root-device-name", "RootDeviceName");
        it.option("--virtualization-type", "VirtualizationType");
        it.devices();
        it.of("ImageLocation");
    }),
    ("ec2", "DeregisterImage", "euca-deregister", |it| it.of("ImageId")),
    ("ec2", "ModifyImageAttribute", "euca-modify-image-attribute", modify_image),
    ("ec2", "ResetImageAttribute", "euca-reset-image-attribute", |it| {
        match it.take("Attribute").and_then(|value| value.plain()).as_deref() {
            Some("launchPermission") => it.options.push("-l".to_owned()),
            _ => it.fails = true,
        }
        it.of("ImageId");
    }),
    ("ec2", "ModifyInstanceAttribute", "euca-modify-instance-attribute", modify_instance),
    ("ec2", "ResetInstanceAttribute", "euca-reset-instance-attribute", |it| {
        match it.take("Attribute").and_then(|value| value.plain()).as_deref() {
            Some(name @ ("kernel" | "ramdisk")) => it.options.push(format!("--{name}")),
            _ => it.fails = true,
        }
        it.of("InstanceId");
    }),
    ("ec2", "CancelBundleTask", "euca-cancel-bundle-task", |it| it.of("BundleId")),
    ("iam", "CreateAccessKey", "euare-useraddkey", |it| it.of("UserName")),
    ("iam", "UpdateAccessKey", "euare-usermodkey", |it| {
        it.option("-s", "Status");
        it.option("-u", "UserName");
        it.of("AccessKeyId");
    }),
    ("iam", "DeleteAccessKey", "euare-userdelkey", |it| {
        it.option("-u", "UserName");
        it.of("AccessKeyId");
    }),
    ("iam", "CreateSigningCertificate", "euare-usercreatecert", |it| it.of("UserName")),
    ("iam", "UploadSigningCertificate", "euare-useraddcert", |it| {
        it.option("-c", "CertificateBody");
        it.user("UserName");
    }),
    ("iam", "UpdateSigningCertificate", "euare-usermodcert", |it| {
        it.option("-s", "Status");
        it.option("-u", "UserName");
        it.of("CertificateId");
    }),
    ("iam", "DeleteSigningCertificate", "euare-userdelcert", |it| {
        it.option("-u", "UserName");
        it.of("CertificateId");
    }),
    ("iam", "CreateUser", "euare-usercreate", |it| {
        it.option("-p", "Path");
        it.of("UserName");
    }),
    ("iam", "UpdateUser", "euare-usermod", |it| {
        it.option("-n", "NewUserName");
        it.option("-p", "NewPath");
        it.option("--enabled", "Enabled");
        it.option("--pwd-expires", "PasswordExpiration");
        it.option("--reg-status", "RegStatus");
        it.of("UserName");
    }),
    ("iam", "DeleteUser", "euare-userdel", |it| {
        it.flag("-R", "IsRecursive");
        it.of("UserName");
    }),
    ("iam", "CreateLoginProfile", "euare-useraddloginprofile", |it| {
        it.option("-p", "Password");
        it.user("UserName");
    }),
    ("iam", "UpdateLoginProfile", "euare-usermodloginprofile", |it| {
        it.option("-p", "Password");
        it.of("UserName");
    }),
    ("iam", "DeleteLoginProfile", "euare-userdelloginprofile", |it| it.user("UserName")),
    ("iam", "PutUserPolicy", "euare-useruploadpolicy", |it| policy(it, "UserName")),
    ("iam", "DeleteUserPolicy", "euare-userdelpolicy", |it| policy(it, "UserName")),
    ("iam", "CreateGroup", "euare-groupcreate", |it| {
        it.option("-p", "Path");
        it.of("GroupName");
    }),
    ("iam", "UpdateGroup", "euare-groupmod", |it| {
        it.option("-n", "NewGroupName");
        it.option("-p", "NewPath");
        it.of("GroupName");
    }),
    ("iam", "DeleteGroup", "euare-groupdel", |it| {
        it.flag("-R", "IsRecursive");
        it.of("GroupName");
    }),
    ("iam", "AddUserToGroup", "euare-groupadduser", |it| {
        it.option("-u", "UserName");
        it.of("GroupName");
    }),
    ("iam", "RemoveUserFromGroup", "euare-groupremoveuser", |it| {
        it.option("-u", "UserName");
        it.of("GroupName");
    }),
    ("iam", "PutGroupPolicy", "euare-groupuploadpolicy", |it| policy(it, "GroupName")),
    ("iam", "DeleteGroupPolicy", "euare-groupdelpolicy", |it| policy(it, "GroupName")),
    ("iam", "CreateAccount", "euare-accountcreate", |it| it.of("AccountName")),
    ("iam", "DeleteAccount", "euare-accountdel", |it| {
        it.flag("-r", "Recursive");
        it.option("--belongings", "Belongings");
        it.option("--heir", "Heir");
        it.of("AccountName");
    }),
    ("iam", "PutAccountPolicy", "euare-accountuploadpolicy", |it| policy(it, "AccountName")),
    ("iam", "DeleteAccountPolicy", "euare-accountdelpolicy", |it| policy(it, "AccountName")),
    ("iam", "CreateAccountAlias", "euare-accountaliascreate", |it| it.of("AccountAlias")),
    ("iam", "DeleteAccountAlias", "euare-accountaliasdelete", |it| it.of("AccountAlias")),
    ("eucalypt", "ModifyPropertyValue", "euca-modify-property", |it| {
        let all = std::mem::take(&mut it.left);
        it.property(&all);
    }),
    ("eucalypt", "ModifyPropertyValues", "euca-modify-property", |it| match it.take("Property") {
        Some(Value::List(all)) => {
            for one in all {
                match one {
                    Value::Parts(parts) => it.property(&parts),
                    _ => it.fails = true,
                }
            }
        }
        _ => it.fails = true,
    }),
    ("eucalypt", "ModifyInstanceTypes", "euca-modify-instance-type", |it| {
        match it.take("InstanceType") {
            Some(Value::List(mut all)) if all.len() == 1 => match all.pop() {
                Some(Value::Parts(parts)) => {
                    it.left = parts;
                    it.option("-c", "Cpu");
                    it.option("-m", "Memory");
                    it.option("-d", "Disk");
                    it.of("Name");
                }
                _ => it.fails = true,
            },
            // The command changes one at a time, and they may fit each other only together.
            _ => it.fails = true,
        }
    }),
    ("eucalypt", "EvictImages", "euca-evict-images", |it| it.of("Image")),
    ("eucalypt", "GiveUpNode", "euca-give-up-node", |it| it.of("Name")),
    ("eucalypt", "ModifyNode", "euca-drain-node", |it| {
        match it.take("State").and_then(|value| value.plain()).as_deref() {
            Some("draining") => {}
            Some("enabled") => "euca-enable-node".clone_into(&mut it.command),
            _ => it.fails = true,
        }
        it.of("Name");
    }),
    ("eucalypt", "AddUser", "euca-add-user", |it| {
        it.option("-e", "Email");
        it.flag("-a", "Admin");
        it.of("UserName");
    }),
    ("eucalypt", "DeleteUser", "euca-delete-user", |it| {
        it.option("--belongings", "Belongings");
        it.option("--heir", "Heir");
        it.of("UserName");
    }),
    ("eucalypt", "EnableUser", "euca-enable-user", |it| {
        if it.take("Enabled") == Some(Value::Flag(false)) {
            "euca-disable-user".clone_into(&mut it.command);
        }
        it.of("UserName");
    }),
    ("eucalypt", "AddGroup", "euca-add-user-group", |it| it.of("GroupName")),
    ("eucalypt", "DeleteGroup", "euca-delete-user-group", |it| it.of("GroupName")),
    ("eucalypt", "AddGroupMember", "euca-add-group-membership", |it| {
        it.option("-u", "UserName");
        it.of("GroupName");
    }),
    ("eucalypt", "RemoveGroupMember", "euca-remove-group-membership", |it| {
        it.option("-u", "UserName");
        it.of("GroupName");
    }),
    ("eucalypt", "GrantGroupAuthorization", "euca-grant-zone-permission", |it| {
        it.option("-z", "ZoneName");
        it.of("GroupName");
    }),
    ("eucalypt", "RevokeGroupAuthorization", "euca-revoke-zone-permission", |it| {
        it.option("-z", "ZoneName");
        it.of("GroupName");
    }),
];

fn run(it: &mut Line<'_>) {
    let number = |value: Option<Value>| value.and_then(|value| value.plain());
    let (min, max) = (number(it.take("MinCount")), number(it.take("MaxCount")));
    match (min, max) {
        (Some(min), Some(max)) if min != max => it.said("-n", &format!("{min}-{max}")),
        (min, max) => {
            let count = max.or(min).unwrap_or_else(|| "1".to_owned());
            it.said("-n", &count);
        }
    }
    it.option("-t", "InstanceType");
    it.option("-k", "KeyName");
    it.option("--kernel", "KernelId");
    it.option("--ramdisk", "RamdiskId");
    it.option("-g", "SecurityGroup");
    it.option("-d", "UserData");
    it.option("--instance-initiated-shutdown-behavior", "InstanceInitiatedShutdownBehavior");
    it.flag("--disable-api-termination", "DisableApiTermination");
    it.part("-z", "Placement", "AvailabilityZone");
    match it.take("IamInstanceProfile") {
        Some(Value::Parts(parts)) if parts.len() == 1 => {
            let word = it.word(&parts[0].1);
            it.said("-p", &word);
        }
        None => {}
        Some(_) => it.fails = true,
    }
    it.devices();
    it.of("ImageId");
}

fn import(it: &mut Line<'_>) {
    let text = it.take("PublicKeyMaterial").and_then(|value| value.plain());
    match text.and_then(|text| super::sdk::decoded(&text)) {
        Some(text) => {
            let command = std::mem::take(&mut it.command);
            it.command = format!("printf '%s' {} > key.pub && {command}", shell(&text));
            it.said("-f", "key.pub");
        }
        None => it.fails = true,
    }
    it.of("KeyName");
}

fn modify_image(it: &mut Line<'_>) {
    it.part("--description", "Description", "Value");
    it.option("-p", "ProductCode");
    if let Some(Value::Parts(parts)) = it.take("LaunchPermission") {
        it.options.push("-l".to_owned());
        for (what, whom) in parts {
            let option = if what == "Add" { "-a" } else { "-r" };
            let Value::List(whom) = whom else { continue };
            for one in whom {
                match one {
                    Value::Parts(one)
                        if one.len() == 1 && matches!(one[0].0.as_str(), "Group" | "UserId") =>
                    {
                        let word = it.word(&one[0].1);
                        it.said(option, &word);
                    }
                    _ => it.fails = true,
                }
            }
        }
    }
    it.of("ImageId");
}

fn modify_instance(it: &mut Line<'_>) {
    let option = match it.take("Attribute").and_then(|value| value.plain()).as_deref() {
        Some("disableApiTermination") => "--disable-api-termination",
        Some("instanceInitiatedShutdownBehavior") => "--instance-initiated-shutdown-behavior",
        Some("instanceType") => "-t",
        Some("kernel") => "--kernel",
        Some("ramdisk") => "--ramdisk",
        Some("userData") => {
            // euca takes the data themselves.
            if it.take("Value").is_some() {
                it.said("--user-data", "\"$USER_DATA\"");
            }
            ""
        }
        _ => {
            it.fails = true;
            ""
        }
    };
    it.option(option, "Value");
    it.of("InstanceId");
}

fn policy(it: &mut Line<'_>, holder: &str) {
    it.option("-p", "PolicyName");
    it.option("-o", "PolicyDocument");
    it.of(holder);
}

/// Whether euca has a command for an action.
pub(super) fn has(service: &str, action: &str) -> bool {
    TABLE.iter().any(|(of, known, ..)| *of == service && *known == action)
}

/// The line for an action of a user, if euca can say all of it.
pub(super) fn line(service: &str, action: &str, user: &str, fields: &Fields) -> Option<String> {
    let row = TABLE.iter().find(|(of, known, ..)| *of == service && *known == action);
    let (.., command, rule) = row?;
    let mut line = Line {
        command: (*command).to_owned(),
        options: Vec::new(),
        operands: Vec::new(),
        left: fields.clone(),
        user,
        fails: false,
    };
    rule(&mut line);
    line.done()
}
