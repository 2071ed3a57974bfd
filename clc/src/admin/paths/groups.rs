//! Groups of users, which say who may use which zone.

use common::administration::Done;
use common::administration::groups::{
    AddGroup, AddGroupMember, DeleteGroup, DescribeGroups, GrantGroupAuthorization, Group, Groups,
    RemoveGroupMember, RevokeGroupAuthorization,
};
use common::error::ApiError;
use common::wire::admin::ZoneGroupView;
use runtime::actor::{Answer, Handle, Scene};

use super::Paths;
use crate::identity::accounts;
use crate::people::{People, groups};

/// Says what an action finds out before it is done, and what it does.
macro_rules! change {
    ($action:ident, |$people:ident, $it:ident| $check:expr, $act:expr) => {
        impl Handle<Paths> for $action {
            type Checked = Self;

            async fn check(self, scene: &Scene<Paths>) -> Result<Self, ApiError> {
                let check = move |$people: &People| {
                    let $it = self;
                    $check?;
                    Ok($it)
                };
                scene.people.work(check).await
            }

            async fn act($it: Self, scene: &Scene<Paths>) -> Result<Done, ApiError> {
                scene.people.work(move |$people| $act.map(|_| Done {})).await
            }
        }
    };
}

/// That a group is there and, if somebody is named, that user.
fn known(people: &People, group: &str, user: Option<&str>) -> Result<(), ApiError> {
    groups::find(people, group)?;
    user.map(|user| accounts::find(&people.records, user)).transpose().map(drop)
}

/// That a group and a zone are there.
fn zoned(people: &People, group: &str, zone: &str) -> Result<(), ApiError> {
    groups::find(people, group)?;
    match people.zones.iter().any(|known| known == zone) {
        true => Ok(()),
        false => {
            let why = format!("there is no availability zone '{zone}'");
            Err(ApiError::invalid("ZoneName", why))
        }
    }
}

/// That a name is free for a group.
fn free(people: &People, group: &str) -> Result<(), ApiError> {
    common::name::check_account_name(group)
        .map_err(|error| ApiError::invalid("GroupName", error))?;
    match groups::find(people, group) {
        Ok(_) => Err(ApiError::invalid("GroupName", format!("'{group}' is taken already"))),
        Err(_) => Ok(()),
    }
}

change!(AddGroup, |people, it| free(people, &it.group_name), groups::add(people, &it.group_name));
change!(
    DeleteGroup,
    |people, it| known(people, &it.group_name, None),
    groups::delete(people, &it.group_name)
);
change!(
    AddGroupMember,
    |people, it| known(people, &it.group_name, Some(&it.user_name)),
    groups::join(people, &it.group_name, &it.user_name)
);
change!(
    RemoveGroupMember,
    |people, it| known(people, &it.group_name, Some(&it.user_name)),
    groups::leave(people, &it.group_name, &it.user_name)
);
change!(
    GrantGroupAuthorization,
    |people, it| zoned(people, &it.group_name, &it.zone_name),
    groups::grant(people, &it.group_name, &it.zone_name)
);
change!(
    RevokeGroupAuthorization,
    |people, it| zoned(people, &it.group_name, &it.zone_name),
    groups::revoke(people, &it.group_name, &it.zone_name)
);

impl Answer<Paths> for DescribeGroups {
    async fn answer(self, scene: &Scene<Paths>) -> Result<Groups, ApiError> {
        let found = scene
            .people
            .work(move |people| {
                let named = self.group_names.iter();
                match self.group_names.is_empty() {
                    true => groups::list(people),
                    false => named.map(|name| groups::find(people, name)).collect(),
                }
            })
            .await?;
        let shown = |it: ZoneGroupView| Group {
            group_name: it.name,
            users: it.members.into(),
            authorizations: it.zones.into(),
        };
        Ok(Groups { groups: found.into_iter().map(shown).collect::<Vec<_>>().into() })
    }
}
