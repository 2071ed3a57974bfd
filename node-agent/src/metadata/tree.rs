//! What an instance may know about itself, as the tree that clients walk.
//!
//! Pure. The tree is *built* and listings are derived from it, so every name that is listed
//! answers: clients that walk it drop everything at the first that does not. The same tree stands
//! under every version of the list, and nowhere else. Directories end in `/` in listings, no
//! listing ends in a newline, what does not exist is absent and not empty.

use std::collections::BTreeMap;

use common::wire::spec::{InstanceSpec, MetadataSpec, NetworkSpec, Purpose};

use super::role::Documents;

/// The versions under which the tree is served, in the order they are listed.
pub const VERSIONS: &[&str] = &[
    "1.0",
    "2007-01-19",
    "2007-03-01",
    "2007-08-29",
    "2007-10-10",
    "2007-12-15",
    "2008-02-01",
    "2008-09-01",
    "2009-04-04",
    "2011-01-01",
    "2011-05-01",
    "2012-01-12",
    "2014-02-25",
    "2014-11-05",
    "2015-10-20",
    "2016-04-19",
    "2016-06-30",
    "2016-09-02",
    "2018-03-28",
    "2018-08-17",
    "2018-09-24",
    "2019-10-01",
    "2020-10-27",
    "2021-01-03",
    "2021-03-23",
    "latest",
];

/// Everything one instance may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree(Directory);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Directory(BTreeMap<String, Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// What a listing prints instead of the name.
    label: Option<String>,
    node: Node,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Leaf(Vec<u8>),
    Directory(Directory),
}

impl Tree {
    /// Builds the tree of an instance.
    pub fn of(spec: &InstanceSpec) -> Self {
        let mut root = Directory::default();
        root.directory("meta-data", meta_data(spec));
        let mut identity = Directory::default();
        identity.leaf("document", document(spec));
        let mut dynamic = Directory::default();
        dynamic.directory("instance-identity", identity);
        let mut fws = Directory::default();
        fws.leaf("instance-monitoring", "disabled");
        dynamic.directory("fws", fws);
        root.directory("dynamic", dynamic);
        if let Some(data) = &spec.metadata.user_data {
            root.raw("user-data", data.bytes());
        }
        Self(root)
    }

    /// Answers a path, given as its segments without empty ones: a leaf's bytes or a listing.
    /// `None`: there is no such thing.
    pub fn find(&self, path: &[impl AsRef<str>]) -> Option<Vec<u8>> {
        let Some((version, rest)) = path.split_first() else {
            return Some(VERSIONS.join("\n").into_bytes());
        };
        if !VERSIONS.contains(&version.as_ref()) {
            return None;
        }
        let mut directory = &self.0;
        let mut rest = rest.iter();
        while let Some(name) = rest.next() {
            match &directory.0.get(name.as_ref())?.node {
                Node::Leaf(bytes) => return rest.next().is_none().then(|| bytes.clone()),
                Node::Directory(inner) => directory = inner,
            }
        }
        Some(directory.list().into_bytes())
    }
}

impl Directory {
    fn leaf(&mut self, name: &str, text: impl Into<String>) {
        self.raw(name, text.into().into_bytes());
    }

    /// A leaf that need not be text.
    fn raw(&mut self, name: &str, bytes: Vec<u8>) {
        self.0.insert(name.to_owned(), Entry { label: None, node: Node::Leaf(bytes) });
    }

    /// A directory without entries is not there.
    fn directory(&mut self, name: &str, directory: Directory) {
        if !directory.0.is_empty() {
            let node = Node::Directory(directory);
            self.0.insert(name.to_owned(), Entry { label: None, node });
        }
    }

    fn list(&self) -> String {
        let lines = self.0.iter().map(|(name, entry)| match (&entry.label, &entry.node) {
            (Some(label), _) => label.clone(),
            (None, Node::Directory(_)) => format!("{name}/"),
            (None, Node::Leaf(_)) => name.clone(),
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn meta_data(spec: &InstanceSpec) -> Directory {
    let (metadata, network) = (&spec.metadata, &spec.network);
    let address = network.address.to_string();
    let mut all = Directory::default();
    all.leaf("ami-id", metadata.image.as_str());
    all.leaf("ami-launch-index", metadata.launch_index.to_string());
    all.leaf("ami-manifest-path", &metadata.manifest_path);
    all.directory("block-device-mapping", block_devices(spec));
    all.directory("iam", iam(metadata));
    all.leaf("instance-action", "none");
    all.leaf("instance-id", spec.instance.as_str());
    all.leaf("instance-life-cycle", "on-demand");
    all.leaf("instance-type", &metadata.instance_type);
    all.leaf("mac", network.mac.to_ascii_lowercase());
    all.directory("network", cards(spec));
    all.directory("placement", placement(metadata));
    let boots_itself = spec.boot.kernel.is_none();
    all.leaf("profile", if boots_itself { "default-hvm" } else { "default-paravirtual" });
    all.directory("public-keys", public_keys(metadata));
    // Of ARNs; a domain of its services' names this cloud does not have.
    all.directory("services", {
        let mut services = Directory::default();
        services.leaf("partition", "aws");
        services
    });
    all.leaf("reservation-id", metadata.reservation.as_str());
    // Instances have one address and no name in the DNS: it is the private and the public one.
    for name in ["hostname", "local-hostname", "local-ipv4", "public-hostname", "public-ipv4"] {
        all.leaf(name, &address);
    }
    if let Some(kernel) = &metadata.kernel {
        all.leaf("kernel-id", kernel.as_str());
    }
    if let Some(ramdisk) = &metadata.ramdisk {
        all.leaf("ramdisk-id", ramdisk.as_str());
    }
    let ancestors: Vec<_> = metadata.ancestors.iter().map(ToString::to_string).collect();
    lines(&mut all, "ancestor-ami-ids", ancestors);
    lines(&mut all, "product-codes", metadata.product_codes.clone());
    let mut groups = metadata.security_groups.clone();
    groups.sort();
    lines(&mut all, "security-groups", groups);
    all
}

/// One value a line; none, no leaf.
fn lines(directory: &mut Directory, name: &str, values: Vec<String>) {
    if !values.is_empty() {
        directory.leaf(name, values.join("\n"));
    }
}

/// What the machine really has, by the guest's own names: virtio disks, the first its root. The
/// long form of the root's name and the short one of the others are what the oldest clients were
/// written against, and `ephemeral` is what they call `ephemeral0`.
fn block_devices(spec: &InstanceSpec) -> Directory {
    let mut devices = Directory::default();
    devices.leaf("ami", "vda");
    devices.leaf("emi", "vda");
    devices.leaf("root", "/dev/vda");
    for (letter, disk) in ('b'..='z').zip(&spec.disks) {
        let device = format!("vd{letter}");
        if disk.purpose == Purpose::Ephemeral0 {
            devices.leaf("ephemeral", &device);
        }
        devices.leaf(disk.purpose.name(), device);
    }
    devices
}

/// No VPC is named, so clients take the card for one of EC2-Classic.
fn cards(spec: &InstanceSpec) -> Directory {
    let NetworkSpec { mac, address } = &spec.network;
    let (mac, address) = (mac.to_ascii_lowercase(), address.to_string());
    let mut card = Directory::default();
    card.leaf("device-number", "0");
    card.leaf("mac", &mac);
    card.leaf("owner-id", spec.account.as_str());
    for name in ["local-hostname", "local-ipv4s", "public-hostname", "public-ipv4s"] {
        card.leaf(name, &address);
    }
    ["macs", "interfaces"].into_iter().fold(named(&mac, card), |inner, name| named(name, inner))
}

fn named(name: &str, inner: Directory) -> Directory {
    let mut outer = Directory::default();
    outer.directory(name, inner);
    outer
}

/// The instance profile and the credentials of its role.
fn iam(metadata: &MetadataSpec) -> Directory {
    let mut iam = Directory::default();
    let Some(Documents { info, credentials }) = Documents::of(&metadata.role) else { return iam };
    iam.leaf("info", info);
    let mut by_role = Directory::default();
    if let Some((role, document)) = credentials {
        by_role.leaf(&role, document);
    }
    iam.directory("security-credentials", by_role);
    iam
}

fn placement(metadata: &MetadataSpec) -> Directory {
    let mut placement = Directory::default();
    placement.leaf("availability-zone", &metadata.zone);
    placement.leaf("region", &metadata.region);
    placement
}

fn public_keys(metadata: &MetadataSpec) -> Directory {
    let mut keys = Directory::default();
    if let Some(key) = &metadata.key {
        let mut forms = Directory::default();
        forms.leaf("openssh-key", key.openssh.trim_end());
        // A name may hold anything; a listing has one line for it.
        let name: String = key.name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let entry = Entry { label: Some(format!("0={name}")), node: Node::Directory(forms) };
        keys.0.insert("0".to_owned(), entry);
    }
    keys
}

/// The identity document: the same facts as JSON. What this cloud does not have is null, as
/// clients expect of it.
fn document(spec: &InstanceSpec) -> String {
    let metadata = &spec.metadata;
    let codes = (!metadata.product_codes.is_empty()).then_some(&metadata.product_codes);
    let document = serde_json::json!({
        "accountId": spec.account,
        "architecture": std::env::consts::ARCH,
        "availabilityZone": metadata.zone,
        "billingProducts": null,
        "devpayProductCodes": codes,
        "marketplaceProductCodes": null,
        "imageId": metadata.image,
        "instanceId": spec.instance,
        "instanceType": metadata.instance_type,
        "kernelId": metadata.kernel,
        "pendingTime": metadata.launched.iso(),
        "privateIp": spec.network.address,
        "ramdiskId": metadata.ramdisk,
        "region": metadata.region,
        "version": "2017-09-30",
    });
    format!("{document:#}")
}

#[cfg(test)]
pub(crate) mod tests {
    use common::time::Timestamp;
    use common::user_data::UserData;
    use common::wire::role::InstanceRole;
    use common::wire::spec::{
        BlankDisk, BootSpec, DiskSpec, ImageRef, MetadataOptions, PowerSpec, PublicKey,
    };

    use super::super::role;
    use super::*;

    /// A wish with everything in it.
    pub(crate) fn spec() -> InstanceSpec {
        let image =
            |id: &str| ImageRef { image: id.parse().unwrap(), sha256: "0".repeat(64), size: 1 };
        InstanceSpec {
            instance: "i-0123abcd".parse().unwrap(),
            generation: 1,
            account: "123456789012".parse().unwrap(),
            cpus: 1,
            memory_mib: 256,
            root: DiskSpec { image: image("emi-00000001"), size: 1 << 30 },
            disks: Vec::new(),
            boot: BootSpec { kernel: Some(image("eki-00000001")), ramdisk: None },
            network: NetworkSpec {
                mac: "d0:0d:00:00:00:01".to_owned(),
                address: [10, 7, 0, 5].into(),
            },
            metadata: MetadataSpec {
                image: "emi-00000001".parse().unwrap(),
                manifest_path: "bucket/image.manifest.xml".to_owned(),
                kernel: Some("eki-00000001".parse().unwrap()),
                ramdisk: None,
                ancestors: vec![],
                product_codes: vec![],
                reservation: "r-00000001".parse().unwrap(),
                launch_index: 0,
                instance_type: "m1.small".to_owned(),
                zone: "eucalyptus-1a".to_owned(),
                region: "eucalyptus".to_owned(),
                key: Some(PublicKey {
                    name: "my\nkey".to_owned(),
                    openssh: "ssh-rsa AAAA my key\n".to_owned(),
                }),
                security_groups: vec!["web".to_owned(), "default".to_owned()],
                launched: Timestamp::from_millis(0),
                user_data: None,
                options: MetadataOptions::default(),
                role: InstanceRole::default(),
            },
            power: PowerSpec::default(),
        }
    }

    #[test]
    fn a_role_is_there_as_long_as_the_instance_has_a_profile() {
        let mut spec = spec();
        let listed = |spec: &InstanceSpec, path: &str| {
            get(&Tree::of(spec), &format!("latest/meta-data/{path}"))
        };
        assert_eq!(listed(&spec, "iam/"), None);
        assert!(!listed(&spec, "").unwrap().contains("iam"));
        spec.metadata.role = role::tests::role();
        assert!(listed(&spec, "").unwrap().contains("iam/\n"));
        assert_eq!(listed(&spec, "iam/").as_deref(), Some("info\nsecurity-credentials/"));
        assert_eq!(listed(&spec, "iam/security-credentials/").as_deref(), Some("reader"));
        assert!(listed(&spec, "iam/security-credentials/reader").unwrap().contains("ASIA1"));
        spec.metadata.role.profile.as_mut().unwrap().role = None;
        assert_eq!(listed(&spec, "iam/").as_deref(), Some("info"));
        spec.metadata.role = InstanceRole { revision: 2, ..InstanceRole::default() };
        assert_eq!(listed(&spec, "iam/"), None);
    }

    fn disks() -> Vec<BlankDisk> {
        let disk = |purpose| BlankDisk { purpose, size: 1 << 20 };
        vec![disk(Purpose::Ephemeral0), disk(Purpose::Swap)]
    }

    #[test]
    fn disks_have_the_names_that_the_guest_sees() {
        let tree = |disks| Tree::of(&InstanceSpec { disks, ..spec() });
        let name = |tree: &Tree, name: &str| {
            get(tree, &format!("latest/meta-data/block-device-mapping/{name}"))
        };
        let both = tree(disks());
        assert_eq!(name(&both, "").unwrap(), "ami\nemi\nephemeral\nephemeral0\nroot\nswap");
        assert_eq!(name(&both, "ephemeral").as_deref(), Some("vdb"));
        assert_eq!(name(&both, "ephemeral0").as_deref(), Some("vdb"));
        assert_eq!(name(&both, "swap").as_deref(), Some("vdc"));
        let swap = tree(vec![BlankDisk { purpose: Purpose::Swap, size: 1 << 20 }]);
        assert_eq!(name(&swap, "").unwrap(), "ami\nemi\nroot\nswap");
        assert_eq!(name(&swap, "swap").as_deref(), Some("vdb"));
    }

    fn get(tree: &Tree, path: &str) -> Option<String> {
        let found = tree.find(&path.split('/').filter(|s| !s.is_empty()).collect::<Vec<_>>());
        found.map(|bytes| String::from_utf8(bytes).unwrap())
    }

    /// Walks as clients do and returns every leaf's path.
    fn walk(tree: &Tree, directory: &str, leaves: &mut Vec<String>) {
        let listing = get(tree, directory).unwrap_or_else(|| panic!("{directory} does not answer"));
        assert!(!listing.ends_with('\n') && !listing.contains("\n\n") && !listing.is_empty());
        for line in listing.lines() {
            if directory.ends_with("public-keys/") {
                let number = line.split('=').next().unwrap();
                walk(tree, &format!("{directory}{number}/"), leaves);
            } else if line.ends_with('/') {
                walk(tree, &format!("{directory}{line}"), leaves);
                let plain = format!("{directory}{}", line.trim_end_matches('/'));
                assert_eq!(get(tree, &plain), get(tree, &format!("{plain}/")));
            } else {
                let path = format!("{directory}{line}");
                assert!(get(tree, &path).is_some(), "{path} is listed and does not answer");
                leaves.push(path);
            }
        }
    }

    #[test]
    fn every_listed_name_answers_under_every_version() {
        let mut bare = spec();
        bare.metadata.key = None;
        bare.metadata.kernel = None;
        bare.metadata.security_groups.clear();
        let mut full = spec();
        full.metadata.ramdisk = Some("eri-00000001".parse().unwrap());
        full.metadata.ancestors = vec!["emi-00000002".parse().unwrap()];
        full.metadata.product_codes = vec!["A".to_owned(), "B".to_owned()];
        full.disks = disks();
        full.metadata.role = role::tests::role();
        for (spec, number) in [(bare, 30), (spec(), 33), (full, 41)] {
            let tree = Tree::of(&spec);
            for version in get(&tree, "/").unwrap().lines() {
                let mut leaves = Vec::new();
                walk(&tree, &format!("/{version}/"), &mut leaves);
                assert_eq!(leaves.len(), number, "{leaves:#?}");
            }
        }
    }

    #[test]
    fn leaves_say_what_the_wish_says() {
        let tree = Tree::of(&spec());
        for (path, expected) in [
            ("2009-04-04/meta-data/instance-id", Some("i-0123abcd")),
            ("latest/meta-data/public-keys/", Some("0=my key")),
            ("latest/meta-data/public-keys/0", Some("openssh-key")),
            ("latest/meta-data/public-keys/0/openssh-key", Some("ssh-rsa AAAA my key")),
            ("latest/meta-data/block-device-mapping", Some("ami\nemi\nroot")),
            ("latest/meta-data/block-device-mapping/root", Some("/dev/vda")),
            ("latest/meta-data/security-groups", Some("default\nweb")),
            ("latest/meta-data/network/interfaces/macs/", Some("d0:0d:00:00:00:01/")),
            (
                "latest/meta-data/network/interfaces/macs/d0:0d:00:00:00:01/owner-id",
                Some("123456789012"),
            ),
            ("latest/meta-data/placement/availability-zone", Some("eucalyptus-1a")),
            ("latest", Some("dynamic/\nmeta-data/")),
            ("latest/meta-data/ramdisk-id", None),
            ("latest/meta-data/instance-id/x", None),
            ("latest/user-data", None),
            ("2020-01-01/meta-data/instance-id", None),
            ("meta-data/instance-id", None),
        ] {
            assert_eq!(get(&tree, path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn the_identity_document_is_json_of_the_same_facts() {
        let text = get(&Tree::of(&spec()), "latest/dynamic/instance-identity/document").unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        for (key, expected) in [
            ("instanceId", "i-0123abcd"),
            ("privateIp", "10.7.0.5"),
            ("accountId", "123456789012"),
            ("kernelId", "eki-00000001"),
        ] {
            assert_eq!(json[key], expected);
        }
        assert!(json["ramdiskId"].is_null());
        assert!(json["pendingTime"].as_str().unwrap().starts_with("1970-01-01T00:00:00"));
    }

    #[test]
    fn user_data_is_given_as_it_is_and_absent_if_there_is_none() {
        let mut spec = spec();
        assert_eq!(Tree::of(&spec).find(&["latest", "user-data"]), None);
        assert!(!get(&Tree::of(&spec), "/latest").unwrap().contains("user-data"));
        spec.metadata.user_data = UserData::read("/wAKJCU=").unwrap();
        let tree = Tree::of(&spec);
        for version in ["1.0", "2009-04-04", "latest"] {
            assert_eq!(tree.find(&[version, "user-data"]).unwrap(), b"\xff\x00\n$%");
        }
        assert!(get(&tree, "/latest").unwrap().lines().any(|line| line == "user-data"));
        assert_eq!(tree.find(&["latest", "user-data", "x"]), None);
    }
}
