//! The guard before the clc's actions: knows the records, so that policies can speak of what they
//! say.
//!
//! ```text
//!   Subject ──┬─ user/NAME         ─▶ path, and the name as it is on record
//!             ├─ key pair by id    ─▶ its name
//!             └─ what policies ask ─▶ tags, owner, type… of what is there already
//!                      │
//!                      ▼
//!          runtime::guard::decide, resource by resource
//! ```
//! What is looked up: names that a policy could know otherwise, and condition keys for which a policy
//! of this caller asks. For an owner, whom nothing can deny anything, that is nothing at all. What
//! another account owns is named as if it were the caller's, and nothing is said of it: whether it
//! may be touched is each action's own rule.

use std::sync::Arc;

use common::action::Caller;
use common::ec2::metadata_options::MetadataRequest;
use common::ec2::subjects::ASSOCIATION;
use common::error::{ApiError, ErrorCode};
use common::iam::{Arn, Context, PrincipalKind, Resource, Subject};
use common::id::ImageKind;
use futures_util::future::BoxFuture;
use runtime::guard::{FREE, Guard, decide};
use runtime::pool;

use super::directory::{RecordedDirectory, policy};
use crate::records::tagged::alike;
use crate::records::{Group, InstanceProfile, KeyPair, MfaDevice, Records, Role, TagMap, User};

/// Decides by policies, requests and records.
pub struct RecordedGuard {
    /// Identity, and with it the records.
    pub directory: Arc<RecordedDirectory>,
    /// The region in the names of resources.
    pub region: String,
}

impl Guard for RecordedGuard {
    fn demand<'a>(
        &'a self,
        caller: &'a Caller,
        action: &'a str,
        subject: Subject,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            if FREE.contains(&action) || caller.authority.is_unbound() {
                return Ok(());
            }
            let (directory, region) = (Arc::clone(&self.directory), self.region.clone());
            let (caller, action) = (caller.clone(), action.to_owned());
            let decide = move || {
                let look = Look { records: directory.records(), caller: &caller, region: &region };
                look.demand(&action, &subject)
            };
            pool::block(decide).await?
        })
    }

    fn names<'a>(
        &'a self,
        caller: &'a Caller,
        resources: Vec<Resource>,
    ) -> BoxFuture<'a, Result<Vec<String>, ApiError>> {
        Box::pin(async move {
            let looked = |it: &Resource| matches!(it, Resource::Iam(..) | Resource::KeyPair(_));
            if !resources.iter().any(looked) {
                let named = |it: &Resource| it.arn(&self.region, &caller.account, "/");
                return Ok(resources.iter().map(named).collect());
            }
            let (directory, region) = (Arc::clone(&self.directory), self.region.clone());
            let caller = caller.clone();
            let name = move || {
                let look = Look { records: directory.records(), caller: &caller, region: &region };
                resources.iter().map(|it| look.know(it).map(|(name, _)| name)).collect()
            };
            pool::block(name).await?
        })
    }
}

/// The key of a user's or role's boundary, in lower case.
const BOUNDARY: &str = "iam:permissionsboundary";

/// One look into the records for one request. All its functions block.
struct Look<'a> {
    records: &'a Records,
    caller: &'a Caller,
    region: &'a str,
}

/// What IAM keeps under a name: the whole name, the tags, and the boundary.
struct Bearer {
    name: String,
    tags: TagMap,
    boundary: Option<String>,
}

impl Bearer {
    fn of(name: String, tags: TagMap) -> Self {
        Self { name, tags, boundary: None }
    }
}

/// The name of a resource, and what is known of it beside what the request says.
type Known = (String, Context);

impl Look<'_> {
    fn demand(&self, action: &str, subject: &Subject) -> Result<(), ApiError> {
        for (action, subject) in subject.steps(action) {
            let (mut names, mut subject) = (Vec::new(), subject.clone());
            for (place, resource) in subject.resources.clone().iter().enumerate() {
                let said = subject.context_of(place);
                let (name, mut known) = self.know(resource)?;
                if said.get(BOUNDARY).is_some() {
                    // The boundary that it shall have, and not that it has.
                    known = known.without(BOUNDARY);
                }
                let profile = self.profile(&said)?;
                names.push(name);
                subject.own.push((place, known.and(&profile)));
            }
            decide(self.caller, action, &names, &subject)?;
        }
        Ok(())
    }

    /// The instance profile that a request gives, by its ARN, if it gives it by its name.
    fn profile(&self, said: &Context) -> Result<Context, ApiError> {
        let Some([name]) = said.get("ec2:instanceprofile") else { return Ok(Context::new()) };
        let key = InstanceProfile::key_of(&self.caller.account, name);
        let found = self.records.profiles.get(&key)?;
        Ok(Context::new().with_some("ec2:InstanceProfile", found.map(|it| it.arn())))
    }

    fn know(&self, resource: &Resource) -> Result<Known, ApiError> {
        let plain = || resource.arn(self.region, &self.caller.account, "/");
        Ok(match resource {
            Resource::Iam(kind, name) => match self.identity(kind, name)? {
                Some(Bearer { name, tags, boundary }) => {
                    let known = Context::new().with_some(BOUNDARY, boundary);
                    (name, self.tagged("iam", known, &tags)?)
                }
                None => (plain(), Context::new()),
            },
            Resource::Arn(arn) => match self.device(arn)? {
                Some(serial) => {
                    let known = self.managed(&serial)?;
                    (serial, known)
                }
                None => (plain(), self.managed(arn)?),
            },
            Resource::Ec2("instance", id) => (plain(), self.instance(id)?),
            Resource::Ec2(ASSOCIATION, id) => match self.records.associations.get(id)? {
                Some(row) => {
                    let instance = Resource::Ec2("instance", row.value);
                    return self.know(&instance);
                }
                None => (plain(), Context::new()),
            },
            Resource::Ec2("key-pair", name) => {
                let key = KeyPair::key_of(&self.caller.account, name);
                let seen = self.records.key_pairs.get(&key)?;
                (plain(), self.key_pair(seen.map(|seen| seen.record))?)
            }
            Resource::KeyPair(id) => {
                let all = self.records.key_pairs.all(&format!("{}/", self.caller.account));
                let mut found = None;
                for seen in all {
                    let key = seen?.record;
                    if key.id.as_str() == id {
                        found = Some(key);
                        break;
                    }
                }
                let named = found.as_ref().map(|key| Resource::Ec2("key-pair", key.name.clone()));
                let name = named.map(|it| it.arn(self.region, &self.caller.account, "/"));
                (name.unwrap_or_else(plain), self.key_pair(found)?)
            }
            Resource::Image(id) => (plain(), self.image(id)?),
            Resource::Ec2(..) | Resource::Bucket(_) | Resource::Object(..) => {
                (plain(), Context::new())
            }
        })
    }

    /// The whole name, the tags and the boundary of what IAM keeps under a name, in whatever case that was
    /// given. Without a name it is the caller.
    fn identity(&self, kind: &str, name: &str) -> Result<Option<Bearer>, ApiError> {
        let Look { records, caller, .. } = self;
        let account = &caller.account;
        let in_path = |path: &str, name: &str| {
            Arn::iam(account.as_str(), format!("{kind}{path}{name}")).to_string()
        };
        Ok(match kind {
            "user" if name.is_empty() && caller.authority.principal().account == *account => {
                let principal = caller.authority.principal();
                let seen = match principal.kind {
                    PrincipalKind::Role => None,
                    _ => records.users.get(&User::key_of(account, &principal.name))?,
                };
                let (tags, boundary) =
                    seen.map(|seen| (seen.record.tags, seen.record.boundary)).unwrap_or_default();
                Some(Bearer { name: principal.own_arn(), tags, boundary })
            }
            "user" => {
                // Whoever stands in for another account's owner is that owner there.
                let name = if name.is_empty() { &caller.user } else { name };
                let seen = records.users.get(&User::key_of(account, name))?;
                seen.map(|it| {
                    let (name, it) = (in_path(&it.path, &it.name), it.record);
                    Bearer { name, tags: it.tags, boundary: it.boundary }
                })
            }
            "group" => {
                let seen = records.groups.get(&Group::key_of(account, name))?;
                seen.map(|it| Bearer::of(in_path(&it.path, &it.name), TagMap::new()))
            }
            "role" => {
                let seen = records.roles.get(&Role::key_of(account, name))?;
                seen.map(|it| {
                    let (name, it) = (it.arn(), it.record);
                    Bearer { name, tags: it.tags, boundary: it.boundary }
                })
            }
            "instance-profile" => {
                let seen = records.profiles.get(&InstanceProfile::key_of(account, name))?;
                seen.map(|it| Bearer::of(it.arn(), it.record.tags))
            }
            _ => None,
        })
    }

    /// The serial number of an MFA device of the caller's account as it is on record, in whatever case
    /// it was given.
    fn device(&self, arn: &str) -> Result<Option<String>, ApiError> {
        let Some((before, name)) = arn.rsplit_once('/') else { return Ok(None) };
        if !before.to_ascii_lowercase().contains(":mfa") {
            return Ok(None);
        }
        let seen = self.records.mfa_devices.get(&MfaDevice::key_of(&self.caller.account, name))?;
        Ok(seen.map(|seen| seen.serial()).filter(|serial| serial.eq_ignore_ascii_case(arn)))
    }

    /// What is known of a managed policy or a second factor of the caller's account.
    fn managed(&self, arn: &str) -> Result<Context, ApiError> {
        if !self.asks_for_tags("iam") {
            return Ok(Context::new());
        }
        let account = &self.caller.account;
        let tags = match arn.split_once(":mfa/") {
            Some((_, name)) => {
                let name = name.rsplit('/').next().unwrap_or(name);
                let seen = self.records.mfa_devices.get(&MfaDevice::key_of(account, name))?;
                let own = seen.filter(|it| it.serial() == arn);
                own.map(|it| it.record.tags).unwrap_or_default()
            }
            None => {
                let own = policy(self.records, arn)?.filter(|it| it.account == *account);
                own.map(|it| it.tags).unwrap_or_default()
            }
        };
        self.tagged("iam", Context::new(), &tags)
    }

    fn instance(&self, id: &str) -> Result<Context, ApiError> {
        if !self.asks_of_ec2() {
            return Ok(Context::new());
        }
        let seen = self.records.instances.get(id)?;
        let Some(it) = seen.filter(|it| it.account == self.caller.account) else {
            return Ok(Context::new());
        };
        let options = MetadataRequest {
            http_tokens: Some(word(it.options.tokens_required, "required", "optional")),
            http_put_response_hop_limit: Some(i64::from(it.options.hop_limit)),
            http_endpoint: Some(word(it.options.enabled, "enabled", "disabled")),
            ..MetadataRequest::default()
        };
        let known = Context::new()
            .with("ec2:InstanceID", it.id.as_str())
            .with("ec2:InstanceType", it.instance_type.as_str())
            .with("ec2:AvailabilityZone", it.zone.as_str())
            .with("ec2:RootDeviceType", "instance-store")
            .with("ec2:Tenancy", "default")
            .with("ec2:EbsOptimized", "false")
            .with_some("ec2:InstanceProfile", it.profile.as_ref().map(|it| it.arn.as_str()))
            .and(&options.said("ec2:Metadata"));
        self.with_tags(known, id)
    }

    fn image(&self, id: &str) -> Result<Context, ApiError> {
        if !self.asks_of_ec2() {
            return Ok(Context::new());
        }
        let Some(it) = self.records.images.get(id)?.filter(|it| it.is_registered()) else {
            return Ok(Context::new());
        };
        let kind = match it.kind() {
            ImageKind::Machine => "machine",
            ImageKind::Kernel => "kernel",
            ImageKind::Ramdisk => "ramdisk",
        };
        let known = Context::new()
            .with("ec2:ImageID", it.id.as_str())
            .with("ec2:ImageType", kind)
            .with("ec2:Owner", it.account.as_str())
            .with("ec2:Public", it.public.to_string())
            .with("ec2:RootDeviceType", "instance-store");
        // What the caller's own account wrote on another's image says nothing of it.
        match it.account == self.caller.account {
            true => self.with_tags(known, id),
            false => Ok(known),
        }
    }

    fn key_pair(&self, key: Option<KeyPair>) -> Result<Context, ApiError> {
        let Some(key) = key.filter(|_| self.asks_of_ec2()) else { return Ok(Context::new()) };
        let known = Context::new()
            .with("ec2:KeyPairName", key.name.as_str())
            .with("ec2:KeyPairType", key.kind.as_str());
        self.with_tags(known, key.id.as_str())
    }

    fn asks_of_ec2(&self) -> bool {
        self.caller.authority.asks_for("ec2:") || self.asks_for_tags("ec2")
    }

    fn asks_for_tags(&self, service: &str) -> bool {
        let asks = |beginning: &str| self.caller.authority.asks_for(beginning);
        asks("aws:resourcetag/") || asks(&format!("{service}:resourcetag/"))
    }

    /// Knows the account's tags on a resource of EC2's, too, if somebody asks.
    fn with_tags(&self, known: Context, id: &str) -> Result<Context, ApiError> {
        if !self.asks_for_tags("ec2") {
            return Ok(known);
        }
        let tags = self.records.tags_on(&self.caller.account, id)?;
        self.tagged("ec2", known, &tags)
    }

    fn tagged(&self, service: &str, known: Context, tags: &TagMap) -> Result<Context, ApiError> {
        // An earlier version let them be written; which of them a condition means nobody can say.
        if let Some((one, other)) = alike(tags).filter(|_| self.asks_for_tags(service)) {
            let text = format!(
                "The resource has the tags '{one}' and '{other}', which differ in case only, and \
                 policies ask for tags: one of them has to be taken off first"
            );
            return Err(ApiError::new(ErrorCode::AccessDenied, text));
        }
        Ok(tags.iter().fold(known, |known, (key, value)| {
            known
                .with(&format!("{service}:ResourceTag/{key}"), value)
                .with(&format!("aws:ResourceTag/{key}"), value)
        }))
    }
}

fn word(so: bool, yes: &str, no: &str) -> String {
    (if so { yes } else { no }).to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use common::iam::policy::{Attached, Policy, PolicyKind, Source};
    use common::iam::{Authority, Grants, Principal};
    use common::id::{AccountId, KeyPairId};
    use common::time::Timestamp;
    use store::{Batch, EngineConfig};

    use super::*;
    use crate::reconcile::step::tests::sample;
    use crate::records::{ResourceKind, SeenState, Tags, Wanted};

    fn account() -> AccountId {
        "123456789012".parse().unwrap()
    }

    /// The user `/floor/taro`, to whom these statements apply.
    fn taro(statements: &str) -> Caller {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        let policy = Arc::new(Policy::parse(&text, PolicyKind::Identity).unwrap());
        let source = Source::User("taro".into());
        let attached = Attached { name: "p".into(), source, policy };
        let principal = Principal {
            account: account(),
            kind: PrincipalKind::User,
            name: "taro".into(),
            path: "/floor/".into(),
            id: "AIDA1".into(),
            session: None,
        };
        let grants = Grants { identity: vec![attached], ..Grants::default() };
        let authority = Authority::new(principal, grants);
        Caller { user: "taro".into(), authority, ..Caller::owner(&account(), "a") }
    }

    fn records() -> Records {
        Records::new(store::open(&EngineConfig::memory()).unwrap())
    }

    fn may(records: &Records, caller: &Caller, action: &str, subject: &Subject) -> bool {
        let look = Look { records, caller, region: "r1" };
        match look.demand(action, subject) {
            Ok(()) => true,
            Err(error) if error.code() == ErrorCode::AccessDenied => false,
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn identities_have_the_path_and_the_name_that_are_on_record() {
        let records = records();
        let user = |name: &str, path: &str| {
            User::new(account(), name, path, format!("AIDA{name}"), Timestamp::EPOCH)
        };
        records.users.insert(user("Hanako", "/floor/")).unwrap();
        records.users.insert(user("other", "/")).unwrap();
        let on_floor = r#"{"Effect":"Allow","Action":"iam:GetUser","Resource":"arn:aws:iam::123456789012:user/floor/*"}"#;
        let denied = r#",{"Effect":"Deny","Action":"*","Resource":"arn:aws:iam::123456789012:user/floor/Hanako"}"#;
        for (statements, name, expected) in [
            (on_floor.to_owned(), "hanako", true),
            (on_floor.to_owned(), "other", false),
            (on_floor.to_owned(), "nobody", false),
            // The caller, who is on that floor.
            (on_floor.to_owned(), "", true),
            (format!("{on_floor}{denied}"), "Hanako", false),
            (format!("{on_floor}{denied}"), "HANAKO", false),
        ] {
            let allowed =
                may(&records, &taro(&statements), "iam:GetUser", &Subject::iam("user", name));
            assert_eq!(allowed, expected, "{statements} {name}");
        }
    }

    #[test]
    fn a_key_pair_is_the_same_by_its_name_and_by_its_id() {
        let records = records();
        let id = KeyPairId::from_random([1, 2, 3, 4]);
        let key = KeyPair {
            account: account(),
            name: "prod key".into(),
            id: id.clone(),
            kind: "rsa".into(),
            fingerprint: String::new(),
            openssh: String::new(),
            created: Timestamp::EPOCH,
        };
        records.key_pairs.insert(key).unwrap();
        let caller = taro(
            r#"{"Effect":"Allow","Action":"*","Resource":"*"},
               {"Effect":"Deny","Action":"*","Resource":"arn:aws:ec2:*:*:key-pair/prod*"}"#,
        );
        let by_id = |id: &str| Subject::of([Resource::KeyPair(id.to_owned())]);
        let by_name = Subject::of([Resource::Ec2("key-pair", "prod key".into())]);
        assert!(!may(&records, &caller, "ec2:DeleteKeyPair", &by_name));
        assert!(!may(&records, &caller, "ec2:DeleteKeyPair", &by_id(id.as_str())));
        assert!(may(&records, &caller, "ec2:DeleteKeyPair", &by_id("key-99999999")));
    }

    #[test]
    fn tags_and_types_of_what_is_there_count_and_those_of_others_do_not() {
        let records = records();
        let mut instance = sample(Wanted::Running, SeenState::Running);
        instance.account = account();
        let id = instance.id.to_string();
        records.instances.insert(instance).unwrap();
        let mut batch = Batch::new();
        let tags = Tags {
            account: account(),
            resource: id.clone(),
            kind: ResourceKind::Instance,
            tags: BTreeMap::from([("Owner".to_owned(), "taro".to_owned())]),
        };
        records.write_tags(&mut batch, None, &tags).unwrap();
        batch.commit(&*records.engine).unwrap();
        let when = |condition: &str| {
            taro(&format!(
                r#"{{"Effect":"Allow","Action":"ec2:*","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{{"StringEquals":{{{condition}}}}}}}"#
            ))
        };
        let subject = Subject::ec2("instance", [id.as_str()]);
        for (condition, expected) in [
            (r#""ec2:ResourceTag/Owner":"${aws:username}""#, true),
            (r#""aws:resourcetag/owner":"taro""#, true),
            (r#""ec2:ResourceTag/Owner":"hanako""#, false),
            (r#""ec2:ResourceTag/Team":"taro""#, false),
            (r#""ec2:InstanceType":"m1.small","ec2:AvailabilityZone":"z""#, true),
            (r#""ec2:InstanceType":"m1.large""#, false),
            // What a request says of tags is not what is on a resource.
            (r#""aws:RequestTag/Owner":"taro""#, false),
        ] {
            let allowed = may(&records, &when(condition), "ec2:RebootInstances", &subject);
            assert_eq!(allowed, expected, "{condition}");
        }
        let absent = Subject::ec2("instance", ["i-99999999"]);
        let tagged = when(r#""ec2:ResourceTag/Owner":"taro""#);
        assert!(!may(&records, &tagged, "ec2:RebootInstances", &absent));
        // One that is another account's has no tags, whoever wrote them.
        let mut seen = records.instances.get(&id).unwrap().unwrap();
        seen.record.account = AccountId::cloud();
        records.instances.replace(seen).unwrap();
        assert!(!may(&records, &tagged, "ec2:RebootInstances", &subject));
    }

    #[test]
    fn what_is_done_on_the_way_must_be_allowed_as_well() {
        let records = records();
        let image = Subject::of([Resource::Image("*".into())])
            .also("s3:GetObject", Subject::of([Resource::Object("b".into(), "m".into())]));
        let register = r#"{"Effect":"Allow","Action":"ec2:RegisterImage","Resource":"arn:aws:ec2:*::image/*"}"#;
        let read = r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}"#;
        for (statements, expected) in [
            (register.to_owned(), false),
            (read.to_owned(), false),
            (format!("{register},{read}"), true),
        ] {
            assert_eq!(may(&records, &taro(&statements), "ec2:RegisterImage", &image), expected);
        }
    }

    #[test]
    fn tags_that_differ_in_case_only_say_nothing() {
        let records = records();
        let mut instance = sample(Wanted::Running, SeenState::Running);
        instance.account = account();
        let id = instance.id.to_string();
        records.instances.insert(instance).unwrap();
        let mut batch = Batch::new();
        let tags = [("Owner", "hanako"), ("owner", "taro")];
        let tags = Tags {
            account: account(),
            resource: id.clone(),
            kind: ResourceKind::Instance,
            tags: tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
        };
        records.write_tags(&mut batch, None, &tags).unwrap();
        batch.commit(&*records.engine).unwrap();
        let subject = Subject::ec2("instance", [id.as_str()]);
        let all = r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"#;
        let own = format!(
            r#"{all}","Condition":{{"StringEquals":{{"ec2:ResourceTag/Owner":"${{aws:username}}"}}}}}}"#
        );
        let others = format!(
            r#"{all}"}},{{"Effect":"Deny","Action":"ec2:*","Resource":"*","Condition":{{"StringNotEquals":{{"aws:ResourceTag/owner":"taro"}}}}}}"#
        );
        for statements in [own, others] {
            assert!(!may(&records, &taro(&statements), "ec2:TerminateInstances", &subject));
        }
        let whoever = format!(r#"{all}"}}"#);
        assert!(may(&records, &taro(&whoever), "ec2:TerminateInstances", &subject));
    }

    #[test]
    fn the_boundary_of_a_user_is_known_and_that_of_the_request_goes_before() {
        let records = records();
        let mut user = User::new(account(), "jiro", "/", "AIDAJ".into(), Timestamp::EPOCH);
        user.boundary = Some("arn:aws:iam::123456789012:policy/B".into());
        records.users.insert(user).unwrap();
        let when = |effect: &str| {
            format!(
                r#"{{"Effect":"{effect}","Action":"iam:*","Resource":"*","Condition":{{"StringEquals":{{"iam:PermissionsBoundary":"arn:aws:iam::123456789012:policy/B"}}}}}}"#
            )
        };
        let delegate = taro(&when("Allow"));
        let all = r#"{"Effect":"Allow","Action":"iam:*","Resource":"*"}"#;
        let bound = taro(&format!("{all},{}", when("Deny")));
        let jiro = || Subject::iam("user", "jiro");
        for action in
            ["iam:AttachUserPolicy", "iam:PutUserPolicy", "iam:DeleteUserPermissionsBoundary"]
        {
            assert!(may(&records, &delegate, action, &jiro()), "{action}");
            assert!(!may(&records, &bound, action, &jiro()), "{action}");
            assert!(!may(&records, &delegate, action, &Subject::iam("user", "nobody")), "{action}");
        }
        let other = Context::new().with(BOUNDARY, "arn:aws:iam::123456789012:policy/C");
        let put = jiro().when(other);
        assert!(!may(&records, &delegate, "iam:PutUserPermissionsBoundary", &put));
        assert!(may(&records, &bound, "iam:PutUserPermissionsBoundary", &put));
    }

    #[test]
    fn a_device_has_the_serial_number_that_is_on_record() {
        let records = records();
        let device = MfaDevice {
            account: account(),
            name: "Root".into(),
            path: "/".into(),
            secret: Vec::new(),
            created: Timestamp::EPOCH,
            user: None,
            enabled: None,
            used: 0,
            ahead: Default::default(),
            tags: TagMap::new(),
        };
        records.mfa_devices.insert(device).unwrap();
        let caller = taro(
            r#"{"Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam::*:mfa/*"},
               {"Effect":"Deny","Action":"*","Resource":"arn:aws:iam::123456789012:mfa/Root"}"#,
        );
        for (name, expected) in [("Root", false), ("root", false), ("ROOT", false), ("x", true)] {
            let serial = Resource::Arn(format!("arn:aws:iam::123456789012:mfa/{name}"));
            let subject = Subject::of([serial]);
            let allowed = may(&records, &caller, "iam:DeleteVirtualMFADevice", &subject);
            assert_eq!(allowed, expected, "{name}");
        }
    }
}
