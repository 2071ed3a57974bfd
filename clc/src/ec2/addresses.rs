//! DescribeAddresses: instances have the one address that their node gives them, and no account has
//! others. Clients that list instances ask for them all the same.

use std::net::Ipv4Addr;

use common::ec2::addresses::{Address, Addresses, DescribeAddresses};
use common::error::{ApiError, ErrorCode};
use runtime::actor::{Answer, Scene};

use super::filters::{Field, Filters};
use super::zones::Zones;

const FILTERS: &[Field<Address>] = &[
    ("allocation-id", |_| Vec::new()),
    ("association-id", |_| Vec::new()),
    ("domain", |_| Vec::new()),
    ("instance-id", |it| it.instance_id.iter().cloned().collect()),
    ("network-border-group", |_| Vec::new()),
    ("network-interface-id", |_| Vec::new()),
    ("network-interface-owner-id", |_| Vec::new()),
    ("private-ip-address", |_| Vec::new()),
    ("public-ip", |it| vec![it.public_ip.clone()]),
];

impl Answer<Zones> for DescribeAddresses {
    async fn answer(self, _: &Scene<Zones>) -> Result<Addresses, ApiError> {
        Filters::tagged(&self.filter, FILTERS, |_| Default::default())?;
        if let Some(text) = self.public_ip.iter().find(|text| text.parse::<Ipv4Addr>().is_err()) {
            return Err(ApiError::invalid("PublicIp", format!("'{text}' is no IPv4 address")));
        }
        if let Some(address) = self.public_ip.first() {
            let text = format!("Address '{address}' not found");
            return Err(ApiError::new(ErrorCode::InvalidAddressNotFound, text));
        }
        if let Some(id) = self.allocation_id.first() {
            let text = format!("The allocation ID '{id}' does not exist");
            return Err(ApiError::new(ErrorCode::InvalidAllocationIdNotFound, text));
        }
        Ok(Addresses { addresses_set: Vec::new().into() })
    }
}
