//! RunInstances: the request is checked, seats are taken, records are committed, and that is the
//! answer. The reconciler does the rest.

use common::dialect::query;
use common::ec2::instances::{DEFAULT_TYPE, Reservation, RunInstances};
use common::error::{ApiError, ErrorCode};
use common::id::InstanceId;
use common::user_data::UserData;
use common::wire::spec::{MetadataOptions, OnShutdown};
use runtime::actor::{Handle, Scene};
use sha2::{Digest as _, Sha256};

use super::instances::{self, Instances, reservations};
use super::launch::{self, Asked};
use super::types::{self, InstanceType, Types};
use super::{devices, tagging};
use crate::people::groups;
use crate::records::{Instance, Launch, Records, ResourceKind, TagMap};
use crate::schedule::scheduler::{Place, Placed, Ticket};
use crate::{quota, random};

/// The most instances of one launch.
const MOST: u32 = 256;

/// A launch that can be done if there is room.
pub struct Wanted {
    asked: Asked,
    zone: Option<String>,
    zones: Vec<String>,
    min: usize,
    max: u32,
}

impl Handle<Instances> for RunInstances {
    type Checked = Wanted;

    async fn check(self, scene: &Scene<Instances>) -> Result<Wanted, ApiError> {
        let (min, max) = counts(&self)?;
        let types = scene.records.work(types::now).await?;
        let kind = check(&self, &scene.zones, &types)?;
        let zone = self.placement.as_ref().and_then(|place| place.availability_zone.clone());
        let asked = Asked {
            user_data: user_data("UserData", self.user_data.as_deref())?,
            on_shutdown: match self.instance_initiated_shutdown_behavior.as_deref() {
                None => OnShutdown::Stop,
                Some(text) => on_shutdown("InstanceInitiatedShutdownBehavior", text)?,
            },
            parameters: fingerprint(&self)?,
            caller: scene.caller.clone(),
            kind,
            tags: tagging::specified(&self.tag_specification, ResourceKind::Instance)?,
            request: self,
            now: scene.clock.now(),
        };
        let all = scene.zones.clone();
        scene
            .records
            .work(move |records| {
                let zones = groups::permitted(records, &asked.caller.account, &all)?;
                // A launch that was done already needs none of what it was made of.
                if earlier(records, &asked)?.is_none() {
                    may_use(&all, &zones, zone.as_deref())?;
                    launch::plan(records, &asked)?;
                    room(records, &asked, min, max)?;
                }
                Ok(Wanted { asked, zone, zones, min, max })
            })
            .await
    }

    async fn act(wanted: Wanted, scene: &Scene<Instances>) -> Result<Reservation, ApiError> {
        let Wanted { asked, zone, zones, min, max } = wanted;
        let _alone = match &asked.request.client_token {
            Some(token) => {
                let key = Launch::key_of(&asked.caller.account, token);
                Some(scene.tokens.hold(key).await)
            }
            None => None,
        };
        let (looked, tags) = (asked.clone(), asked.tags.clone());
        let before = scene.records.work(move |records| earlier(records, &looked)).await?;
        if let Some((launch, instances)) = before {
            return Ok(answer(scene, launch, instances, &tags));
        }
        // As many as quotas leave room for; the commit asks again.
        let looked = asked.clone();
        let max = scene.records.work(move |records| room(records, &looked, min, max)).await?;
        let mut instances = Vec::new();
        for _ in 0..max {
            instances.push(InstanceId::from_random(random::bytes()?));
        }
        let (demand, zones) = (asked.kind.demand(), Some(zones));
        let wish = Place { zone, zones, demand, min, instances };
        let ticket = Ticket::take(&scene.scheduler, wish).await?;
        let placed = ticket.placed().to_vec();
        let ids: Vec<_> = placed.iter().map(|seat| seat.instance.clone()).collect();
        let done = scene.records.work(move |records| commit(records, &asked, &placed)).await;
        let done = match done {
            Ok(done) => done,
            Err(error) => {
                // It may be on record all the same. If not even that can be found out the seats
                // stay theirs: the store has failed, and the next start reads what it has kept.
                let made = scene.records.work(move |records| on_record(records, &ids)).await;
                match made.unwrap_or(true) {
                    true => ticket.settle(),
                    false => drop(ticket),
                }
                return Err(error);
            }
        };
        match done {
            // Another request with the token was faster: its seats are kept, these go back.
            Done::Before(before) => Ok(answer(scene, before.0, before.1, &tags)),
            Done::Now(made) => {
                ticket.settle();
                for instance in &made {
                    scene.wakers.node(&instance.node);
                }
                let shown = made.into_iter().map(|it| scene.show(it, tags.clone())).collect();
                reservations(shown).pop().ok_or_else(|| {
                    ApiError::new(ErrorCode::InternalError, "The launch made no instance")
                })
            }
        }
    }
}

enum Done {
    /// The same launch was recorded earlier; nothing was now.
    Before(Box<(Launch, Vec<Instance>)>),
    /// These are on record.
    Now(Vec<Instance>),
}

/// How many instances quotas let the caller have, of those that are wanted.
fn room(records: &Records, asked: &Asked, min: usize, max: u32) -> Result<u64, ApiError> {
    let (caller, demand) = (&asked.caller, asked.kind.demand());
    quota::instances::room(records, caller, demand, min as u64, u64::from(max))
}

/// Records a launch; after an error it may be on record or not.
fn commit(records: &Records, asked: &Asked, placed: &[Placed]) -> Result<Done, ApiError> {
    let (done, _) = store::transact(&*records.engine, |batch| {
        if let Some(before) = earlier(records, asked)? {
            return Ok(Done::Before(Box::new(before)));
        }
        let plan = launch::plan(records, asked)?;
        Ok::<_, ApiError>(Done::Now(launch::record(records, batch, asked, &plan, placed)?))
    })?;
    Ok(done)
}

/// Whether any of these instances is recorded; all of a launch are, or none.
fn on_record(records: &Records, ids: &[InstanceId]) -> Result<bool, ApiError> {
    for id in ids {
        if records.instances.get(id.as_str())?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn answer(
    scene: &Scene<Instances>,
    launch: Launch,
    instances: Vec<Instance>,
    tags: &TagMap,
) -> Reservation {
    let shown = instances.into_iter().map(|it| scene.show(it, tags.clone())).collect();
    reservations(shown).pop().unwrap_or_else(|| Reservation {
        // Its instances ended so long ago that they are not listed any more.
        reservation_id: launch.reservation,
        owner_id: launch.account.to_string(),
        group_set: instances::groups(&launch.groups),
        instances_set: Vec::new().into(),
    })
}

/// Reads user data from base64.
pub fn user_data(parameter: &str, text: Option<&str>) -> Result<Option<UserData>, ApiError> {
    UserData::read(text.unwrap_or_default()).map_err(|why| ApiError::invalid(parameter, why))
}

/// Reads what happens when a guest switches its machine off.
pub fn on_shutdown(parameter: &str, text: &str) -> Result<OnShutdown, ApiError> {
    match text {
        "stop" => Ok(OnShutdown::Stop),
        "terminate" => Ok(OnShutdown::Terminate),
        _ => Err(ApiError::invalid(parameter, format!("'{text}' is neither stop nor terminate"))),
    }
}

/// How many instances will do, and how many are wanted.
fn counts(asked: &RunInstances) -> Result<(usize, u32), ApiError> {
    let min = asked.min_count.unwrap_or(1);
    let max = asked.max_count.unwrap_or(min);
    if min == 0 {
        return Err(ApiError::invalid("MinCount", "it is at least 1"));
    }
    if max < min {
        let why = format!("it is {max}, less than MinCount, which is {min}");
        return Err(ApiError::invalid("MaxCount", why));
    }
    if max > MOST {
        return Err(ApiError::invalid("MaxCount", format!("one launch has at most {MOST}")));
    }
    Ok((min as usize, max))
}

/// Refuses a zone that none of the account's zone groups may use; where there is no zone at all,
/// nobody is kept out of any.
fn may_use(all: &[String], permitted: &[String], wanted: Option<&str>) -> Result<(), ApiError> {
    let may = match wanted {
        Some(zone) => permitted.iter().any(|it| it == zone),
        None => !permitted.is_empty() || all.is_empty(),
    };
    if may {
        return Ok(());
    }
    let zone =
        wanted.map_or_else(|| "any availability zone".to_owned(), |it| format!("the zone {it}"));
    let text = format!("The account may not use {zone}: none of its zone groups may");
    Err(ApiError::new(ErrorCode::UnauthorizedOperation, text))
}

/// What can be refused without reading records; answers the type.
fn check(asked: &RunInstances, zones: &[String], types: &Types) -> Result<InstanceType, ApiError> {
    let unsupported = |what: &str| {
        let text = format!("The parameter {what} is not supported");
        Err(ApiError::new(ErrorCode::UnsupportedOperation, text))
    };
    if let Some(name) = asked.unsupported.first() {
        return unsupported(name);
    }
    devices::read(&asked.block_device_mapping)?;
    asked.metadata_options.apply("MetadataOptions.", &mut MetadataOptions::default())?;
    if let Some(group) = asked.security_group.iter().find(|name| *name != "default") {
        let why = format!("there is no security group '{group}', only 'default'");
        return Err(ApiError::invalid("SecurityGroup", why));
    }
    if let Some(token) = &asked.client_token
        && (token.len() > 64 || !token.is_ascii())
    {
        return Err(ApiError::invalid("ClientToken", "it has at most 64 ASCII characters"));
    }
    if let Some(zone) = asked.placement.as_ref().and_then(|it| it.availability_zone.as_ref())
        && !zones.contains(zone)
    {
        let why = format!("there is no availability zone '{zone}'");
        return Err(ApiError::invalid("Placement.AvailabilityZone", why));
    }
    let name = asked.instance_type.as_deref().unwrap_or(DEFAULT_TYPE);
    types::find(types, name).ok_or_else(|| {
        let names: Vec<_> = types.iter().map(|it| it.name).collect();
        let why = format!("there is no type '{name}'; there are {}", names.join(", "));
        ApiError::invalid("InstanceType", why)
    })
}

/// A hash over what makes two launches the same.
fn fingerprint(asked: &RunInstances) -> Result<String, ApiError> {
    let same = RunInstances { client_token: None, ..asked.clone() };
    // As it could have been sent: what a later version of this type knows and nobody sent counts
    // for nothing.
    let sent = query::encode(&same).and_then(|pairs| serde_json::to_vec(&pairs));
    let sent = sent.map_err(|error| ApiError::internal("The request cannot be compared", error))?;
    Ok(hex::encode(Sha256::digest(sent)))
}

/// The launch that the same token made earlier.
fn earlier(records: &Records, asked: &Asked) -> Result<Option<(Launch, Vec<Instance>)>, ApiError> {
    let Some(token) = &asked.request.client_token else { return Ok(None) };
    let Some(seen) = records.launches.get(&Launch::key_of(&asked.caller.account, token))? else {
        return Ok(None);
    };
    let launch = seen.record;
    if launch.parameters != asked.parameters {
        let text = format!("The client token '{token}' was used before with other parameters");
        return Err(ApiError::new(ErrorCode::IdempotentParameterMismatch, text));
    }
    let mut instances = Vec::new();
    for id in &launch.instances {
        instances.extend(records.instances.get(id.as_str())?.map(|seen| seen.record));
    }
    Ok(Some((launch, instances)))
}

#[cfg(test)]
mod tests {
    use common::ec2::instances::Placement;

    use super::*;

    fn asked() -> RunInstances {
        RunInstances { image_id: "emi-00000001".into(), ..RunInstances::default() }
    }

    #[test]
    fn counts_follow_their_rules() {
        let count = |min, max| {
            counts(&RunInstances { min_count: min, max_count: max, ..asked() })
                .map_err(|error| error.text().to_owned())
        };
        assert_eq!(count(None, None), Ok((1, 1)));
        assert_eq!(count(Some(2), None), Ok((2, 2)));
        assert_eq!(count(None, Some(3)), Ok((1, 3)));
        for (min, max, name) in [
            (Some(0), None, "MinCount"),
            (Some(2), Some(1), "MaxCount"),
            (None, Some(257), "MaxCount"),
        ] {
            assert!(count(min, max).unwrap_err().contains(name));
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused_by_name() {
        let zones = ["z".to_owned()];
        let place = |zone: &str| Some(Placement { availability_zone: Some(zone.into()) });
        assert_eq!(check(&asked(), &zones, &types::DEFAULTS).unwrap().name, "m1.small");
        assert!(
            check(&RunInstances { placement: place("z"), ..asked() }, &zones, &types::DEFAULTS)
                .is_ok()
        );
        let table = [
            (RunInstances { unsupported: vec!["SubnetId".into()], ..asked() }, "SubnetId"),
            (RunInstances { security_group: vec!["web".into()], ..asked() }, "web"),
            (RunInstances { client_token: Some("t".repeat(65)), ..asked() }, "ClientToken"),
            (RunInstances { placement: place("y"), ..asked() }, "'y'"),
            (RunInstances { instance_type: Some("t9.tiny".into()), ..asked() }, "t9.tiny"),
        ];
        for (asked, name) in table {
            let error = check(&asked, &zones, &types::DEFAULTS).unwrap_err();
            assert!(error.text().contains(name), "{error}");
        }
    }

    #[test]
    fn the_token_does_not_count_among_the_parameters() {
        let one = RunInstances { client_token: Some("a".into()), ..asked() };
        let two = RunInstances { client_token: Some("b".into()), ..asked() };
        let other = RunInstances { max_count: Some(2), ..asked() };
        assert_eq!(fingerprint(&one).unwrap(), fingerprint(&two).unwrap());
        assert_ne!(fingerprint(&one).unwrap(), fingerprint(&other).unwrap());
    }

    #[test]
    fn user_data_and_the_shutdowns_meaning_are_read_or_refused_by_name() {
        assert_eq!(user_data("UserData", None).unwrap(), None);
        assert_eq!(user_data("UserData", Some("")).unwrap(), None);
        assert!(user_data("UserData", Some("YQ==")).unwrap().is_some());
        assert!(user_data("UserData", Some("a b c")).unwrap_err().text().contains("UserData"));
        assert_eq!(on_shutdown("X", "stop").unwrap(), OnShutdown::Stop);
        assert_eq!(on_shutdown("X", "terminate").unwrap(), OnShutdown::Terminate);
        assert!(on_shutdown("X", "hibernate").unwrap_err().text().contains("'hibernate'"));
    }
}
