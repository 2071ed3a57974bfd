//! What came with which version of the API: the one place where old and new clients differ.
//!
//! Actions always answer in the shape of the newest version; [`answer`] takes back what the
//! caller's version does not know. boto 1.9b (2009-11-30) takes each `item` below an instance that
//! it does not know for one more instance, so this is more than politeness. An element that needs
//! no row is as old as its action. Whoever adds an element adds its row.

use std::borrow::Cow;

use serde::Serialize;

use super::version::Version;
use crate::dialect::shape::{Change, without};
use crate::dialect::xml;
use crate::error::ApiError;

/// Every change, by the element it is about.
const CHANGES: &[Change] = &[
    // Reservations, and security groups, which were their names before they had ids.
    Change::added("2011-01-01", "groupSet/item/groupId"),
    Change::renamed("2011-01-01", "groupSet/item/groupName", "groupId"),
    // Instances.
    Change::added("2007-01-03", "instancesSet/item/amiLaunchIndex"),
    Change::added("2007-03-01", "instancesSet/item/productCodes"),
    Change::added("2007-08-29", "instancesSet/item/instanceType"),
    Change::added("2007-08-29", "instancesSet/item/launchTime"),
    Change::added("2008-02-01", "instancesSet/item/placement"),
    Change::added("2008-02-01", "instancesSet/item/kernelId"),
    Change::added("2008-02-01", "instancesSet/item/ramdiskId"),
    Change::added("2008-08-08", "instancesSet/item/platform"),
    Change::added("2009-07-15", "instancesSet/item/monitoring"),
    Change::added("2009-07-15", "instancesSet/item/privateIpAddress"),
    Change::added("2009-07-15", "instancesSet/item/ipAddress"),
    Change::added("2009-10-31", "instancesSet/item/stateReason"),
    Change::added("2009-10-31", "instancesSet/item/architecture"),
    Change::added("2009-10-31", "instancesSet/item/rootDeviceType"),
    Change::added("2009-10-31", "instancesSet/item/rootDeviceName"),
    Change::added("2009-10-31", "instancesSet/item/blockDeviceMapping"),
    Change::added("2010-06-15", "instancesSet/item/virtualizationType"),
    Change::added("2010-08-31", "instancesSet/item/clientToken"),
    Change::added("2010-08-31", "instancesSet/item/hypervisor"),
    Change::added("2010-08-31", "instancesSet/item/tagSet"),
    Change::added("2011-01-01", "instancesSet/item/groupSet"),
    Change::added("2011-02-28", "placement/tenancy"),
    Change::added("2012-06-01", "instancesSet/item/iamInstanceProfile"),
    Change::added("2012-07-20", "instancesSet/item/ebsOptimized"),
    Change::added("2016-11-15", "instancesSet/item/metadataOptions"),
    // A state before and now: numbers before they had names.
    Change::renamed("2009-10-31", "instancesSet/item/currentState", "shutdownState"),
    // Images.
    Change::added("2007-03-01", "imagesSet/item/productCodes"),
    Change::added("2008-02-01", "imagesSet/item/architecture"),
    Change::added("2008-02-01", "imagesSet/item/imageType"),
    Change::added("2008-02-01", "imagesSet/item/kernelId"),
    Change::added("2008-02-01", "imagesSet/item/ramdiskId"),
    Change::added("2008-08-08", "imagesSet/item/platform"),
    Change::added("2009-10-31", "imagesSet/item/stateReason"),
    Change::added("2009-10-31", "imagesSet/item/imageOwnerAlias"),
    Change::added("2009-10-31", "imagesSet/item/name"),
    Change::added("2009-10-31", "imagesSet/item/description"),
    Change::added("2009-10-31", "imagesSet/item/rootDeviceType"),
    Change::added("2009-10-31", "imagesSet/item/rootDeviceName"),
    Change::added("2009-10-31", "imagesSet/item/blockDeviceMapping"),
    Change::added("2010-06-15", "imagesSet/item/virtualizationType"),
    Change::added("2010-08-31", "imagesSet/item/hypervisor"),
    Change::added("2010-08-31", "imagesSet/item/tagSet"),
    Change::added("2014-02-01", "imagesSet/item/creationDate"),
    Change::added("2016-11-15", "imagesSet/item/imageSize"),
    // Key pairs.
    Change::added("2014-10-01", "CreateKeyPairResponse/keyPairId"),
    Change::added("2014-10-01", "ImportKeyPairResponse/keyPairId"),
    Change::added("2014-10-01", "CreateKeyPairResponse/tagSet"),
    Change::added("2014-10-01", "ImportKeyPairResponse/tagSet"),
    Change::added("2014-10-01", "keySet/item/keyPairId"),
    Change::added("2014-10-01", "keySet/item/keyType"),
    Change::added("2014-10-01", "keySet/item/createTime"),
    Change::added("2014-10-01", "keySet/item/publicKey"),
    Change::added("2014-10-01", "keySet/item/tagSet"),
    // Instance types: boto 2 takes every item of either set for a type of Eucalyptus.
    Change::added("2016-11-15", "DescribeInstanceTypesResponse/instanceTypeSet"),
    // Zones.
    Change::added("2009-07-15", "availabilityZoneInfo/item/regionName"),
    Change::added("2010-06-15", "availabilityZoneInfo/item/messageSet"),
];

/// Writes the answer of an action as clients of `version` know it.
///
/// # Errors
/// If an output cannot be written as XML.
pub fn answer<T: Serialize>(
    action: &str,
    version: Version,
    request_id: &str,
    output: &T,
) -> Result<String, ApiError> {
    let xml = xml::ec2_answer(action, version.as_str(), request_id, output)
        .map_err(|error| ApiError::internal("The answer could not be written", error))?;
    let unknown: Vec<_> = CHANGES.iter().filter(|change| !version.knows(change.since)).collect();
    Ok(match without(&xml, &unknown) {
        Cow::Borrowed(_) => xml,
        Cow::Owned(shaped) => shaped,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_change_came_with_a_version_and_is_told_once() {
        let mut told = BTreeSet::new();
        for change in CHANGES {
            assert_eq!(Version::find(change.since).unwrap().as_str(), change.since, "{change:?}");
            assert!(told.insert(change.at), "{change:?}");
        }
    }
}
