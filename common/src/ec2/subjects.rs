//! What EC2's actions are done to, and what their requests say that conditions may ask for: as
//! AWS's reference has them, as far as they mean something here.
//!
//! Ids stand here as they were sent, in lower case: whether there is such a thing, and whether the
//! id is one at all, is found out by the action itself. What does not exist yet is `KIND/*`.

use crate::iam::{Context, Resource, Subject};
use crate::id::{InstanceId, KernelId, KeyPairId, MachineImageId, RamdiskId};

/// Policies' name of instances.
const INSTANCE: &str = "instance";
/// Policies' name of key pairs.
const KEY_PAIR: &str = "key-pair";
/// What stands for the instance of an association with an instance profile.
pub const ASSOCIATION: &str = "association";

/// An instance that there is.
pub fn instance(id: &str) -> Subject {
    Subject::ec2(INSTANCE, [id])
}

/// Instances that there are; each must be allowed.
pub fn instances(ids: &[String]) -> Subject {
    Subject::ec2(INSTANCE, ids.iter().map(String::as_str))
}

/// The instance that has an instance profile by the association of that id; found by whoever knows
/// the records.
pub fn associated(id: &str) -> Subject {
    Subject::ec2(ASSOCIATION, [id])
}

/// An attribute of an instance, and what it becomes if that is said and is no secret.
pub fn attribute(name: Option<&str>, value: Option<&str>) -> Context {
    let Some(name) = name else { return Context::new() };
    let mut letters = name.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    let name: String = first.into_iter().chain(letters).collect();
    let value = value.filter(|_| name != "UserData");
    Context::new().with_some(&format!("ec2:Attribute/{name}"), value).with("ec2:Attribute", name)
}

/// An image that there is.
pub fn image(id: &str) -> Subject {
    Subject::of([image_named(id)])
}

/// An image that is about to be.
pub fn new_image(tags: Context) -> Subject {
    let image = Context::new().with("ec2:RootDeviceType", "instance-store");
    Subject::default().and_known(Resource::Image("*".to_owned()), image.and(&tags))
}

/// An image as a resource.
pub fn image_named(id: &str) -> Resource {
    Resource::Image(id.to_ascii_lowercase())
}

/// A key pair that there is or is about to be; its name is any text.
pub fn key_pair(name: &str) -> Resource {
    Resource::Ec2(KEY_PAIR, name.to_owned())
}

/// A key pair by its id.
pub fn key_pair_of_id(id: &str) -> Resource {
    Resource::KeyPair(id.to_ascii_lowercase())
}

/// What is about to be launched, of which the request says this.
pub fn new_instance(said: Context) -> Subject {
    Subject::default().and_known(Resource::Ec2(INSTANCE, "*".to_owned()), said)
}

/// The resource of an id that may be tagged, by what the id begins with. An id that begins with
/// nothing that is known stands for everything.
pub fn tagged(id: &str) -> Resource {
    let lower = id.to_ascii_lowercase();
    let begins = |prefix: &str| lower.starts_with(prefix);
    if begins(InstanceId::PREFIX) {
        Resource::Ec2(INSTANCE, lower)
    } else if [MachineImageId::PREFIX, KernelId::PREFIX, RamdiskId::PREFIX].into_iter().any(begins)
    {
        Resource::Image(lower)
    } else if begins(KeyPairId::PREFIX) {
        Resource::KeyPair(lower)
    } else {
        Resource::Arn("*".to_owned())
    }
}

/// What tags in a request say: `aws:RequestTag/KEY` and `aws:TagKeys`. Nothing if there are none.
pub fn request_tags<'a>(tags: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Context {
    let (mut context, mut keys) = (Context::new(), Vec::new());
    for (key, value) in tags {
        context = context.with(&format!("aws:RequestTag/{key}"), value.unwrap_or_default());
        keys.push(key.to_owned());
    }
    if keys.is_empty() { context } else { context.with_all("aws:TagKeys", keys) }
}

/// A request that makes something with these tags also sets them: `ec2:CreateTags` on what is made.
/// `action` is what makes it.
pub fn with_tags(subject: Subject, made: Resource, action: &str, tags: &Context) -> Subject {
    if tags.is_empty() {
        return subject;
    }
    let said = tags.clone().with("ec2:CreateAction", action);
    subject.also("ec2:CreateTags", Subject::of([made]).when(said))
}

/// An object of S3 that is read or written on the way, by `BUCKET/KEY`.
pub fn object(location: &str) -> Subject {
    let (bucket, key) = location.trim_start_matches('/').split_once('/').unwrap_or((location, ""));
    Subject::of([Resource::Object(bucket.to_owned(), key.to_owned())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tagged_is_known_by_its_id() {
        let known = [
            ("i-0123ABCD", Resource::Ec2(INSTANCE, "i-0123abcd".into())),
            ("EMI-1", Resource::Image("emi-1".into())),
            ("eki-1", Resource::Image("eki-1".into())),
            ("eri-1", Resource::Image("eri-1".into())),
            ("key-1", Resource::KeyPair("key-1".into())),
            ("vol-1", Resource::Arn("*".into())),
            ("", Resource::Arn("*".into())),
        ];
        for (id, resource) in known {
            assert_eq!(tagged(id), resource, "{id}");
        }
    }

    #[test]
    fn tags_and_attributes_are_told_as_aws_names_them() {
        let context = request_tags([("Owner", Some("taro")), ("x", None)]);
        let get = |context: &Context, key: &str| context.get(key).map(<[String]>::to_vec);
        assert_eq!(get(&context, "aws:requesttag/owner"), Some(vec!["taro".into()]));
        assert_eq!(get(&context, "aws:requesttag/x"), Some(vec![String::new()]));
        assert_eq!(get(&context, "aws:tagkeys"), Some(vec!["Owner".into(), "x".into()]));
        assert!(request_tags([]).is_empty());

        let change = attribute(Some("instanceType"), Some("m1.large"));
        assert_eq!(get(&change, "ec2:attribute"), Some(vec!["InstanceType".into()]));
        assert_eq!(get(&change, "ec2:attribute/instancetype"), Some(vec!["m1.large".into()]));
        let secret = attribute(Some("userData"), Some("c2VjcmV0"));
        assert_eq!(get(&secret, "ec2:attribute/userdata"), None);
        assert!(attribute(None, Some("x")).is_empty());
    }

    #[test]
    fn whoever_makes_something_with_tags_sets_tags() {
        let tags = request_tags([("a", Some("b"))]);
        let made = || Resource::Ec2(INSTANCE, "*".into());
        let subject = with_tags(new_instance(tags.clone()), made(), "RunInstances", &tags);
        let (action, further) = &subject.further[0];
        assert_eq!((*action, &further.resources[..]), ("ec2:CreateTags", &[made()][..]));
        assert_eq!(further.context.get("ec2:createaction").unwrap(), ["RunInstances"]);
        let none = with_tags(new_instance(Context::new()), made(), "RunInstances", &Context::new());
        assert!(none.further.is_empty());
        let object = object("/b/k/l").resources.remove(0);
        assert_eq!(object, Resource::Object("b".into(), "k/l".into()));
    }
}
