//! DescribeInstanceTypes in both shapes that clients read, DescribeInstanceTypeOfferings and
//! DescribeAccountAttributes: what the cloud offers to everybody alike.

use common::dialect::xml::Set;
use common::ec2::account::{
    AccountAttribute, AccountAttributes, AttributeValue, DescribeAccountAttributes,
};
use common::ec2::instance_types::{
    Availability, DescribeInstanceTypeOfferings, DescribeInstanceTypes, Disk, EbsInfo,
    InstanceType as View, InstanceTypes, MemoryInfo, NetworkInfo, Offering, Offerings,
    PlacementGroupInfo, ProcessorInfo, StorageInfo, TypeDetails, VCpuInfo,
};
use common::error::{ApiError, ErrorCode};
use runtime::actor::{Answer, Scene};

use super::filters::{Field, Filters};
use super::paging::{Asked, Page};
use super::types::{self, InstanceType, Types};
use super::zones::Zones;

const FILTERS: &[Field<View>] = &[
    ("auto-recovery-supported", |it| vec![it.auto_recovery_supported.to_string()]),
    ("bare-metal", |it| vec![it.bare_metal.to_string()]),
    ("burstable-performance-supported", |it| vec![it.burstable_performance_supported.to_string()]),
    ("current-generation", |it| vec![it.current_generation.to_string()]),
    ("dedicated-hosts-supported", |it| vec![it.dedicated_hosts_supported.to_string()]),
    ("ebs-info.ebs-optimized-support", |it| vec![it.ebs_info.ebs_optimized_support.clone()]),
    ("ebs-info.encryption-support", |it| vec![it.ebs_info.encryption_support.clone()]),
    ("ebs-info.nvme-support", |it| vec![it.ebs_info.nvme_support.clone()]),
    ("free-tier-eligible", |it| vec![it.free_tier_eligible.to_string()]),
    ("hibernation-supported", |it| vec![it.hibernation_supported.to_string()]),
    ("hypervisor", |it| vec![it.hypervisor.clone()]),
    ("instance-storage-info.disk.count", |it| disks(it, |disk| disk.count.to_string())),
    ("instance-storage-info.disk.size-in-gb", |it| disks(it, |disk| disk.size_in_gb.to_string())),
    ("instance-storage-info.encryption-support", |it| {
        vec![it.instance_storage_info.encryption_support.clone()]
    }),
    ("instance-storage-info.nvme-support", |it| {
        vec![it.instance_storage_info.nvme_support.clone()]
    }),
    ("instance-storage-info.total-size-in-gb", |it| {
        vec![it.instance_storage_info.total_size_in_gb.to_string()]
    }),
    ("instance-storage-supported", |it| vec![it.instance_storage_supported.to_string()]),
    ("instance-type", |it| vec![it.instance_type.clone()]),
    ("memory-info.size-in-mib", |it| vec![it.memory_info.size_in_mib.to_string()]),
    ("network-info.efa-supported", |it| vec![it.network_info.efa_supported.to_string()]),
    ("network-info.ena-support", |it| vec![it.network_info.ena_support.clone()]),
    ("network-info.ipv4-addresses-per-interface", |it| {
        vec![it.network_info.ipv4_addresses_per_interface.to_string()]
    }),
    ("network-info.ipv6-addresses-per-interface", |it| {
        vec![it.network_info.ipv6_addresses_per_interface.to_string()]
    }),
    ("network-info.ipv6-supported", |it| vec![it.network_info.ipv6_supported.to_string()]),
    ("network-info.maximum-network-cards", |it| {
        vec![it.network_info.maximum_network_cards.to_string()]
    }),
    ("network-info.maximum-network-interfaces", |it| {
        vec![it.network_info.maximum_network_interfaces.to_string()]
    }),
    ("processor-info.supported-architecture", |it| {
        it.processor_info.supported_architectures.item.clone()
    }),
    ("supported-boot-mode", |it| it.supported_boot_modes.item.clone()),
    ("supported-root-device-type", |it| it.supported_root_device_types.item.clone()),
    ("supported-usage-class", |it| it.supported_usage_classes.item.clone()),
    ("supported-virtualization-type", |it| it.supported_virtualization_types.item.clone()),
    ("vcpu-info.default-cores", |it| vec![it.v_cpu_info.default_cores.to_string()]),
    ("vcpu-info.default-threads-per-core", |it| {
        vec![it.v_cpu_info.default_threads_per_core.to_string()]
    }),
    ("vcpu-info.default-vcpus", |it| vec![it.v_cpu_info.default_vcpus.to_string()]),
];

fn disks(it: &View, value: fn(&Disk) -> String) -> Vec<String> {
    it.instance_storage_info.disks.item.iter().map(value).collect()
}

impl Answer<Zones> for DescribeInstanceTypes {
    async fn answer(self, scene: &Scene<Zones>) -> Result<InstanceTypes, ApiError> {
        let filters = Filters::new(&self.filter, FILTERS)?;
        let asked = Asked {
            max_results: self.max_results,
            next_token: self.next_token.as_deref(),
            named_by: (!self.instance_type.is_empty()).then_some("InstanceType"),
        };
        let page = Page::new(&("DescribeInstanceTypes", &self.filter), asked)?;
        if self.availability && !scene.caller.administrator {
            let text = "Only administrators of the cloud see its capacity (Availability)";
            return Err(ApiError::new(ErrorCode::OperationNotPermitted, text));
        }
        let known = scene.records.work(types::now).await?;
        let unknown = |name: &&String| types::find(&known, name).is_none();
        if let Some(name) = self.instance_type.iter().find(unknown) {
            let text = format!("The instance type '{name}' does not exist");
            return Err(ApiError::new(ErrorCode::InvalidInstanceType, text));
        }
        let named = |it: &InstanceType| {
            self.instance_type.is_empty() || self.instance_type.iter().any(|name| name == it.name)
        };
        let found = ordered(known).filter(|(_, it)| named(it) && filters.admit(&view(*it)));
        let (types, next_token) = page.cut(found)?;
        let details = |it: InstanceType| TypeDetails {
            name: it.name.to_owned(),
            cpu: it.cpus,
            disk: it.disk_gib,
            memory: it.memory_mib,
            network_interfaces: 1,
            availability: match self.availability {
                true => scene.availability(it),
                false => Set::default(),
            },
        };
        Ok(InstanceTypes {
            instance_type_set: types.iter().copied().map(view).collect(),
            instance_type_details: types.into_iter().map(details).collect(),
            next_token,
        })
    }
}

/// All types, smallest first, each with its key in that order.
fn ordered(types: Types) -> impl Iterator<Item = (String, InstanceType)> {
    (0..).zip(types).map(|(at, it): (u32, _)| (format!("{at:04}"), it))
}

fn view(it: InstanceType) -> View {
    let list = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    let unsupported = || "unsupported".to_owned();
    View {
        instance_type: it.name.to_owned(),
        current_generation: true,
        free_tier_eligible: false,
        supported_usage_classes: list(&["on-demand"]),
        supported_root_device_types: list(&["instance-store"]),
        supported_virtualization_types: list(&["paravirtual"]),
        bare_metal: false,
        hypervisor: "kvm".to_owned(),
        processor_info: ProcessorInfo { supported_architectures: list(&["i386", "x86_64"]) },
        v_cpu_info: VCpuInfo {
            default_vcpus: it.cpus,
            default_cores: it.cpus,
            default_threads_per_core: 1,
        },
        memory_info: MemoryInfo { size_in_mib: it.memory_mib },
        instance_storage_supported: true,
        instance_storage_info: StorageInfo {
            total_size_in_gb: it.disk_gib,
            disks: vec![Disk { size_in_gb: it.disk_gib, count: 1 }].into(),
            nvme_support: unsupported(),
            encryption_support: unsupported(),
        },
        ebs_info: EbsInfo {
            ebs_optimized_support: unsupported(),
            encryption_support: unsupported(),
            nvme_support: unsupported(),
        },
        network_info: NetworkInfo {
            maximum_network_interfaces: 1,
            maximum_network_cards: 1,
            ipv4_addresses_per_interface: 1,
            ipv6_addresses_per_interface: 0,
            ipv6_supported: false,
            ena_support: unsupported(),
            efa_supported: false,
        },
        placement_group_info: PlacementGroupInfo::default(),
        hibernation_supported: false,
        burstable_performance_supported: false,
        dedicated_hosts_supported: false,
        auto_recovery_supported: false,
        supported_boot_modes: list(&["legacy-bios"]),
    }
}

const OFFERING_FILTERS: &[Field<Offering>] = &[
    ("instance-type", |it| vec![it.instance_type.clone()]),
    ("location", |it| vec![it.location.clone()]),
];

impl Answer<Zones> for DescribeInstanceTypeOfferings {
    async fn answer(self, scene: &Scene<Zones>) -> Result<Offerings, ApiError> {
        let filters = Filters::new(&self.filter, OFFERING_FILTERS)?;
        let kind = self.location_type.as_deref().unwrap_or("region");
        let locations = match kind {
            "region" => vec![scene.region.clone()],
            "availability-zone" => scene.names(),
            other => {
                let why = format!("'{other}' is neither region nor availability-zone");
                return Err(ApiError::invalid("LocationType", why));
            }
        };
        let asked = Asked {
            max_results: self.max_results,
            next_token: self.next_token.as_deref(),
            named_by: None,
        };
        let page = Page::new(&("DescribeInstanceTypeOfferings", kind, &self.filter), asked)?;
        let known = scene.records.work(types::now).await?;
        let offering = |location: &String, (key, it): (String, InstanceType)| {
            let offering = Offering {
                instance_type: it.name.to_owned(),
                location_type: kind.to_owned(),
                location: location.clone(),
            };
            (format!("{location}/{key}"), offering)
        };
        let all = locations.iter().flat_map(|at| ordered(known).map(move |it| offering(at, it)));
        let (found, next_token) = page.cut(all.filter(|(_, it)| filters.admit(it)))?;
        Ok(Offerings { instance_type_offering_set: found.into(), next_token })
    }
}

impl Answer<Zones> for DescribeAccountAttributes {
    async fn answer(self, scene: &Scene<Zones>) -> Result<AccountAttributes, ApiError> {
        let types = scene.records.work(types::now).await?;
        let known = attributes(scene, types[0]);
        let is_known = |name: &&String| known.iter().any(|(known, _)| known == *name);
        if let Some(name) = self.attribute_name.iter().find(|name| !is_known(name)) {
            let why = format!("there is no attribute '{name}'");
            return Err(ApiError::invalid("AttributeName", why));
        }
        let asked = |(name, _): &(&str, String)| {
            self.attribute_name.is_empty() || self.attribute_name.iter().any(|it| it == name)
        };
        let shown = known.into_iter().filter(asked).map(|(name, value)| AccountAttribute {
            attribute_name: name.to_owned(),
            attribute_value_set: vec![AttributeValue { attribute_value: value }].into(),
        });
        Ok(AccountAttributes { account_attribute_set: shown.collect() })
    }
}

/// What holds for each account. None has a limit of its own: there may be as many instances as
/// the nodes have room for.
fn attributes(zones: &Zones, smallest: InstanceType) -> [(&'static str, String); 6] {
    let most: u64 = zones.availability(smallest).item.iter().map(|zone| zone.max).sum();
    [
        ("supported-platforms", "EC2".to_owned()),
        ("default-vpc", "none".to_owned()),
        ("max-instances", most.to_string()),
        ("vpc-max-security-groups-per-interface", "0".to_owned()),
        ("max-elastic-ips", "0".to_owned()),
        ("vpc-max-elastic-ips", "0".to_owned()),
    ]
}

impl Zones {
    /// How many instances of a type each zone has room for.
    fn availability(&self, kind: InstanceType) -> Set<Availability> {
        let zone = |name: String| {
            let (available, max) = self.room(&name, kind);
            Availability { zone_name: name, max, available }
        };
        self.names().into_iter().map(zone).collect()
    }
}
