//! A cloud whose people have something of everything, named as an attacker would name it.

use std::sync::atomic::{AtomicU32, Ordering};

use bundle::Kind;
use common::audit::{Event, Filter};
use common::wire::admin::{RegisterUser, SetPassword};
use common::wire::audit::LookAudit;
use common::wire::people::Contact;
use e2e::bundles::{boot, registered};
use e2e::raw::{Reply, Signer, Version};
use e2e::{Cloud, Shape, User};

use crate::browser::{Browser, SESSION};

/// What no page may show to anybody else.
pub(crate) const SECRET: &str = "geheim7";
/// A name that becomes a script, or breaks out of an attribute, wherever it is not escaped.
pub(crate) const MARKER: &str =
    "geheim7\"'><script>zq()</script><img src=x onerror=zq()>&lt;javascript:zq()";
/// First passwords.
pub(crate) const FIRST: &str = "korrekt Pferd 1";
/// Those that people set themselves.
pub(crate) const OWN: &str = "batterie Klammer 2";

/// Somebody who is signed in.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) account: String,
    pub(crate) user: String,
    pub(crate) browser: Browser,
}

impl Person {
    /// Signs in, unless they are.
    pub(crate) fn come(&mut self) {
        if self.browser.get("/sessions").status != 200 {
            self.browser.cookies.remove(SESSION);
            let fields = [("account", &*self.account), ("user", &self.user), ("password", OWN)];
            let mut shown = self.browser.submit("/sign-in", &fields);
            if shown.location() == "/password/new" {
                let fields = [("password", OWN), ("again", OWN)];
                shown = self.browser.submit("/password/new", &fields);
            }
            assert_eq!((shown.status, shown.location()), (303, "/"), "{}", shown.text());
        }
    }

    fn new(cloud: &Cloud, account: &str, user: &str) -> Self {
        let (account, user) = (account.to_owned(), user.to_owned());
        Self { account, user, browser: Browser::new(cloud) }
    }
}

/// A cloud and its people.
pub(crate) struct Site {
    pub(crate) cloud: Cloud,
    /// The cloud's administrator.
    pub(crate) administrator: Person,
    /// The owner of an account that has something of everything.
    pub(crate) taro: Person,
    /// A user in that account who may do nothing.
    pub(crate) jiro: Person,
    /// The owner of another account.
    pub(crate) hanako: Person,
    /// The access key of the first owner.
    pub(crate) owner: User,
    /// What an account of that owner's is known by: ids, names.
    pub(crate) things: Vec<String>,
}

/// Sends an API some parameters.
pub(crate) fn send(cloud: &Cloud, user: &User, path: &str, pairs: &[(&str, &str)]) -> Reply {
    // Equal requests of one second would be one request, and done once.
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed).to_string();
    let pairs: Vec<_> = pairs.iter().copied().chain([("Number", number.as_str())]).collect();
    Signer::of(user, Version::Two, cloud.clock().now()).query_at(path, cloud.api(), &pairs)
}

/// The same of EC2 or IAM, which must be done.
fn done(cloud: &Cloud, user: &User, path: &str, action: &str, pairs: &[(&str, &str)]) -> String {
    let version = if path.ends_with("Euare") { "2010-05-08" } else { "2016-11-15" };
    let all = [("Action", action), ("Version", version)];
    let all: Vec<_> = all.into_iter().chain(pairs.iter().copied()).collect();
    let reply = send(cloud, user, path, &all);
    assert_eq!(reply.status, 200, "{action}: {}", reply.text());
    reply.text()
}

/// Gives a user of an account a policy, in the place of the one before.
pub(crate) fn allow(cloud: &Cloud, owner: &User, user: &str, document: &str) {
    let pairs = [("UserName", user), ("PolicyName", "given"), ("PolicyDocument", document)];
    done(cloud, owner, IAM, "PutUserPolicy", &pairs);
}

const EC2: &str = "/services/Eucalyptus";
const IAM: &str = "/services/Euare";

impl Site {
    /// Raises it.
    pub(crate) fn raise() -> Self {
        let cloud = Cloud::raise(Shape::default());
        for name in ["pages", "changes", "sign_ins", "streams"] {
            cloud.set(&format!("console.{name}_per_minute"), "1000000");
        }
        let admin = cloud.administrator();
        boot(&admin);
        let mut administrator = Person::new(&cloud, "eucalyptus", "admin");
        let first = std::fs::read_to_string(cloud.dir().join("admin/console-password")).unwrap();
        let fields = [("account", "eucalyptus"), ("password", first.trim())];
        assert_eq!(administrator.browser.submit("/sign-in", &fields).status, 303);
        let host = cloud.api().ip().to_string();
        let mail = "root@example.com";
        let fields = [("password", OWN), ("again", OWN), ("email", mail), ("host", &host)];
        let shown = administrator.browser.submit("/first-time", &fields);
        assert_eq!(shown.location(), "/", "{}", shown.text());

        let (owner, taro) = Self::person(&cloud, "taro");
        let (_, hanako) = Self::person(&cloud, "hanako");
        let login = [("UserName", "jiro"), ("Password", OWN)];
        done(&cloud, &owner, IAM, "CreateUser", &login[..1]);
        done(&cloud, &owner, IAM, "CreateLoginProfile", &login);
        let mut jiro = Person::new(&cloud, "taro", "jiro");
        jiro.come();
        let things = Self::fill(&cloud, &owner);
        Self { cloud, administrator, taro, jiro, hanako, owner, things }
    }

    /// Registers somebody who then sets a password and is signed in.
    fn person(cloud: &Cloud, name: &str) -> (User, Person) {
        let user = Self::register(cloud, name);
        let mut person = Person::new(cloud, name, "");
        let fields = [("account", name), ("password", FIRST)];
        assert_eq!(person.browser.submit("/sign-in", &fields).status, 303);
        let held = person.browser.cookies[SESSION].clone();
        let fields = [("password", OWN), ("again", OWN)];
        assert_eq!(person.browser.submit("/password/new", &fields).location(), "/");
        assert_ne!(person.browser.cookies[SESSION], held);
        (user, person)
    }

    fn register(cloud: &Cloud, name: &str) -> User {
        let said = |text: &str| if name == "taro" { text.to_owned() } else { String::new() };
        let contact = Contact {
            email: format!("{name}@example.com"),
            full_name: said(MARKER),
            telephone: said("\"><b>1"),
            affiliation: said(MARKER),
            project_leader: said(MARKER),
            project_description: said(MARKER),
        };
        let password = Some(FIRST.to_owned());
        let ask =
            RegisterUser { name: name.into(), contact, language: None, password, by_mail: false };
        let files = cloud.ask_clc(ask).unwrap();
        let folder = cloud.scratch("people").join(name);
        clc::identity::folder::write(&folder, &files.files).unwrap();
        User::of(&folder)
    }

    /// Gives an account something of everything; tells by what it is known.
    fn fill(cloud: &Cloud, owner: &User) -> Vec<String> {
        let image = registered(owner, "geheim7-images", "web", Kind::Machine, &[7; 1024]);
        let pairs = [("ImageId", &*image), ("Description.Value", MARKER)];
        done(cloud, owner, EC2, "ModifyImageAttribute", &pairs);
        done(cloud, owner, EC2, "CreateKeyPair", &[("KeyName", "geheim7-key")]);
        // Whether names of key pairs may be so is theirs to say.
        send(
            cloud,
            owner,
            EC2,
            &[("Action", "CreateKeyPair"), ("Version", "2016-11-15"), ("KeyName", MARKER)],
        );
        let launch = [
            ("ImageId", &*image),
            ("KeyName", "geheim7-key"),
            ("UserData", "Z2VoZWltNyI+PHNjcmlwdD56cSgpPC9zY3JpcHQ+"),
            ("MinCount", "1"),
            ("MaxCount", "1"),
        ];
        done(cloud, owner, EC2, "RunInstances", &launch);
        let instance = owner.instances().remove(0).instance_id.to_string();
        owner.instance_becomes(&instance, "running");
        for id in [&image, &instance] {
            let tag = [
                ("ResourceId.1", id.as_str()),
                ("Tag.1.Key", "Name"),
                ("Tag.1.Value", MARKER),
                ("Tag.2.Key", MARKER),
                ("Tag.2.Value", MARKER),
            ];
            done(cloud, owner, EC2, "CreateTags", &tag);
        }
        owner.make_bucket("geheim7-bucket");
        for key in ["plain.txt".to_owned(), format!("{MARKER}/{MARKER}"), MARKER.to_owned()] {
            owner.put("geheim7-bucket", &key, b"geheim7 <script>zq()</script>");
        }
        done(cloud, owner, IAM, "CreateGroup", &[("GroupName", "geheim7-group")]);
        vec![image, instance]
    }

    /// Where the record of changes stands.
    pub(crate) fn mark(&self) -> Option<String> {
        self.look(None, 1).0.first().map(|event| event.request_id.clone())
    }

    /// What was changed since then, the newest first.
    pub(crate) fn changes(&self, since: &Option<String>) -> Vec<Event> {
        let (mut changes, mut next) = (Vec::new(), None);
        loop {
            let (events, more) = self.look(next, 20);
            for event in events {
                if Some(&event.request_id) == since.as_ref() {
                    return changes;
                }
                changes.extend(Some(event).filter(|event| event.failure.is_none()));
            }
            next = more;
            if next.is_none() {
                return changes;
            }
        }
    }

    fn look(&self, next: Option<String>, most: usize) -> (Vec<Event>, Option<String>) {
        let filter = Filter { read_only: Some(false), ..Filter::default() };
        let page = self.cloud.ask_clc(LookAudit { filter, next, most }).unwrap();
        (page.events, page.next)
    }

    /// How the first owner's things are, as the APIs tell it.
    pub(crate) fn state(&self) -> Vec<String> {
        let (cloud, owner) = (&self.cloud, &self.owner);
        let ec2 = ["DescribeInstances", "DescribeImages", "DescribeKeyPairs", "DescribeTags"];
        let iam = ["ListUsers", "ListGroups", "ListAccessKeys", "GetAccountSummary"];
        let all = ec2.map(|it| (EC2, it)).into_iter().chain(iam.map(|it| (IAM, it)));
        let told = |(path, action)| {
            let text = done(cloud, owner, path, action, &[]);
            let lines = text.split('<').filter(|it| {
                !["requestId", "RequestId", "PasswordLastUsed"].iter().any(|no| it.starts_with(no))
            });
            lines.collect::<Vec<_>>().join("<")
        };
        let mut state: Vec<_> = all.map(told).collect();
        for key in ["plain.txt", MARKER] {
            let bytes = owner.get("geheim7-bucket", key).unwrap();
            state.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        state
    }

    /// Somebody who has to set a password before anything else.
    pub(crate) fn held(&self) -> Person {
        Self::register(&self.cloud, "held");
        let mut held = Person::new(&self.cloud, "held", "");
        let fields = [("account", "held"), ("password", FIRST)];
        assert_eq!(held.browser.submit("/sign-in", &fields).status, 303);
        held
    }

    /// Somebody whose account was disabled after they had signed in.
    pub(crate) fn disabled(&self) -> Person {
        let (_, person) = Self::person(&self.cloud, "disabled");
        self.cloud.enable("disabled", false);
        person
    }

    /// Somebody whose password was set by the administrator after they had signed in, and somebody who
    /// has signed out; both with the cookie of before.
    pub(crate) fn ended(&self) -> [Person; 2] {
        let (_, one) = Self::person(&self.cloud, "ended");
        let ask = SetPassword { name: "ended".into(), password: "noch ein Wort 9".into() };
        self.cloud.ask_clc(ask).unwrap();
        let (_, two) = Self::person(&self.cloud, "out");
        assert_eq!(two.clone().browser.submit("/sign-out", &[]).status, 303);
        [one, two]
    }
}
