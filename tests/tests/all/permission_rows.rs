//! How each action is asked for, so that its request can be read: what it names need not be there.
//! Whoever adds an action adds a row.

/// Names and values of a request.
pub(crate) type Pairs<'a> = &'a [(&'a str, &'a str)];

/// Actions that need no permission: the API's prefix and the name.
pub(crate) const FREE: &[(&str, &str)] = &[("sts", "GetCallerIdentity")];

const INSTANCE: (&str, &str) = ("InstanceId", "i-00000000");
const INSTANCES: (&str, &str) = ("InstanceId.1", "i-00000000");
const IMAGE: (&str, &str) = ("ImageId", "emi-00000000");

/// What policies call the API, the action, and its parameters.
pub(crate) const ROWS: &[(&str, &str, Pairs<'static>)] = &[
    (
        "ec2",
        "BundleInstance",
        &[INSTANCE, ("Storage.S3.Bucket", "bucket"), ("Storage.S3.Prefix", "image")],
    ),
    ("ec2", "CancelBundleTask", &[("BundleId", "bun-00000000")]),
    ("ec2", "CreateImage", &[INSTANCE, ("Name", "copy")]),
    ("ec2", "CreateKeyPair", &[("KeyName", "new key"), ("KeyType", "ed25519")]),
    ("ec2", "CreateTags", &[("ResourceId.1", "emi-00000000"), ("ResourceId.2", "i-00000000"), ("Tag.1.Key", "a")]),
    ("ec2", "DeleteKeyPair", &[("KeyName", "gone")]),
    ("ec2", "DeleteTags", &[("ResourceId.1", "i-00000000"), ("Tag.1.Key", "a")]),
    ("ec2", "DeregisterImage", &[IMAGE]),
    ("ec2", "DescribeAccountAttributes", &[]),
    ("ec2", "DescribeAddresses", &[]),
    ("ec2", "DescribeAvailabilityZones", &[]),
    ("ec2", "DescribeBundleTasks", &[]),
    ("ec2", "DescribeImageAttribute", &[IMAGE, ("Attribute", "description")]),
    ("ec2", "DescribeImages", &[]),
    ("ec2", "DescribeInstanceAttribute", &[INSTANCE, ("Attribute", "userData")]),
    ("ec2", "DescribeInstanceStatus", &[]),
    ("ec2", "DescribeInstanceTypeOfferings", &[]),
    ("ec2", "DescribeInstanceTypes", &[]),
    ("ec2", "DescribeInstances", &[]),
    ("ec2", "DescribeKeyPairs", &[]),
    ("ec2", "DescribeRegions", &[]),
    ("ec2", "DescribeTags", &[]),
    ("ec2", "GetConsoleOutput", &[INSTANCE]),
    ("ec2", "ImportKeyPair", &[("KeyName", "imported"), ("PublicKeyMaterial", "bm9uZQ==")]),
    ("ec2", "ModifyImageAttribute", &[IMAGE, ("LaunchPermission.Add.1.Group", "all")]),
    ("ec2", "ModifyInstanceAttribute", &[INSTANCE, ("DisableApiTermination.Value", "true")]),
    ("ec2", "ModifyInstanceMetadataOptions", &[INSTANCE, ("HttpTokens", "required")]),
    ("ec2", "RebootInstances", &[INSTANCES]),
    ("ec2", "RegisterImage", &[("ImageLocation", "bucket/image.manifest.xml")]),
    ("ec2", "ResetImageAttribute", &[IMAGE, ("Attribute", "launchPermission")]),
    ("ec2", "ResetInstanceAttribute", &[INSTANCE, ("Attribute", "kernel")]),
    (
        "ec2",
        "RunInstances",
        &[IMAGE, ("KeyName", "own"), ("KernelId", "eki-00000000"), ("SecurityGroup.1", "default")],
    ),
    ("ec2", "StartInstances", &[INSTANCES, ("InstanceId.2", "i-00000001")]),
    ("ec2", "StopInstances", &[INSTANCES]),
    ("ec2", "TerminateInstances", &[INSTANCES]),
];
