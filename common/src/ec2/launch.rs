//! RunInstances, and how it is sent: with all that other clouds understand.
//!
//! A parameter that changes what is launched must not be passed over in silence, or a machine runs
//! that nobody asked for. So those that clients know are read here by name, and those that this
//! cloud cannot heed are named in [`RunInstances::unsupported`]. Values that ask for what is the
//! case anyway (`EbsOptimized=false`) pass.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::images::BlockDevice;
use super::instance_profiles::ProfileName;
use super::metadata_options::MetadataRequest;
use super::subjects;
use super::tags::TagSpecification;
use crate::iam::{Context, Resource, Subject};

/// Starts instances of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", from = "Sent")]
pub struct RunInstances {
    /// The machine image.
    pub image_id: String,
    /// How few will do; fewer is an error and nothing runs.
    #[serde(default)]
    pub min_count: Option<u32>,
    /// How many are wanted at most.
    #[serde(default)]
    pub max_count: Option<u32>,
    /// A key pair of the account.
    #[serde(default)]
    pub key_name: Option<String>,
    /// The type; `m1.small` if absent.
    #[serde(default)]
    pub instance_type: Option<String>,
    /// A kernel other than the image's.
    #[serde(default)]
    pub kernel_id: Option<String>,
    /// A ramdisk other than the image's.
    #[serde(default)]
    pub ramdisk_id: Option<String>,
    /// Where.
    #[serde(default)]
    pub placement: Option<Placement>,
    /// Sent twice with the same token, a launch happens once. At most 64 ASCII characters.
    #[serde(default)]
    pub client_token: Option<String>,
    /// Names of security groups; there is `default`.
    #[serde(default)]
    pub security_group: Vec<String>,
    /// Data for the guest, in base64.
    #[serde(default)]
    pub user_data: Option<String>,
    /// Devices, as volumes bring them.
    #[serde(default)]
    pub block_device_mapping: Vec<BlockDevice>,
    /// How the instances may ask for their metadata.
    #[serde(default, skip_serializing_if = "MetadataRequest::is_empty")]
    pub metadata_options: MetadataRequest,
    /// Tags that the instances have from the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag_specification: Vec<TagSpecification>,
    /// Whether TerminateInstances is refused until this is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_api_termination: Option<bool>,
    /// `stop` or `terminate`: what happens when the guest switches its machine off; `stop` if
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_initiated_shutdown_behavior: Option<String>,
    /// The instance profile whose role the instances have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iam_instance_profile: Option<ProfileName>,
    /// Names of parameters that were sent and that no launch here can heed. Never sent.
    #[serde(skip)]
    pub unsupported: Vec<String>,
}

/// Where an instance runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Placement {
    /// The zone; any if absent.
    #[serde(default)]
    pub availability_zone: Option<String>,
}

/// The type of a launch that names none.
pub const DEFAULT_TYPE: &str = "m1.small";

impl RunInstances {
    /// What it is done to: the image and whatever else it names, and the instances to be.
    pub(super) fn done_to(&self) -> Subject {
        let place = self.placement.as_ref();
        let zone = place.and_then(|place| place.availability_zone.as_deref());
        let kind = self.instance_type.as_deref().unwrap_or(DEFAULT_TYPE);
        let profile = self.iam_instance_profile.as_ref();
        let profile = profile.and_then(|it| it.arn.as_deref().or(it.name.as_deref()));
        let tags = TagSpecification::said(&self.tag_specification);
        let defaults = MetadataRequest {
            http_tokens: Some("optional".to_owned()),
            http_put_response_hop_limit: Some(1),
            http_endpoint: Some("enabled".to_owned()),
            ..MetadataRequest::default()
        };
        let said = Context::new()
            .with("ec2:InstanceType", kind)
            .with_some("ec2:AvailabilityZone", zone)
            .with("ec2:RootDeviceType", "instance-store")
            .with("ec2:Tenancy", "default")
            .with("ec2:EbsOptimized", "false")
            .with_some("ec2:InstanceProfile", profile)
            .and(&defaults.said("ec2:Metadata"))
            .and(&self.metadata_options.said("ec2:Metadata"))
            .and(&tags);
        let made = Resource::Ec2("instance", "*".to_owned());
        let images = [Some(&self.image_id), self.kernel_id.as_ref(), self.ramdisk_id.as_ref()];
        let mut subject =
            Subject::of(images.into_iter().flatten().map(|id| subjects::image_named(id)));
        subject = subject.and_known(made.clone(), said);
        if let Some(name) = &self.key_name {
            let said = Context::new().with("ec2:KeyPairName", name);
            subject = subject.and_known(subjects::key_pair(name), said);
        }
        for name in &self.security_group {
            subject = subject.and(Resource::Ec2("security-group", name.clone()));
        }
        subjects::with_tags(subject, made, "RunInstances", &tags)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Sent {
    image_id: String,
    #[serde(default)]
    min_count: Option<u32>,
    #[serde(default)]
    max_count: Option<u32>,
    #[serde(default)]
    key_name: Option<String>,
    #[serde(default)]
    instance_type: Option<String>,
    #[serde(default)]
    kernel_id: Option<String>,
    #[serde(default)]
    ramdisk_id: Option<String>,
    #[serde(default)]
    placement: Option<SentPlacement>,
    #[serde(default)]
    client_token: Option<String>,
    #[serde(default)]
    security_group: Vec<String>,
    #[serde(default)]
    user_data: Option<String>,
    #[serde(default)]
    block_device_mapping: Vec<BlockDevice>,
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,

    #[serde(default)]
    monitoring: Option<Monitoring>,
    #[serde(default)]
    ebs_optimized: Option<bool>,
    #[serde(default)]
    disable_api_termination: Option<bool>,
    #[serde(default)]
    disable_api_stop: Option<bool>,
    #[serde(default)]
    instance_initiated_shutdown_behavior: Option<String>,

    #[serde(default)]
    security_group_id: Option<IgnoredAny>,
    #[serde(default)]
    subnet_id: Option<IgnoredAny>,
    #[serde(default)]
    private_ip_address: Option<IgnoredAny>,
    #[serde(default)]
    network_interface: Option<IgnoredAny>,
    #[serde(default)]
    ipv6_address_count: Option<IgnoredAny>,
    #[serde(default)]
    ipv6_address: Option<IgnoredAny>,
    #[serde(default)]
    iam_instance_profile: Option<ProfileName>,
    #[serde(default)]
    launch_template: Option<IgnoredAny>,
    #[serde(default)]
    instance_market_options: Option<IgnoredAny>,
    #[serde(default)]
    cpu_options: Option<IgnoredAny>,
    #[serde(default)]
    metadata_options: MetadataRequest,
    #[serde(default)]
    hibernation_options: Option<IgnoredAny>,
    #[serde(default)]
    additional_info: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SentPlacement {
    #[serde(default)]
    availability_zone: Option<String>,
    #[serde(default)]
    tenancy: Option<String>,
    #[serde(default)]
    group_name: Option<IgnoredAny>,
    #[serde(default)]
    host_id: Option<IgnoredAny>,
    #[serde(default)]
    affinity: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Monitoring {
    #[serde(default)]
    enabled: Option<bool>,
}

impl Sent {
    fn unsupported(&self) -> Vec<String> {
        let place = self.placement.as_ref();
        let monitored = self.monitoring.as_ref().and_then(|monitoring| monitoring.enabled);
        let tenancy = place.and_then(|place| place.tenancy.as_deref());
        let rows = [
            ("Monitoring.Enabled", monitored == Some(true)),
            ("EbsOptimized", self.ebs_optimized == Some(true)),
            ("DisableApiStop", self.disable_api_stop == Some(true)),
            ("SecurityGroupId", self.security_group_id.is_some()),
            ("SubnetId", self.subnet_id.is_some()),
            ("PrivateIpAddress", self.private_ip_address.is_some()),
            ("NetworkInterface", self.network_interface.is_some()),
            ("Ipv6AddressCount", self.ipv6_address_count.is_some()),
            ("Ipv6Address", self.ipv6_address.is_some()),
            ("LaunchTemplate", self.launch_template.is_some()),
            ("InstanceMarketOptions", self.instance_market_options.is_some()),
            ("CpuOptions", self.cpu_options.is_some()),
            ("HibernationOptions", self.hibernation_options.is_some()),
            ("AdditionalInfo", self.additional_info.is_some()),
            ("Placement.Tenancy", tenancy.is_some_and(|text| text != "default")),
            ("Placement.GroupName", place.is_some_and(|place| place.group_name.is_some())),
            ("Placement.HostId", place.is_some_and(|place| place.host_id.is_some())),
            ("Placement.Affinity", place.is_some_and(|place| place.affinity.is_some())),
        ];
        rows.into_iter().filter(|(_, given)| *given).map(|(name, _)| name.to_owned()).collect()
    }
}

impl From<Sent> for RunInstances {
    fn from(sent: Sent) -> Self {
        Self {
            unsupported: sent.unsupported(),
            image_id: sent.image_id,
            min_count: sent.min_count,
            max_count: sent.max_count,
            key_name: sent.key_name,
            instance_type: sent.instance_type,
            kernel_id: sent.kernel_id,
            ramdisk_id: sent.ramdisk_id,
            placement: sent
                .placement
                .map(|place| Placement { availability_zone: place.availability_zone }),
            client_token: sent.client_token,
            security_group: sent.security_group,
            user_data: sent.user_data,
            block_device_mapping: sent.block_device_mapping,
            metadata_options: sent.metadata_options,
            tag_specification: sent.tag_specification,
            disable_api_termination: sent.disable_api_termination,
            instance_initiated_shutdown_behavior: sent.instance_initiated_shutdown_behavior,
            iam_instance_profile: sent.iam_instance_profile,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::query::{Node, encode};

    fn read(pairs: &[(&str, &str)]) -> RunInstances {
        Node::from_pairs(pairs.iter().copied()).unwrap().decode().unwrap()
    }

    #[test]
    fn what_cannot_be_heeded_is_named_and_what_is_so_anyway_passes() {
        let launch = read(&[
            ("ImageId", "emi-00000001"),
            ("MinCount", "1"),
            ("SubnetId", "subnet-1"),
            ("NetworkInterface.1.DeviceIndex", "0"),
            ("Monitoring.Enabled", "true"),
            ("EbsOptimized", "false"),
            ("Placement.Tenancy", "dedicated"),
            ("Placement.AvailabilityZone", "z"),
            ("InstanceInitiatedShutdownBehavior", "terminate"),
        ]);
        assert_eq!(
            launch.unsupported,
            ["Monitoring.Enabled", "SubnetId", "NetworkInterface", "Placement.Tenancy"]
        );
        assert_eq!(launch.min_count, Some(1));
        assert_eq!(launch.placement.unwrap().availability_zone.as_deref(), Some("z"));
    }

    #[test]
    fn what_is_sent_is_read_again() {
        let launch = RunInstances {
            image_id: "emi-00000001".into(),
            max_count: Some(2),
            placement: Some(Placement { availability_zone: Some("z".into()) }),
            security_group: vec!["default".into()],
            ..RunInstances::default()
        };
        let pairs = encode(&launch).unwrap();
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(read(&pairs), launch);
    }
}
