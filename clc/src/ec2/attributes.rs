//! DescribeInstanceAttribute, ModifyInstanceAttribute, ResetInstanceAttribute.
//!
//! What a machine is made of (its type, kernel, ramdisk, user data) can change only while it is
//! stopped, and is so from its next start. Its disk stays as large as it was launched. What decides
//! about it (may it be terminated, what does its guest's shutdown mean) can change at any time.

use common::action::Caller;
use common::ec2::attributes::{
    DescribeInstanceAttribute, Flag, InstanceAttribute, ModifyInstanceAttribute,
    ResetInstanceAttribute, Text,
};
use common::ec2::instances::{MappedVolume, ProductCode};
use common::ec2::types::Done;
use common::error::{ApiError, ErrorCode};
use common::id::{ImageId, ImageKind, InstanceId};
use common::user_data::UserData;
use common::wire::spec::OnShutdown;
use runtime::actor::{Answer, Handle, Scene};

use super::ids;
use super::instances::{Instances, groups, named};
use super::launch::usable;
use super::power::start_of;
use super::run::{on_shutdown, user_data};
use super::types::{self, InstanceType, Types};
use crate::records::{Instance, MappedDisk, Records, SeenState, Wanted};
use crate::settings::{self, DEFAULT_KERNEL, DEFAULT_RAMDISK};

impl Answer<Instances> for DescribeInstanceAttribute {
    async fn answer(self, scene: &Scene<Instances>) -> Result<InstanceAttribute, ApiError> {
        let id = ids::instance(&self.instance_id)?;
        let caller = scene.caller.clone();
        let found = scene.records.work(move |records| one(records, &id, &caller)).await?;
        let it = found.record;
        let mut answer = InstanceAttribute::of(it.id.clone());
        match self.attribute.as_str() {
            "instanceType" => answer.instance_type = Text::of(Some(it.instance_type)),
            "kernel" => answer.kernel = Text::of(it.kernel.as_ref().map(ImageId::as_str)),
            "ramdisk" => answer.ramdisk = Text::of(it.ramdisk.as_ref().map(ImageId::as_str)),
            "userData" => {
                answer.user_data = Text::of(it.user_data.as_ref().map(UserData::base64));
            }
            "disableApiTermination" => answer.disable_api_termination = Flag::of(it.protected),
            "disableApiStop" => answer.disable_api_stop = Flag::of(false),
            "instanceInitiatedShutdownBehavior" => {
                let behaviour = match it.on_shutdown {
                    OnShutdown::Stop => "stop",
                    OnShutdown::Terminate => "terminate",
                };
                answer.instance_initiated_shutdown_behavior = Text::of(Some(behaviour));
            }
            "rootDeviceName" => answer.root_device_name = Text::of(Some(it.root_device)),
            "blockDeviceMapping" => {
                let disk = |it: &MappedDisk| MappedVolume {
                    device_name: it.device.clone(),
                    virtual_name: Some(it.purpose.name().to_owned()),
                };
                answer.block_device_mapping = Some(it.disks.iter().map(disk).collect());
            }
            "productCodes" => {
                let code = |code: &String| ProductCode { product_code: code.clone() };
                answer.product_codes = Some(it.product_codes.iter().map(code).collect());
            }
            "groupSet" => answer.group_set = Some(groups(&it.groups)),
            "sourceDestCheck" => answer.source_dest_check = Flag::of(true),
            "ebsOptimized" => answer.ebs_optimized = Flag::of(false),
            other => return Err(unknown(other)),
        }
        Ok(answer)
    }
}

fn unknown(attribute: &str) -> ApiError {
    ApiError::invalid("Attribute", format!("'{attribute}' is no attribute of an instance"))
}

fn one(
    records: &Records,
    id: &InstanceId,
    caller: &Caller,
) -> Result<store::Seen<Instance>, ApiError> {
    let found = named(records, std::slice::from_ref(id), caller)?;
    found.into_iter().next().ok_or_else(|| ids::no_instances(std::slice::from_ref(id)))
}

/// A change of one attribute, understood as far as it can be without records.
#[derive(Debug, Clone)]
pub enum Change {
    /// Another type.
    Type(InstanceType),
    /// Another kernel; `None`: the one it would have by itself.
    Kernel(Option<String>),
    /// Another ramdisk; `None`: the one it would have by itself.
    Ramdisk(Option<String>),
    /// Other user data, or none.
    Data(Option<UserData>),
    /// Whether it may be terminated.
    Protected(bool),
    /// What its guest's shutdown means.
    OnShutdown(OnShutdown),
    /// What is so already.
    Nothing,
}

impl Change {
    fn read(attribute: &str, value: Option<&str>, types: &Types) -> Result<Self, ApiError> {
        let text = value.ok_or_else(|| ApiError::missing("Value"));
        let flag = || match value.map(str::to_ascii_lowercase).as_deref() {
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            _ => Err(ApiError::invalid(attribute, "it is neither true nor false")),
        };
        let only = |wanted: bool| match flag()? == wanted {
            true => Ok(Self::Nothing),
            false => Err(fixed(attribute)),
        };
        Ok(match attribute {
            "instanceType" => {
                let name = text?;
                let found = types::find(types, name);
                let why = || format!("there is no type '{name}'");
                Self::Type(found.ok_or_else(|| ApiError::invalid(attribute, why()))?)
            }
            "kernel" => Self::Kernel(Some(text?.to_owned())),
            "ramdisk" => Self::Ramdisk(Some(text?.to_owned())),
            "userData" => Self::Data(user_data(attribute, value)?),
            "disableApiTermination" => Self::Protected(flag()?),
            "instanceInitiatedShutdownBehavior" => Self::OnShutdown(on_shutdown(attribute, text?)?),
            "sourceDestCheck" => return only(true),
            "disableApiStop" | "ebsOptimized" => return only(false),
            "blockDeviceMapping" | "groupSet" | "productCodes" | "rootDeviceName"
            | "enaSupport" | "sriovNetSupport" => return Err(fixed(attribute)),
            other => return Err(unknown(other)),
        })
    }

    /// Makes it so in a record; `false` if it is so already. Blocks.
    fn make(
        &self,
        records: &Records,
        it: &mut Instance,
        caller: &Caller,
    ) -> Result<bool, ApiError> {
        if it.wanted == Wanted::Terminated {
            let text = format!("The instance '{}' is being terminated", it.id);
            return Err(ApiError::new(ErrorCode::IncorrectInstanceState, text));
        }
        let before = it.clone();
        if matches!(self, Self::Kernel(_) | Self::Ramdisk(_)) && it.kernel.is_none() {
            let text = format!(
                "The instance '{}' boots by itself: it takes neither kernel nor ramdisk",
                it.id
            );
            return Err(ApiError::new(ErrorCode::UnsupportedOperation, text));
        }
        let own = |image: ImageKind| own(records, it, image);
        match self {
            Self::Type(kind) => {
                let demand = kind.demand();
                kind.name.clone_into(&mut it.instance_type);
                // The disk is there, and stays as it is.
                (it.cpus, it.memory_mib) = (demand.cpus, demand.memory_mib);
            }
            Self::Kernel(asked) => {
                let id = match asked {
                    Some(id) => id.clone(),
                    None => own(ImageKind::Kernel)?.ok_or_else(|| {
                        let text = "Neither the image nor the cloud has a kernel to go back to";
                        ApiError::new(ErrorCode::UnsupportedOperation, text)
                    })?,
                };
                it.kernel = Some(usable(records, &id, ImageKind::Kernel, caller)?.id.clone());
                it.default_boot = false;
            }
            Self::Ramdisk(asked) => {
                let id = match asked {
                    Some(id) => Some(id.clone()),
                    None => own(ImageKind::Ramdisk)?,
                };
                it.ramdisk = match id.filter(|id| !id.is_empty()) {
                    Some(id) => Some(usable(records, &id, ImageKind::Ramdisk, caller)?.id.clone()),
                    None => None,
                };
            }
            Self::Data(data) => it.user_data.clone_from(data),
            Self::Protected(protected) => it.protected = *protected,
            Self::OnShutdown(meaning) => it.on_shutdown = *meaning,
            Self::Nothing => {}
        }
        if *it == before {
            return Ok(false);
        }
        let of_the_machine =
            matches!(self, Self::Type(_) | Self::Kernel(_) | Self::Ramdisk(_) | Self::Data(_));
        if of_the_machine && it.seen != SeenState::Stopped {
            let text = format!("The instance '{}' is not in the 'stopped' state", it.id);
            return Err(ApiError::new(ErrorCode::IncorrectInstanceState, text));
        }
        // Of the others the node must know one at once.
        it.generation += u64::from(matches!(self, Self::OnShutdown(_)));
        Ok(true)
    }
}

fn fixed(attribute: &str) -> ApiError {
    let text = format!("The attribute {attribute} of an instance cannot be changed");
    ApiError::new(ErrorCode::UnsupportedOperation, text)
}

/// The kernel or ramdisk that an instance's image names, or the cloud's default.
fn own(records: &Records, it: &Instance, kind: ImageKind) -> Result<Option<String>, ApiError> {
    let image = records.images.get(it.image.as_str())?;
    let (of_image, default) = match kind {
        ImageKind::Ramdisk => (image.as_ref().and_then(|it| it.ramdisk.clone()), DEFAULT_RAMDISK),
        _ => (image.as_ref().and_then(|it| it.kernel.clone()), DEFAULT_KERNEL),
    };
    let id = match of_image {
        Some(id) => Some(id),
        None => settings::image(records, default)?,
    };
    Ok(id.map(|id| id.to_string()))
}

async fn check(
    scene: &Scene<Instances>,
    id: &str,
    change: Change,
) -> Result<(InstanceId, Change), ApiError> {
    let (id, caller) = (ids::instance(id)?, scene.caller.clone());
    let check = move |records: &Records| {
        let mut seen = one(records, &id, &caller)?;
        change.make(records, &mut seen.record, &caller)?;
        Ok((id, change))
    };
    scene.records.work(check).await
}

async fn act(
    scene: &Scene<Instances>,
    (id, change): (InstanceId, Change),
) -> Result<Done, ApiError> {
    let caller = scene.caller.clone();
    // Not while it is being started: the seat that is taken for it then is as large as it was.
    let _alone = scene.tokens.hold(start_of(&id)).await;
    let commit = move |records: &Records| {
        let (node, _) = store::transact(&*records.engine, |batch| {
            let mut seen = one(records, &id, &caller)?;
            if change.make(records, &mut seen.record, &caller)? {
                batch.replace(&seen)?;
            }
            Ok::<_, ApiError>(seen.record.node)
        })?;
        Ok(node)
    };
    let node = scene.records.work(commit).await?;
    scene.wakers.node(&node);
    Ok(Done::YES)
}

impl Handle<Instances> for ModifyInstanceAttribute {
    type Checked = (InstanceId, Change);

    async fn check(self, scene: &Scene<Instances>) -> Result<Self::Checked, ApiError> {
        let attribute = self.attribute.ok_or_else(|| ApiError::missing("Attribute"))?;
        if self.sent > 1 {
            let text = "One attribute is changed at a time";
            return Err(ApiError::new(ErrorCode::InvalidParameterCombination, text));
        }
        let types = scene.records.work(types::now).await?;
        let change = Change::read(&attribute, self.value.as_deref(), &types)?;
        check(scene, &self.instance_id, change).await
    }

    async fn act(checked: Self::Checked, scene: &Scene<Instances>) -> Result<Done, ApiError> {
        act(scene, checked).await
    }
}

impl Handle<Instances> for ResetInstanceAttribute {
    type Checked = (InstanceId, Change);

    async fn check(self, scene: &Scene<Instances>) -> Result<Self::Checked, ApiError> {
        let change = match self.attribute.as_str() {
            "kernel" => Change::Kernel(None),
            "ramdisk" => Change::Ramdisk(None),
            "sourceDestCheck" => Change::Nothing,
            other => return Err(fixed(other)),
        };
        check(scene, &self.instance_id, change).await
    }

    async fn act(checked: Self::Checked, scene: &Scene<Instances>) -> Result<Done, ApiError> {
        act(scene, checked).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_read_or_refused_by_name() {
        for (attribute, value) in [
            ("instanceType", "m1.large"),
            ("kernel", "eki-1"),
            ("userData", ""),
            ("disableApiTermination", "True"),
            ("instanceInitiatedShutdownBehavior", "terminate"),
            ("sourceDestCheck", "true"),
            ("disableApiStop", "false"),
        ] {
            assert!(Change::read(attribute, Some(value), &types::DEFAULTS).is_ok(), "{attribute}");
        }
        for (attribute, value, code) in [
            ("instanceType", Some("t9.tiny"), ErrorCode::InvalidParameterValue),
            ("instanceType", None, ErrorCode::MissingParameter),
            ("userData", Some("%"), ErrorCode::InvalidParameterValue),
            ("disableApiTermination", Some("perhaps"), ErrorCode::InvalidParameterValue),
            ("sourceDestCheck", Some("false"), ErrorCode::UnsupportedOperation),
            ("disableApiStop", Some("true"), ErrorCode::UnsupportedOperation),
            ("groupSet", Some(""), ErrorCode::UnsupportedOperation),
            ("colour", Some("red"), ErrorCode::InvalidParameterValue),
        ] {
            let error = Change::read(attribute, value, &types::DEFAULTS).unwrap_err();
            assert_eq!(error.code(), code, "{attribute} {value:?}");
        }
    }
}
