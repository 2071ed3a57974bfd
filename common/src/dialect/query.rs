//! The query dialect of EC2, IAM and STS: `X.1.Name=a` as a tree, and serde over it.
//!
//! Lists are `X.1`, `X.2`… or `X.member.1`, and `X` alone is a list of one; order is by number, gaps
//! are fine. An empty value is
//! an absent one: old clients send `Placement.AvailabilityZone=`. A parameter that cannot be used
//! is named in the error as the caller wrote it, `BlockDeviceMapping.2.Ebs.VolumeSize`.

mod decode;
mod encode;
mod tree;

pub use decode::Unusable;
pub use encode::encode;
pub use tree::Node;

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::error::ErrorCode;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Sample {
        image_id: String,
        #[serde(default)]
        min_count: Option<u32>,
        #[serde(default, rename = "InstanceId")]
        ids: Vec<String>,
        #[serde(default)]
        placement: Option<Place>,
        #[serde(default)]
        block_device_mapping: Vec<Mapping>,
        #[serde(default)]
        kind: Option<Kind>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Place {
        #[serde(default)]
        availability_zone: Option<String>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Mapping {
        device_name: String,
        #[serde(default)]
        no_device: bool,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        One,
        Two,
    }

    fn tree(pairs: &[(&str, &str)]) -> Node {
        Node::from_pairs(pairs.iter().copied()).unwrap()
    }

    #[test]
    fn all_shapes_are_read() {
        let node = tree(&[
            ("ImageId", "emi-1"),
            ("MinCount", "3"),
            ("InstanceId.2", "b"),
            ("InstanceId.10", "c"),
            ("InstanceId.1", "a"),
            ("Placement.AvailabilityZone", "z"),
            ("BlockDeviceMapping.member.1.DeviceName", "sda"),
            ("BlockDeviceMapping.member.1.NoDevice", "true"),
            ("Kind", "two"),
            ("Unknown.1.Thing", "ignored"),
        ]);
        let sample: Sample = node.decode().unwrap();
        assert_eq!(sample.ids, ["a", "b", "c"]);
        assert_eq!(sample.min_count, Some(3));
        assert_eq!(sample.placement.unwrap().availability_zone.as_deref(), Some("z"));
        assert!(sample.block_device_mapping[0].no_device);
        assert_eq!(sample.kind, Some(Kind::Two));
    }

    #[test]
    fn a_list_of_one_is_its_one_value() {
        assert_eq!(tree(&[("ImageId.1", "x")]).decode::<Sample>().unwrap().image_id, "x");
        let ids = |pairs: &[(&str, &str)]| tree(pairs).decode::<Sample>().map(|sample| sample.ids);
        assert_eq!(ids(&[("ImageId", "x"), ("InstanceId", "v")]).unwrap(), ["v"]);
        let error =
            ids(&[("ImageId", "x"), ("InstanceId", "v"), ("InstanceId.2", "w")]).unwrap_err();
        assert!(error.text().contains("InstanceId"), "{error}");
        let error = tree(&[("ImageId", "x"), ("BlockDeviceMapping", "v")]).decode::<Sample>();
        assert!(error.unwrap_err().text().contains("BlockDeviceMapping"));
    }

    #[test]
    fn an_empty_value_is_an_absent_one() {
        let node =
            tree(&[("ImageId", "emi-1"), ("Placement.AvailabilityZone", ""), ("MinCount", "")]);
        let sample: Sample = node.decode().unwrap();
        assert_eq!((sample.placement, sample.min_count), (None, None));
    }

    #[test]
    fn a_field_may_tell_an_empty_value_from_none() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Heeding {
            #[serde(default, rename(serialize = "Value", deserialize = "Value?"))]
            value: Option<String>,
            #[serde(default, rename(serialize = "Many", deserialize = "Many?"))]
            many: Vec<String>,
            #[serde(default, rename = "Plain")]
            plain: Option<String>,
        }
        let read = |pairs: &[(&str, &str)]| tree(pairs).decode::<Heeding>().unwrap();
        let empty = read(&[("Value", ""), ("Plain", ""), ("Many.2", ""), ("Many.1", "a")]);
        assert_eq!((empty.value.as_deref(), empty.plain), (Some(""), None));
        assert_eq!(empty.many, ["a", ""]);
        assert_eq!(read(&[("Many.1", "")]).many, [""]);
        let given = read(&[("Value", "x"), ("Many.1", "b")]);
        assert_eq!((given.value.as_deref(), given.many.len()), (Some("x"), 1));
        assert_eq!(read(&[]).value, None);
        assert_eq!(encode(&empty_heeding()).unwrap(), [("Value".to_owned(), String::new())]);
        let wrong = tree(&[("Many", "x"), ("Many.1", "y")]).decode::<Heeding>().unwrap_err();
        assert!(wrong.text().contains("Many:"), "{wrong}");

        fn empty_heeding() -> Heeding {
            Heeding { value: Some(String::new()), many: Vec::new(), plain: None }
        }
    }

    #[test]
    fn errors_name_the_parameter_as_the_caller_wrote_it() {
        for (pairs, code, name) in [
            (vec![], ErrorCode::MissingParameter, "ImageId"),
            (
                vec![("ImageId", "x"), ("MinCount", "-1")],
                ErrorCode::InvalidParameterValue,
                "MinCount",
            ),
            (
                vec![("ImageId", "x"), ("BlockDeviceMapping.2.NoDevice", "true")],
                ErrorCode::MissingParameter,
                "BlockDeviceMapping.2.DeviceName",
            ),
            (
                vec![
                    ("ImageId", "x"),
                    ("BlockDeviceMapping.1.DeviceName", "s"),
                    ("BlockDeviceMapping.1.NoDevice", "perhaps"),
                ],
                ErrorCode::InvalidParameterValue,
                "BlockDeviceMapping.1.NoDevice",
            ),
            (
                vec![("ImageId.1", "x"), ("ImageId.2", "y")],
                ErrorCode::InvalidParameterValue,
                "ImageId",
            ),
            (
                vec![("ImageId", "x"), ("InstanceId", "i"), ("InstanceId.1", "j")],
                ErrorCode::InvalidParameterValue,
                "InstanceId",
            ),
            (vec![("ImageId", "x"), ("Kind", "three")], ErrorCode::InvalidParameterValue, "Kind"),
        ] {
            let error = tree(&pairs).decode::<Sample>().unwrap_err();
            assert_eq!(error.code(), code, "{error}");
            assert!(error.text().contains(name), "{error}");
        }
    }

    #[test]
    fn a_name_given_twice_or_nested_without_end_is_refused() {
        assert!(Node::from_pairs([("A", "1"), ("A", "2")]).is_err());
        let deep = "A.".repeat(50) + "B";
        assert!(Node::from_pairs([(deep.as_str(), "1")]).is_err());
    }

    #[test]
    fn what_is_encoded_is_decoded_again() {
        let sample = Sample {
            image_id: "emi-1".into(),
            min_count: Some(2),
            ids: vec!["a".into(), "b".into()],
            placement: Some(Place { availability_zone: Some("z".into()) }),
            block_device_mapping: vec![Mapping { device_name: "sda".into(), no_device: true }],
            kind: Some(Kind::One),
        };
        let pairs = encode(&sample).unwrap();
        let back: Sample = Node::from_pairs(pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())))
            .unwrap()
            .decode()
            .unwrap();
        assert_eq!(back, sample);
    }

    #[test]
    fn odd_names_and_numbers_are_refused_or_passed_over() {
        let odd = |name| tree(&[("ImageId", "x"), (name, "v")]).decode::<Sample>();
        for name in ["", ".", ".1", "..", "Other..Y", "ImageId.", "ä.1", "+"] {
            assert!(odd(name).is_ok(), "{name}");
        }
        for name in [
            "InstanceId.",
            "InstanceId..1",
            "InstanceId.x",
            "InstanceId.-1",
            "InstanceId.99999999999",
            "InstanceId.1.2",
            "InstanceId.member",
            "InstanceId.member.x",
        ] {
            let error = odd(name).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidParameterValue, "{name}");
            assert!(error.text().contains("InstanceId"), "{name}: {error}");
        }
        assert_eq!(odd("InstanceId.4294967295").unwrap().ids, ["v"]);
        let both = [("ImageId", "x"), ("InstanceId.member.1", "a"), ("InstanceId.2", "b")];
        assert!(tree(&both).decode::<Sample>().is_err());
    }
}
