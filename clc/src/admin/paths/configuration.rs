//! What the cloud is made of, as it stands in the configuration and as it was last seen.

use std::collections::BTreeSet;

use common::administration::Done;
use common::administration::configuration::{
    Component, Components, DeregisterCluster, DeregisterStorageController, DeregisterWalrus,
    DescribeClusters, DescribeComponents, DescribeStorageControllers, DescribeWalruses,
    RegisterCluster, RegisterStorageController, RegisterWalrus,
};
use common::error::{ApiError, ErrorCode};
use runtime::actor::{Answer, Handle, Scene};

use super::Paths;

/// The host in a URL.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    match authority.strip_prefix('[') {
        Some(ipv6) => ipv6.split(']').next().unwrap_or(ipv6),
        None => authority.split(':').next().unwrap_or(authority),
    }
}

pub(super) fn state(reachable: bool) -> String {
    if reachable { "ENABLED" } else { "NOTREADY" }.to_owned()
}

impl Paths {
    fn reachable(&self, zone: Option<&str>, node: Option<&str>) -> bool {
        let now = self.people.now();
        self.cluster.members().any(|member| {
            zone.is_none_or(|zone| member.zone == zone)
                && node.is_none_or(|node| member.name == node)
                && member.sighting().is_reachable(now)
        })
    }

    /// What decides for a zone is the clc itself.
    fn clusters(&self) -> Vec<Component> {
        let zones: BTreeSet<&str> =
            self.cluster.members().map(|member| member.zone.as_str()).collect();
        let shown = zones.into_iter().map(|zone| Component {
            kind: "cluster".to_owned(),
            partition: zone.to_owned(),
            name: zone.to_owned(),
            detail: host(&self.people.endpoints.clc).to_owned(),
            state: state(self.reachable(Some(zone), None)),
        });
        shown.collect()
    }

    fn walruses(&self) -> Vec<Component> {
        vec![Component {
            kind: "walrus".to_owned(),
            partition: String::new(),
            name: "walrus".to_owned(),
            detail: host(&self.walrus_url).to_owned(),
            state: state(true),
        }]
    }

    fn nodes(&self) -> Vec<Component> {
        let shown = self.cluster.members().map(|member| Component {
            kind: "node".to_owned(),
            partition: member.zone.clone(),
            name: member.name.clone(),
            detail: member.name.clone(),
            state: state(self.reachable(None, Some(&member.name))),
        });
        shown.collect()
    }
}

/// Those that were asked for, all of which must be there.
pub(super) fn named<T>(
    all: Vec<T>,
    names: &[String],
    name: fn(&T) -> &str,
) -> Result<Vec<T>, ApiError> {
    let unknown = names.iter().find(|wanted| all.iter().all(|it| name(it) != wanted.as_str()));
    if let Some(unknown) = unknown {
        return Err(ApiError::invalid("Name", format!("there is no '{unknown}'")));
    }
    let wanted = |it: &T| names.is_empty() || names.iter().any(|wanted| name(it) == wanted);
    Ok(all.into_iter().filter(wanted).collect())
}

fn components(all: Vec<Component>, names: &[String]) -> Result<Components, ApiError> {
    Ok(Components { registered: named(all, names, |it| &it.name)?.into() })
}

impl Answer<Paths> for DescribeClusters {
    async fn answer(self, scene: &Scene<Paths>) -> Result<Components, ApiError> {
        components(scene.clusters(), &self.name)
    }
}

impl Answer<Paths> for DescribeWalruses {
    async fn answer(self, scene: &Scene<Paths>) -> Result<Components, ApiError> {
        components(scene.walruses(), &self.name)
    }
}

impl Answer<Paths> for DescribeStorageControllers {
    async fn answer(self, _: &Scene<Paths>) -> Result<Components, ApiError> {
        components(Vec::new(), &self.name)
    }
}

impl Answer<Paths> for DescribeComponents {
    async fn answer(self, scene: &Scene<Paths>) -> Result<Components, ApiError> {
        let all = [scene.clusters(), scene.walruses(), scene.nodes()].concat();
        components(all, &self.name)
    }
}

/// Refuses what would change what the cloud is made of.
macro_rules! configured {
    ($($action:ident => $why:expr;)*) => {$(
        impl Handle<Paths> for $action {
            type Checked = std::convert::Infallible;

            async fn check(self, _: &Scene<Paths>) -> Result<Self::Checked, ApiError> {
                Err(ApiError::new(ErrorCode::UnsupportedOperation, $why))
            }

            async fn act(never: Self::Checked, _: &Scene<Paths>) -> Result<Done, ApiError> {
                match never {}
            }
        }
    )*};
}

const ZONES: &str = "Zones come and go with the nodes that are in them: list these as [[nodes]] in \
                     the clc's configuration and start it again";
const WALRUS: &str = "There is one walrus, the one whose url stands under [walrus] in the clc's \
                      configuration";
const VOLUMES: &str = "There are no storage controllers, because there are no volumes";

configured! {
    RegisterCluster => ZONES;
    DeregisterCluster => ZONES;
    RegisterWalrus => WALRUS;
    DeregisterWalrus => WALRUS;
    RegisterStorageController => VOLUMES;
    DeregisterStorageController => VOLUMES;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_taken_out_of_urls() {
        for (url, expected) in [
            ("http://cloud:8773", "cloud"),
            ("https://10.0.0.1:8774/services/Walrus", "10.0.0.1"),
            ("http://[::1]:8774/x", "::1"),
            ("http://plain", "plain"),
        ] {
            assert_eq!(host(url), expected, "{url}");
        }
    }
}
