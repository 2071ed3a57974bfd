//! What somebody has filled in of a launch: read from a form, kept in hidden fields, made into the action.
//!
//! Nothing of it is kept on the server. The token that is made with the first form goes along to the end,
//! so that a launch that is sent twice happens once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::ec2::images::BlockDevice;
use common::ec2::instance_profiles::ProfileName;
use common::ec2::instances::{Placement, RunInstances};
use common::ec2::metadata_options::MetadataRequest;
use common::ec2::tags::{NewTag, TagSpecification};
use common::error::{ApiError, ErrorCode};
use common::user_data::UserData;
use maud::{Markup, html};

use crate::console::forms::Fields;

/// The fields, by their names in the form.
const FIELDS: [&str; 20] = [
    "image", "name", "type", "key", "count", "least", "zone", "data", "packed", "kernel",
    "ramdisk", "profile", "shutdown", "protect", "metadata", "hops", "tags", "devices", "token",
    "new_key",
];

/// What a launch has in a field that nobody has touched.
const DEFAULTS: [(&str, &str); 4] =
    [("count", "1"), ("shutdown", "stop"), ("metadata", "optional"), ("hops", "1")];

/// What was filled in.
#[derive(Debug, Clone)]
pub(super) struct Draft(Vec<(&'static str, String)>);

/// What is wrong, and with which field; none if it is none of them.
#[derive(Debug)]
pub(super) struct Wrong {
    /// The field.
    pub(super) field: Option<&'static str>,
    /// Why.
    pub(super) error: ApiError,
}

impl Wrong {
    fn new(field: &'static str, error: ApiError) -> Self {
        Self { field: Some(field), error }
    }

    /// A refusal of the API, with the field that it is about.
    pub(super) fn of(error: ApiError) -> Self {
        let text = error.text();
        let names = |(part, _): &&(&str, &str)| text.contains(part);
        let field = PARTS.iter().find(names).map(|(_, field)| *field);
        Self { field, error }
    }
}

/// What refusals say of the fields that they are about; the first that is found counts.
const PARTS: [(&str, &str); 24] = [
    ("MinCount", "least"),
    ("MaxCount", "count"),
    ("There is not enough room", "count"),
    ("(ec2:quota-vminstance", "count"),
    ("(ec2:quota-", "type"),
    ("InstanceType", "type"),
    ("of the type", "type"),
    ("UserData", "data"),
    ("The key pair '", "key"),
    ("KernelId", "kernel"),
    ("is not a kernel", "kernel"),
    ("names no kernel", "kernel"),
    ("RamdiskId", "ramdisk"),
    ("is not a ramdisk", "ramdisk"),
    ("nstance profile", "profile"),
    ("nstanceProfile", "profile"),
    ("iam:PassRole", "profile"),
    ("HttpPutResponseHopLimit", "hops"),
    ("MetadataOptions", "metadata"),
    ("BlockDeviceMapping", "devices"),
    ("Placement.AvailabilityZone", "zone"),
    ("The account may not use", "zone"),
    ("for Tag", "tags"),
    ("tags", "tags"),
];

impl Draft {
    /// Reads a form, or what stands behind the `?`; `token` if it has none yet.
    pub(super) fn read(form: &Fields, token: &str) -> Self {
        let fresh = form.get("token").is_empty();
        let value = |name: &'static str| {
            let said = form.get(name);
            let own = DEFAULTS.iter().find(|(known, _)| *known == name && fresh);
            let said = match name {
                // Browsers send lines as they are sent by mail; guests want them as they were typed.
                "data" | "tags" | "devices" => said.replace("\r\n", "\n"),
                "token" if fresh => token.to_owned(),
                _ => said.trim().to_owned(),
            };
            match own {
                Some((_, text)) if said.is_empty() => (name, (*text).to_owned()),
                _ => (name, said),
            }
        };
        Self(FIELDS.map(value).to_vec())
    }

    /// A field.
    pub(super) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// The same with another value in a field.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        if let Some((_, old)) = self.0.iter_mut().find(|(known, _)| *known == name) {
            value.clone_into(old);
        }
    }

    /// All of it, where nobody sees it.
    pub(super) fn hidden(&self) -> Markup {
        html! {
            @for (name, value) in self.0.iter().filter(|(_, value)| !value.is_empty()) {
                input type="hidden" name=(name) value=(value);
            }
        }
    }

    /// Whether something is set that stands among the further settings.
    pub(super) fn is_special(&self) -> bool {
        let special = ["kernel", "ramdisk", "profile", "protect", "tags", "devices"];
        let defaults = DEFAULTS.iter().filter(|(name, _)| *name != "count");
        special.iter().any(|name| !self.get(name).is_empty())
            || defaults.into_iter().any(|(name, text)| self.get(name) != *text)
    }

    fn some(&self, name: &str) -> Option<String> {
        Some(self.get(name).to_owned()).filter(|text| !text.is_empty())
    }

    fn number(&self, name: &'static str, parameter: &str) -> Result<Option<u32>, Wrong> {
        let Some(text) = self.some(name) else { return Ok(None) };
        let why = |_| ApiError::invalid(parameter, format!("'{text}' is no number"));
        text.parse().map(Some).map_err(|error| Wrong::new(name, why(error)))
    }

    /// The user data in base64, and how many bytes it has.
    ///
    /// # Errors
    /// If it is too much, or not what it is said to be.
    pub(super) fn data(&self) -> Result<Option<(String, usize)>, Wrong> {
        let text = self.get("data");
        let packed = match self.get("packed") {
            "yes" => text.to_owned(),
            _ => STANDARD.encode(text),
        };
        let read = UserData::read(&packed);
        let read = read.map_err(|why| Wrong::new("data", ApiError::invalid("UserData", why)))?;
        Ok(read.map(|data| (data.base64().to_owned(), data.bytes().len())))
    }

    fn tags(&self) -> Result<Vec<NewTag>, Wrong> {
        let mut tags = Vec::new();
        let name = self.some("name");
        tags.extend(name.map(|name| NewTag { key: "Name".to_owned(), value: Some(name) }));
        for line in self.get("tags").lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            let (key, value) = (key.trim().to_owned(), Some(value.trim().to_owned()));
            tags.push(NewTag { key, value });
        }
        Ok(tags)
    }

    fn devices(&self) -> Result<Vec<BlockDevice>, Wrong> {
        let mut devices = Vec::new();
        for line in self.get("devices").lines().map(str::trim).filter(|line| !line.is_empty()) {
            let Some((device, what)) = line.split_once('=') else {
                let why = format!("'{line}' is not of the form /dev/sdb=ephemeral0");
                return Err(Wrong::new("devices", ApiError::invalid("BlockDeviceMapping", why)));
            };
            let (device_name, what) = (Some(device.trim().to_owned()), what.trim());
            let (virtual_name, no_device) = match what {
                "none" => (None, Some(String::new())),
                name => (Some(name.to_owned()), None),
            };
            devices.push(BlockDevice { device_name, virtual_name, no_device, ebs: None });
        }
        Ok(devices)
    }

    fn metadata(&self) -> Result<MetadataRequest, Wrong> {
        let hops = self.number("hops", "MetadataOptions.HttpPutResponseHopLimit")?;
        let word = |so: bool, text: &str| so.then(|| text.to_owned());
        Ok(MetadataRequest {
            http_tokens: word(self.get("metadata") == "required", "required"),
            http_endpoint: word(self.get("metadata") == "disabled", "disabled"),
            http_put_response_hop_limit: hops.filter(|hops| *hops != 1).map(i64::from),
            ..MetadataRequest::default()
        })
    }

    /// The launch.
    ///
    /// # Errors
    /// Names the field that cannot be read.
    pub(super) fn ask(&self) -> Result<RunInstances, Wrong> {
        let most = self.number("count", "MaxCount")?;
        let Some(most) = most else {
            return Err(Wrong::new("count", ApiError::missing("MaxCount")));
        };
        let least = self.number("least", "MinCount")?;
        if self.get("image").is_empty() {
            let error = ApiError::missing("ImageId");
            return Err(Wrong { field: None, error });
        }
        let zone = self.some("zone");
        Ok(RunInstances {
            image_id: self.get("image").to_owned(),
            min_count: Some(least.unwrap_or(most)),
            max_count: Some(most),
            key_name: self.some("key"),
            instance_type: self.some("type"),
            kernel_id: self.some("kernel"),
            ramdisk_id: self.some("ramdisk"),
            placement: zone.map(|zone| Placement { availability_zone: Some(zone) }),
            client_token: self.some("token"),
            user_data: self.data()?.map(|(data, _)| data),
            block_device_mapping: self.devices()?,
            metadata_options: self.metadata()?,
            tag_specification: TagSpecification::of("instance", self.tags()?),
            disable_api_termination: (self.get("protect") == "yes").then_some(true),
            instance_initiated_shutdown_behavior: self.some("shutdown"),
            iam_instance_profile: self.some("profile").map(|name| ProfileName::of(&name)),
            ..RunInstances::default()
        })
    }

    /// A name for a new key pair is needed.
    pub(super) fn no_name() -> Wrong {
        Wrong::new(
            "new_key",
            ApiError::new(ErrorCode::MissingParameter, "Give the new key pair a name"),
        )
    }
}

#[cfg(test)]
mod tests {
    use common::sign::write_query;

    use super::*;

    fn draft(fields: &[(&str, &str)]) -> Draft {
        Draft::read(&Fields::read(&write_query(fields)), "t")
    }

    #[test]
    fn a_form_becomes_a_launch() {
        let ask = draft(&[
            ("image", "emi-1"),
            ("name", "web"),
            ("type", "m1.large"),
            ("count", "3"),
            ("least", "2"),
            ("data", "#!/bin/sh\r\necho\r\n"),
            ("metadata", "required"),
            ("tags", "a=b=c\r\n\r\nd"),
            ("devices", "/dev/sdb=ephemeral0\r\n/dev/sdc = none"),
            ("protect", "yes"),
        ]);
        assert!(ask.is_special());
        let ask = ask.ask().unwrap();
        assert_eq!((ask.min_count, ask.max_count), (Some(2), Some(3)));
        assert_eq!(ask.user_data.unwrap(), STANDARD.encode("#!/bin/sh\necho\n"));
        assert_eq!(ask.client_token.as_deref(), Some("t"));
        assert_eq!(ask.metadata_options.http_tokens.as_deref(), Some("required"));
        assert_eq!(ask.metadata_options.http_put_response_hop_limit, None);
        let tags: Vec<_> =
            ask.tag_specification[0].tag.iter().map(|tag| tag.key.as_str()).collect();
        assert_eq!(tags, ["Name", "a", "d"]);
        assert_eq!(ask.tag_specification[0].tag[1].value.as_deref(), Some("b=c"));
        assert_eq!(ask.block_device_mapping[0].virtual_name.as_deref(), Some("ephemeral0"));
        assert!(ask.block_device_mapping[1].no_device.is_some());
        assert_eq!(ask.disable_api_termination, Some(true));
    }

    #[test]
    fn what_nobody_touched_is_what_a_launch_has_by_itself() {
        let fresh = draft(&[("image", "emi-1")]);
        assert!(!fresh.is_special());
        let ask = fresh.ask().unwrap();
        assert_eq!((ask.min_count, ask.max_count, ask.user_data), (Some(1), Some(1), None));
        assert!(ask.metadata_options.is_empty() && ask.tag_specification.is_empty());
        // What was emptied by hand stays empty.
        let emptied = draft(&[("image", "emi-1"), ("token", "x"), ("count", "")]);
        assert_eq!(emptied.ask().unwrap_err().field, Some("count"));
    }

    #[test]
    fn what_is_wrong_is_told_of_its_field() {
        let large = "x".repeat(16_385);
        for (fields, field) in [
            ([("count", "many")], "count"),
            ([("least", "-1")], "least"),
            ([("data", large.as_str())], "data"),
            ([("devices", "sdb")], "devices"),
            ([("hops", "far")], "hops"),
        ] {
            let all: Vec<_> = [("image", "emi-1")].into_iter().chain(fields).collect();
            assert_eq!(draft(&all).ask().unwrap_err().field, Some(field));
        }
        let packed = draft(&[("image", "emi-1"), ("data", "no base64!"), ("packed", "yes")]);
        assert_eq!(packed.ask().unwrap_err().field, Some("data"));
        for (text, field) in [
            ("The key pair 'x' does not exist", Some("key")),
            ("There is not enough room: 2 instances of this type are needed", Some("count")),
            (
                "The account may have at most 1 instances (ec2:quota-vminstancenumber)",
                Some("count"),
            ),
            ("The account may have at most 1 GiB of disk (ec2:quota-disktotalsize)", Some("type")),
            ("Something else", None),
        ] {
            let error = ApiError::new(ErrorCode::InvalidParameterValue, text);
            assert_eq!(Wrong::of(error).field, field, "{text}");
        }
    }
}
