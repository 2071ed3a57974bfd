//! DescribeImageAttribute, ModifyImageAttribute, ResetImageAttribute.
//!
//! Who may run an image is its owner's decision: everybody, or accounts one by one. What is
//! decided here is asked wherever an image is seen or run (`records::images`). Kernels and ramdisks
//! begin as everybody's, machine images as the cloud's setting says; a reset is that beginning.

use std::collections::BTreeSet;

use common::action::Caller;
use common::ec2::image_attributes::{
    AttributeValue, ChangedPermission, DescribeImageAttribute, ImageAttribute,
    ModifyImageAttribute, Permission, ResetImageAttribute,
};
use common::ec2::images::MappedDevice;
use common::ec2::types::{Done, ProductCode};
use common::error::{ApiError, ErrorCode};
use common::id::{AccountId, ImageId};
use runtime::actor::{Answer, Handle, Scene};
use store::Batch;

use super::ids;
use super::images::{Images, own, visible};
use super::register::{MOST_DESCRIPTION, public_at_first};
use crate::identity::accounts;
use crate::records::{Image, Records};

/// How many accounts may have leave to run one image.
const MOST_ACCOUNTS: usize = 1000;
/// How many product codes an image may have.
const MOST_CODES: usize = 64;
/// How long a product code may be.
const MOST_CODE: usize = 255;

impl Answer<Images> for DescribeImageAttribute {
    async fn answer(self, scene: &Scene<Images>) -> Result<ImageAttribute, ApiError> {
        let id = ids::image(&self.image_id)?;
        let caller = scene.caller.clone();
        scene.records.work(move |records| describe(records, &id, &self.attribute, &caller)).await
    }
}

fn describe(
    records: &Records,
    id: &ImageId,
    attribute: &str,
    caller: &Caller,
) -> Result<ImageAttribute, ApiError> {
    let image = match attribute {
        // With whom it is shared is nobody else's business.
        "launchPermission" => own(records, id, caller)?.record,
        _ => visible(records, id, &caller.account, caller.administrator)?.record,
    };
    let value = |text: Option<String>| Some(AttributeValue { value: text });
    let mut answer = ImageAttribute {
        image_id: image.id.clone(),
        launch_permission: None,
        product_codes: None,
        kernel: None,
        ramdisk: None,
        description: None,
        block_device_mapping: None,
    };
    match attribute {
        "launchPermission" => answer.launch_permission = Some(permissions(&image).into()),
        "productCodes" => {
            let code = |code: &String| ProductCode { product_code: code.clone() };
            answer.product_codes = Some(image.product_codes.iter().map(code).collect());
        }
        "kernel" => answer.kernel = value(image.kernel.map(|id| id.to_string())),
        "ramdisk" => answer.ramdisk = value(image.ramdisk.map(|id| id.to_string())),
        "description" => answer.description = value(image.description),
        "blockDeviceMapping" => {
            let device = |(name, device): &(String, String)| MappedDevice {
                device_name: device.clone(),
                virtual_name: Some(name.clone()),
            };
            answer.block_device_mapping = Some(image.mapping.iter().map(device).collect());
        }
        other => {
            let why = format!(
                "'{other}' is none of launchPermission, productCodes, kernel, ramdisk, \
                 description, blockDeviceMapping"
            );
            return Err(ApiError::invalid("Attribute", why));
        }
    }
    Ok(answer)
}

fn permissions(image: &Image) -> Vec<Permission> {
    let all = Permission { group: Some("all".to_owned()), user_id: None };
    let one = |account: &AccountId| Permission { group: None, user_id: Some(account.to_string()) };
    let accounts = image.allowed.iter().map(one);
    image.public.then_some(all).into_iter().chain(accounts).collect()
}

/// A change of one attribute, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Of who may run it.
    Permissions {
        /// Who may.
        add: Who,
        /// Who may no longer.
        remove: Who,
    },
    /// Product codes that it gets.
    ProductCodes(Vec<String>),
    /// Its new description.
    Description(Option<String>),
    /// Who may run it is as it was at first.
    Reset,
}

/// Everybody, and accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Who {
    /// Everybody.
    pub all: bool,
    /// These.
    pub accounts: BTreeSet<AccountId>,
    /// Those of these names.
    pub names: BTreeSet<String>,
}

impl Who {
    /// The accounts that are meant; a name must be one's. Blocks.
    fn meant(&self, records: &Records) -> Result<BTreeSet<AccountId>, ApiError> {
        let mut all = self.accounts.clone();
        for name in &self.names {
            match accounts::find(records, name) {
                Ok(account) => all.insert(account.number),
                Err(error) if error.code().status() < 500 => return Err(bad_item("userId", name)),
                Err(error) => return Err(error),
            };
        }
        Ok(all)
    }
}

/// A change that can be done.
pub struct Wanted {
    id: ImageId,
    change: Change,
}

impl Handle<Images> for ModifyImageAttribute {
    type Checked = Wanted;

    async fn check(self, scene: &Scene<Images>) -> Result<Wanted, ApiError> {
        let id = ids::image(&self.image_id)?;
        rehearsed(Wanted { id, change: understand(&self)? }, scene).await
    }

    async fn act(wanted: Wanted, scene: &Scene<Images>) -> Result<Done, ApiError> {
        done(wanted, scene).await
    }
}

impl Handle<Images> for ResetImageAttribute {
    type Checked = Wanted;

    async fn check(self, scene: &Scene<Images>) -> Result<Wanted, ApiError> {
        let id = ids::image(&self.image_id)?;
        if self.attribute != "launchPermission" {
            let why = format!("'{}' is not launchPermission", self.attribute);
            return Err(ApiError::invalid("Attribute", why));
        }
        rehearsed(Wanted { id, change: Change::Reset }, scene).await
    }

    async fn act(wanted: Wanted, scene: &Scene<Images>) -> Result<Done, ApiError> {
        done(wanted, scene).await
    }
}

async fn rehearsed(wanted: Wanted, scene: &Scene<Images>) -> Result<Wanted, ApiError> {
    let caller = scene.caller.clone();
    let rehearse = move |records: &Records| {
        apply(records, &mut Batch::new(), &wanted, &caller)?;
        Ok(wanted)
    };
    scene.records.work(rehearse).await
}

async fn done(wanted: Wanted, scene: &Scene<Images>) -> Result<Done, ApiError> {
    let caller = scene.caller.clone();
    let commit = move |records: &Records| {
        store::transact(&*records.engine, |batch| apply(records, batch, &wanted, &caller))?;
        Ok(Done::YES)
    };
    scene.records.work(commit).await
}

/// Adds a change to a batch. Blocks.
fn apply(
    records: &Records,
    batch: &mut Batch,
    wanted: &Wanted,
    caller: &Caller,
) -> Result<(), ApiError> {
    let mut seen = own(records, &wanted.id, caller)?;
    let before = seen.record.clone();
    let image = &mut seen.record;
    match &wanted.change {
        Change::Permissions { add, remove } => {
            let (added, removed) = (add.meant(records)?, remove.meant(records)?);
            for account in &added {
                // A mistyped number would share an image with whoever gets that number one day.
                if records.accounts.get(account.as_str())?.is_none() {
                    return Err(bad_item("userId", account.as_str()));
                }
            }
            image.allowed.extend(added);
            image.allowed.retain(|account| !removed.contains(account));
            image.public = (image.public || add.all) && !remove.all;
            if image.allowed.len() > MOST_ACCOUNTS {
                let text = format!("An image is shared with at most {MOST_ACCOUNTS} accounts");
                return Err(ApiError::new(ErrorCode::ResourceLimitExceeded, text));
            }
        }
        Change::ProductCodes(codes) => {
            for code in codes {
                if !image.product_codes.contains(code) {
                    image.product_codes.push(code.clone());
                }
            }
            if image.product_codes.len() > MOST_CODES {
                let text = format!("An image has at most {MOST_CODES} product codes");
                return Err(ApiError::new(ErrorCode::ResourceLimitExceeded, text));
            }
        }
        Change::Description(text) => image.description.clone_from(text),
        Change::Reset => {
            image.public = public_at_first(records, image.kind())?;
            image.allowed.clear();
        }
    }
    records.list(batch, Some(&before), &seen);
    // Nobody could take tags off that are on what they no longer see.
    let keeps = |account: &AccountId| seen.may_run(account, *account == AccountId::cloud());
    records.drop_tags_but(batch, wanted.id.as_str(), keeps)?;
    batch.replace(&seen)?;
    Ok(())
}

fn bad_item(kind: &str, value: &str) -> ApiError {
    let text = format!("Invalid attribute item value \"{value}\" for {kind} item type");
    ApiError::new(ErrorCode::InvalidAmiAttributeItemValue, text)
}

/// Finds out which one attribute is to be changed, and how.
///
/// # Errors
/// Names what is missing, contradicts itself or cannot be.
pub fn understand(asked: &ModifyImageAttribute) -> Result<Change, ApiError> {
    if !asked.organization_arn.is_empty() || !asked.organizational_unit_arn.is_empty() {
        let text = "The parameters OrganizationArn and OrganizationalUnitArn are not supported";
        return Err(ApiError::new(ErrorCode::UnsupportedOperation, text));
    }
    let attribute = match asked.attribute.as_deref() {
        None => None,
        Some("launchPermission") => Some(0),
        Some("productCodes") => Some(1),
        Some("description") => Some(2),
        Some(other) => {
            let why = format!("'{other}' is none of launchPermission, productCodes, description");
            return Err(ApiError::invalid("Attribute", why));
        }
    };
    let classic = !asked.user_id.is_empty() || !asked.user_group.is_empty();
    let described = asked.description.is_some() || asked.value.is_some();
    let given =
        [classic || asked.launch_permission.is_some(), !asked.product_code.is_empty(), described];
    let which = match (0..3).filter(|at| given[*at]).collect::<Vec<_>>().as_slice() {
        [one] => *one,
        [] => return Err(nothing(attribute)),
        _ => {
            let text = "One request changes one attribute: launchPermission, productCodes or \
                        description";
            return Err(ApiError::new(ErrorCode::InvalidParameterCombination, text));
        }
    };
    if attribute.is_some_and(|named| named != which) {
        let text = "Attribute names another attribute than the one that a value is given for";
        return Err(ApiError::new(ErrorCode::InvalidParameterCombination, text));
    }
    match which {
        0 => permissions_of(asked, classic),
        1 => codes_of(asked),
        _ => description_of(asked),
    }
}

fn nothing(attribute: Option<usize>) -> ApiError {
    ApiError::missing(match attribute {
        None => "Attribute",
        Some(0) => "LaunchPermission",
        Some(1) => "ProductCode.1",
        Some(_) => "Description.Value",
    })
}

fn permissions_of(asked: &ModifyImageAttribute, classic: bool) -> Result<Change, ApiError> {
    let (mut add, mut remove) = (Who::default(), Who::default());
    if classic {
        let who = match asked.operation_type.as_deref() {
            Some("add") => &mut add,
            Some("remove") => &mut remove,
            None => return Err(ApiError::missing("OperationType")),
            Some(other) => {
                let why = format!("'{other}' is neither add nor remove");
                return Err(ApiError::invalid("OperationType", why));
            }
        };
        for group in &asked.user_group {
            who.include(Some(group), None)?;
        }
        for user in &asked.user_id {
            who.include(None, Some(user))?;
        }
    }
    if let Some(changed) = &asked.launch_permission {
        for (list, who) in [(&changed.add, &mut add), (&changed.remove, &mut remove)] {
            for ChangedPermission { group, user_id, organization_arn, organizational_unit_arn } in
                list
            {
                if organization_arn.is_some() || organizational_unit_arn.is_some() {
                    let text = "There are no organizations to share an image with";
                    return Err(ApiError::new(ErrorCode::UnsupportedOperation, text));
                }
                who.include(group.as_deref(), user_id.as_deref())?;
            }
        }
    }
    if (add.all && remove.all) || add.accounts.intersection(&remove.accounts).next().is_some() {
        let text = "The same permission is to be added and removed";
        return Err(ApiError::new(ErrorCode::InvalidParameterCombination, text));
    }
    if add == remove {
        return Err(nothing(Some(0)));
    }
    Ok(Change::Permissions { add, remove })
}

impl Who {
    fn include(&mut self, group: Option<&str>, user: Option<&str>) -> Result<(), ApiError> {
        match (group, user) {
            (Some("all"), None) => self.all = true,
            (Some(other), None) => return Err(bad_item("group", other)),
            (None, Some(user)) => {
                // A name is looked up when it is known who asks.
                match user.parse() {
                    Ok(account) => drop(self.accounts.insert(account)),
                    Err(_) => drop(self.names.insert(user.to_owned())),
                }
            }
            _ => {
                let text = "A permission is for one Group or for one UserId";
                return Err(ApiError::new(ErrorCode::InvalidParameterCombination, text));
            }
        }
        Ok(())
    }
}

fn codes_of(asked: &ModifyImageAttribute) -> Result<Change, ApiError> {
    if let Some(other) = asked.operation_type.as_deref().filter(|it| *it != "add") {
        let why = format!("'{other}' is not add: product codes stay with an image for ever");
        return Err(ApiError::invalid("OperationType", why));
    }
    for code in &asked.product_code {
        if code.len() > MOST_CODE || !code.chars().all(|c| c.is_ascii_graphic()) {
            return Err(bad_item("productCode", code));
        }
    }
    Ok(Change::ProductCodes(asked.product_code.clone()))
}

fn description_of(asked: &ModifyImageAttribute) -> Result<Change, ApiError> {
    let by_name = asked.description.as_ref().and_then(|it| it.value.clone());
    let text = by_name.or_else(|| asked.value.clone()).unwrap_or_default();
    if text.chars().count() > MOST_DESCRIPTION {
        let why = format!("it has more than {MOST_DESCRIPTION} characters");
        return Err(ApiError::invalid("Description", why));
    }
    Ok(Change::Description(Some(text).filter(|text| !text.is_empty())))
}
