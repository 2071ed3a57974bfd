//! How each action is asked for, so that its request can be read: what it names need not be there.
//! Whoever adds an action adds a row.

/// Names and values of a request.
pub(crate) type Pairs<'a> = &'a [(&'a str, &'a str)];

/// Actions that need no permission: the API's prefix and the name.
pub(crate) const FREE: &[(&str, &str)] =
    &[("sts", "GetCallerIdentity"), ("sts", "GetSessionToken")];

const INSTANCE: (&str, &str) = ("InstanceId", "i-00000000");
const INSTANCES: (&str, &str) = ("InstanceId.1", "i-00000000");
const IMAGE: (&str, &str) = ("ImageId", "emi-00000000");

const DEVICE: (&str, &str) = ("SerialNumber", "arn:aws:iam::123456789012:mfa/nothing");
const PLACE: Pairs<'static> =
    &[("Partition", "nowhere"), ("Name", "nobody"), ("Host", "127.0.0.1"), ("Port", "1")];
const GIVEN: (&str, &str) = ("IamInstanceProfile.Name", "nothing");
const ASSOCIATION: (&str, &str) = ("AssociationId", "iip-assoc-00000000000000000");
const OTHER: (&str, &str) = ("UserName", "other");
const GROUP: (&str, &str) = ("GroupName", "nobodies");
const ROLE: (&str, &str) = ("RoleName", "nothing");
const PROFILE: (&str, &str) = ("InstanceProfileName", "nothing");
const POLICY: (&str, &str) = ("PolicyArn", "arn:aws:iam::123456789012:policy/nothing");
const MANAGED: (&str, &str) = ("PolicyArn", "arn:aws:iam::aws:policy/nothing");
const TEXT: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ec2:*","Resource":"*"}}"#;
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ec2.amazonaws.com"}}}"#;
const DOCUMENT: (&str, &str) = ("PolicyDocument", TEXT);
const NAMED: (&str, &str) = ("PolicyName", "named");
const ACCOUNT: (&str, &str) = ("AccountName", "nobody");
const KEY: (&str, &str) = ("AccessKeyId", "AKI00000000000000000");
const CERTIFICATE: (&str, &str) = ("CertificateId", "00000000");
const VERSION: (&str, &str) = ("VersionId", "v1");

/// Stands for the account's own number.
pub(crate) const NUMBER: &str = "123456789012";

/// A role that the whole account may take on.
pub(crate) const OPEN_ROLE: &str = "open";

/// What policies call the API, the action, and its parameters.
pub(crate) const ROWS: &[(&str, &str, Pairs<'static>)] = &[
    ("ec2", "AssociateIamInstanceProfile", &[INSTANCE, GIVEN]),
    (
        "ec2",
        "BundleInstance",
        &[INSTANCE, ("Storage.S3.Bucket", "bucket"), ("Storage.S3.Prefix", "image")],
    ),
    ("ec2", "CancelBundleTask", &[("BundleId", "bun-00000000")]),
    ("ec2", "CancelImportTask", &[("ImportTaskId", "import-ami-00000000")]),
    ("ec2", "CreateImage", &[INSTANCE, ("Name", "copy")]),
    ("ec2", "CreateKeyPair", &[("KeyName", "new key"), ("KeyType", "ed25519")]),
    (
        "ec2",
        "CreateTags",
        &[("ResourceId.1", "emi-00000000"), ("ResourceId.2", "i-00000000"), ("Tag.1.Key", "a")],
    ),
    ("ec2", "DeleteKeyPair", &[("KeyName", "gone")]),
    ("ec2", "DeleteTags", &[("ResourceId.1", "i-00000000"), ("Tag.1.Key", "a")]),
    ("ec2", "DeregisterImage", &[IMAGE]),
    ("ec2", "DescribeAccountAttributes", &[]),
    ("ec2", "DescribeAddresses", &[]),
    ("ec2", "DescribeAvailabilityZones", &[]),
    ("ec2", "DescribeBundleTasks", &[]),
    ("ec2", "DescribeIamInstanceProfileAssociations", &[]),
    ("ec2", "DescribeImageAttribute", &[IMAGE, ("Attribute", "description")]),
    ("ec2", "DescribeImages", &[]),
    ("ec2", "DescribeImportImageTasks", &[]),
    ("ec2", "DescribeInstanceAttribute", &[INSTANCE, ("Attribute", "userData")]),
    ("ec2", "DescribeInstanceStatus", &[]),
    ("ec2", "DescribeInstanceTypeOfferings", &[]),
    ("ec2", "DescribeInstanceTypes", &[]),
    ("ec2", "DescribeInstances", &[]),
    ("ec2", "DescribeKeyPairs", &[]),
    ("ec2", "DescribeRegions", &[]),
    ("ec2", "DescribeTags", &[]),
    ("ec2", "DisassociateIamInstanceProfile", &[ASSOCIATION]),
    ("ec2", "GetConsoleOutput", &[INSTANCE]),
    (
        "ec2",
        "ImportImage",
        &[
            ("DiskContainer.1.Format", "raw"),
            ("DiskContainer.1.UserBucket.S3Bucket", "bucket"),
            ("DiskContainer.1.UserBucket.S3Key", "disk.img"),
        ],
    ),
    ("ec2", "ImportKeyPair", &[("KeyName", "imported"), ("PublicKeyMaterial", "bm9uZQ==")]),
    ("ec2", "ModifyImageAttribute", &[IMAGE, ("LaunchPermission.Add.1.Group", "all")]),
    ("ec2", "ModifyInstanceAttribute", &[INSTANCE, ("DisableApiTermination.Value", "true")]),
    ("ec2", "ModifyInstanceMetadataOptions", &[INSTANCE, ("HttpTokens", "required")]),
    ("ec2", "RebootInstances", &[INSTANCES]),
    ("ec2", "RegisterImage", &[("ImageLocation", "bucket/image.manifest.xml")]),
    ("ec2", "ReplaceIamInstanceProfileAssociation", &[ASSOCIATION, GIVEN]),
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
    ("iam", "AddRoleToInstanceProfile", &[PROFILE, ROLE]),
    ("iam", "AddUserToGroup", &[GROUP, OTHER]),
    ("iam", "AttachGroupPolicy", &[GROUP, MANAGED]),
    ("iam", "AttachRolePolicy", &[ROLE, MANAGED]),
    ("iam", "AttachUserPolicy", &[OTHER, MANAGED]),
    ("iam", "CreateAccessKey", &[OTHER]),
    ("iam", "CreateAccount", &[("AccountName", "made")]),
    ("iam", "CreateAccountAlias", &[("AccountAlias", "taro-again")]),
    ("iam", "CreateGroup", &[GROUP]),
    ("iam", "CreateInstanceProfile", &[("InstanceProfileName", "made")]),
    ("iam", "CreatePolicy", &[("PolicyName", "made"), DOCUMENT]),
    ("iam", "CreatePolicyVersion", &[POLICY, DOCUMENT]),
    ("iam", "CreateRole", &[("RoleName", "made"), ("AssumeRolePolicyDocument", TRUST)]),
    ("iam", "CreateSigningCertificate", &[OTHER]),
    ("iam", "CreateUser", &[("UserName", "made")]),
    ("iam", "DeleteAccessKey", &[KEY]),
    ("iam", "DeleteAccount", &[ACCOUNT]),
    ("iam", "DeleteAccountAlias", &[("AccountAlias", "nobody")]),
    ("iam", "DeleteAccountPolicy", &[ACCOUNT, NAMED]),
    ("iam", "DeleteGroup", &[GROUP]),
    ("iam", "DeleteGroupPolicy", &[GROUP, NAMED]),
    ("iam", "DeleteInstanceProfile", &[PROFILE]),
    ("iam", "DeletePolicy", &[POLICY]),
    ("iam", "DeletePolicyVersion", &[POLICY, VERSION]),
    ("iam", "DeleteRole", &[ROLE]),
    ("iam", "DeleteRolePermissionsBoundary", &[ROLE]),
    ("iam", "DeleteRolePolicy", &[ROLE, NAMED]),
    ("iam", "DeleteSigningCertificate", &[CERTIFICATE]),
    ("iam", "DeleteUser", &[OTHER]),
    ("iam", "DeleteUserPermissionsBoundary", &[OTHER]),
    ("iam", "DeleteUserPolicy", &[OTHER, NAMED]),
    ("iam", "DetachGroupPolicy", &[GROUP, MANAGED]),
    ("iam", "DetachRolePolicy", &[ROLE, MANAGED]),
    ("iam", "DetachUserPolicy", &[OTHER, MANAGED]),
    ("iam", "GetAccessKeyLastUsed", &[KEY]),
    ("iam", "GetAccount", &[]),
    ("iam", "GetAccountAuthorizationDetails", &[]),
    ("iam", "GetAccountPolicy", &[ACCOUNT, NAMED]),
    ("iam", "GetAccountSummary", &[]),
    ("iam", "GetContextKeysForCustomPolicy", &[("PolicyInputList.member.1", TEXT)]),
    (
        "iam",
        "GetContextKeysForPrincipalPolicy",
        &[("PolicySourceArn", "arn:aws:iam::123456789012:user/other")],
    ),
    ("iam", "GetGroup", &[GROUP]),
    ("iam", "GetGroupPolicy", &[GROUP, NAMED]),
    ("iam", "GetInstanceProfile", &[PROFILE]),
    ("iam", "GetPolicy", &[POLICY]),
    ("iam", "GetPolicyVersion", &[POLICY, VERSION]),
    ("iam", "GetRole", &[ROLE]),
    ("iam", "GetRolePolicy", &[ROLE, NAMED]),
    ("iam", "GetUser", &[]),
    ("iam", "GetUserPolicy", &[OTHER, NAMED]),
    ("iam", "ListAccessKeys", &[]),
    ("iam", "ListAccountAliases", &[]),
    ("iam", "ListAccountPolicies", &[ACCOUNT]),
    ("iam", "ListAccounts", &[]),
    ("iam", "ListAttachedGroupPolicies", &[GROUP]),
    ("iam", "ListAttachedRolePolicies", &[ROLE]),
    ("iam", "ListAttachedUserPolicies", &[OTHER]),
    ("iam", "ListEntitiesForPolicy", &[POLICY]),
    ("iam", "ListGroupPolicies", &[GROUP]),
    ("iam", "ListGroups", &[]),
    ("iam", "ListGroupsForUser", &[OTHER]),
    ("iam", "ListInstanceProfileTags", &[PROFILE]),
    ("iam", "ListInstanceProfiles", &[]),
    ("iam", "ListInstanceProfilesForRole", &[ROLE]),
    ("iam", "ListPolicies", &[]),
    ("iam", "ListPolicyTags", &[POLICY]),
    ("iam", "ListPolicyVersions", &[POLICY]),
    ("iam", "ListRolePolicies", &[ROLE]),
    ("iam", "ListRoleTags", &[ROLE]),
    ("iam", "ListRoles", &[]),
    ("iam", "ListSigningCertificates", &[]),
    ("iam", "ListUserPolicies", &[OTHER]),
    ("iam", "ListUserTags", &[OTHER]),
    ("iam", "ListUsers", &[]),
    ("iam", "PutAccountPolicy", &[ACCOUNT, NAMED, DOCUMENT]),
    ("iam", "PutGroupPolicy", &[GROUP, NAMED, DOCUMENT]),
    (
        "iam",
        "PutRolePermissionsBoundary",
        &[ROLE, ("PermissionsBoundary", "arn:aws:iam::aws:policy/Nothing")],
    ),
    ("iam", "PutRolePolicy", &[ROLE, NAMED, DOCUMENT]),
    (
        "iam",
        "PutUserPermissionsBoundary",
        &[OTHER, ("PermissionsBoundary", "arn:aws:iam::aws:policy/Nothing")],
    ),
    ("iam", "PutUserPolicy", &[OTHER, NAMED, DOCUMENT]),
    ("iam", "RemoveRoleFromInstanceProfile", &[PROFILE, ROLE]),
    ("iam", "RemoveUserFromGroup", &[GROUP, OTHER]),
    ("iam", "SetDefaultPolicyVersion", &[POLICY, VERSION]),
    (
        "iam",
        "SimulateCustomPolicy",
        &[("PolicyInputList.member.1", TEXT), ("ActionNames.member.1", "ec2:RunInstances")],
    ),
    (
        "iam",
        "SimulatePrincipalPolicy",
        &[
            ("PolicySourceArn", "arn:aws:iam::123456789012:user/other"),
            ("ActionNames.member.1", "ec2:RunInstances"),
        ],
    ),
    (
        "iam",
        "TagInstanceProfile",
        &[PROFILE, ("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "b")],
    ),
    ("iam", "TagPolicy", &[POLICY, ("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "b")]),
    ("iam", "TagRole", &[ROLE, ("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "b")]),
    ("iam", "TagUser", &[OTHER, ("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "b")]),
    ("iam", "UntagInstanceProfile", &[PROFILE, ("TagKeys.member.1", "a")]),
    ("iam", "UntagPolicy", &[POLICY, ("TagKeys.member.1", "a")]),
    ("iam", "UntagRole", &[ROLE, ("TagKeys.member.1", "a")]),
    ("iam", "UntagUser", &[OTHER, ("TagKeys.member.1", "a")]),
    ("iam", "UpdateAccessKey", &[KEY, ("Status", "Inactive")]),
    ("iam", "UpdateAssumeRolePolicy", &[ROLE, ("PolicyDocument", TRUST)]),
    ("iam", "UpdateGroup", &[GROUP, ("NewPath", "/x/")]),
    ("iam", "UpdateRole", &[ROLE]),
    ("iam", "UpdateRoleDescription", &[ROLE, ("Description", "d")]),
    ("iam", "UpdateSigningCertificate", &[CERTIFICATE, ("Status", "Inactive")]),
    ("iam", "UpdateUser", &[OTHER, ("NewPath", "/x/")]),
    ("iam", "UploadSigningCertificate", &[OTHER, ("CertificateBody", "none")]),
    ("cloudtrail", "LookupEvents", &[]),
    (
        "sts",
        "AssumeRole",
        &[("RoleArn", "arn:aws:iam::123456789012:role/open"), ("RoleSessionName", "walk")],
    ),
    ("sts", "GetAccessKeyInfo", &[KEY]),
    ("iam", "ChangePassword", &[("OldPassword", "none"), ("NewPassword", "another")]),
    ("iam", "CreateLoginProfile", &[OTHER, ("Password", "a long enough one")]),
    ("iam", "CreateVirtualMFADevice", &[("VirtualMFADeviceName", "made")]),
    ("iam", "DeactivateMFADevice", &[OTHER, DEVICE]),
    ("iam", "DeleteAccountPasswordPolicy", &[]),
    ("iam", "DeleteLoginProfile", &[OTHER]),
    ("iam", "DeleteVirtualMFADevice", &[DEVICE]),
    (
        "iam",
        "EnableMFADevice",
        &[OTHER, DEVICE, ("AuthenticationCode1", "000000"), ("AuthenticationCode2", "000001")],
    ),
    ("iam", "GetAccountPasswordPolicy", &[]),
    ("iam", "GetLoginProfile", &[OTHER]),
    ("iam", "ListMFADevices", &[]),
    ("iam", "GetMFADevice", &[OTHER, DEVICE]),
    ("iam", "ListMFADeviceTags", &[DEVICE]),
    ("iam", "ListVirtualMFADevices", &[]),
    (
        "iam",
        "ResyncMFADevice",
        &[OTHER, DEVICE, ("AuthenticationCode1", "000000"), ("AuthenticationCode2", "000001")],
    ),
    ("iam", "TagMFADevice", &[DEVICE, ("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "b")]),
    ("iam", "UntagMFADevice", &[DEVICE, ("TagKeys.member.1", "a")]),
    ("iam", "UpdateAccountPasswordPolicy", &[]),
    ("iam", "UpdateLoginProfile", &[OTHER]),
    ("eucalypt", "AddGroup", &[("GroupName", "nobodies")]),
    ("eucalypt", "AddGroupMember", &[("GroupName", "nobodies"), ("UserName", "nobody")]),
    ("eucalypt", "AddUser", &[("UserName", "nobody")]),
    ("eucalypt", "DeleteGroup", &[("GroupName", "nobodies")]),
    ("eucalypt", "DeleteUser", &[("UserName", "nobody")]),
    ("eucalypt", "DeregisterCluster", PLACE),
    ("eucalypt", "DeregisterStorageController", PLACE),
    ("eucalypt", "DeregisterWalrus", PLACE),
    ("eucalypt", "DescribeClusters", &[]),
    ("eucalypt", "DescribeComponents", &[]),
    ("eucalypt", "DescribeGroups", &[]),
    ("eucalypt", "DescribeImageCache", &[]),
    ("eucalypt", "DescribeNodes", &[]),
    ("eucalypt", "DescribeProperties", &[]),
    ("eucalypt", "DescribeStorageControllers", &[]),
    ("eucalypt", "DescribeUsers", &[]),
    ("eucalypt", "DescribeWalruses", &[]),
    ("eucalypt", "EnableUser", &[("UserName", "nobody"), ("Enabled", "false")]),
    ("eucalypt", "EvictImages", &[("Image", "emi-00000000")]),
    ("eucalypt", "GetCredentials", &[("UserName", "taro")]),
    ("eucalypt", "GiveUpNode", &[("Name", "nobody")]),
    ("eucalypt", "GrantGroupAuthorization", &[("GroupName", "nobodies"), ("ZoneName", "nowhere")]),
    ("eucalypt", "ModifyNode", &[("Name", "nobody"), ("State", "draining")]),
    ("eucalypt", "ModifyPropertyValue", &[("Name", "nothing"), ("Value", "x")]),
    (
        "eucalypt",
        "ModifyPropertyValues",
        &[("Property.1.Name", "nothing"), ("Property.1.Value", "x")],
    ),
    ("eucalypt", "RegisterCluster", PLACE),
    ("eucalypt", "RegisterStorageController", PLACE),
    ("eucalypt", "RegisterWalrus", PLACE),
    ("eucalypt", "RemoveGroupMember", &[("GroupName", "nobodies"), ("UserName", "nobody")]),
    ("eucalypt", "ResetPropertyValue", &[("Name", "nothing")]),
    ("eucalypt", "RevokeGroupAuthorization", &[("GroupName", "nobodies"), ("ZoneName", "nowhere")]),
];
