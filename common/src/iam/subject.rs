//! What an action is done to, as policies name it.

use super::arn::PARTITION;
use super::context::Context;
use crate::id::AccountId;

/// A resource, of which account and region may be those of the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// Of EC2's, the caller's own: kind (`instance`) and id, or `*` for what does not exist yet.
    Ec2(&'static str, String),
    /// An image: of no account in its name.
    Image(String),
    /// A bucket.
    Bucket(String),
    /// An object.
    Object(String, String),
    /// Of IAM's: kind (`user`) and name. The path is found by whoever knows the records.
    Iam(&'static str, String),
    /// Named by its whole ARN.
    Arn(String),
}

impl Resource {
    /// The name by which policies know it. `path` is that of an IAM resource, `/` for the others.
    pub fn arn(&self, region: &str, account: &AccountId, path: &str) -> String {
        let head = format!("arn:{PARTITION}");
        match self {
            Self::Ec2(kind, id) => format!("{head}:ec2:{region}:{account}:{kind}/{id}"),
            Self::Image(id) => format!("{head}:ec2:{region}::image/{id}"),
            Self::Bucket(bucket) => format!("{head}:s3:::{bucket}"),
            Self::Object(bucket, key) => format!("{head}:s3:::{bucket}/{key}"),
            Self::Iam(kind, name) => format!("{head}:iam::{account}:{kind}{path}{name}"),
            Self::Arn(arn) => arn.clone(),
        }
    }
}

/// All that an action is done to. Each of the resources must be allowed; none at all is `*`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The resources.
    pub resources: Vec<Resource>,
    /// What the request says that conditions may ask for.
    pub context: Context,
}

impl Subject {
    /// No resource of its own: `*`.
    pub fn any() -> Self {
        Self::default()
    }

    /// These resources.
    pub fn of(resources: impl IntoIterator<Item = Resource>) -> Self {
        Self { resources: resources.into_iter().collect(), context: Context::new() }
    }

    /// Resources of EC2's of one kind by their ids.
    pub fn ec2<'a>(kind: &'static str, ids: impl IntoIterator<Item = &'a str>) -> Self {
        Self::of(ids.into_iter().map(|id| Resource::Ec2(kind, id.to_ascii_lowercase())))
    }

    /// A resource of IAM's by its name.
    pub fn iam(kind: &'static str, name: &str) -> Self {
        Self::of([Resource::Iam(kind, name.to_owned())])
    }

    /// And one more.
    #[must_use]
    pub fn and(mut self, resource: Resource) -> Self {
        self.resources.push(resource);
        self
    }

    /// With what conditions may ask for.
    #[must_use]
    pub fn when(self, context: Context) -> Self {
        Self { context: self.context.and(&context), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_named_as_policies_name_them() {
        let account: AccountId = "123456789012".parse().unwrap();
        let named = |resource: Resource| resource.arn("r1", &account, "/a/");
        let expected = [
            (Resource::Ec2("instance", "i-1".into()), "arn:aws:ec2:r1:123456789012:instance/i-1"),
            (Resource::Image("emi-1".into()), "arn:aws:ec2:r1::image/emi-1"),
            (Resource::Bucket("b".into()), "arn:aws:s3:::b"),
            (Resource::Object("b".into(), "k/l".into()), "arn:aws:s3:::b/k/l"),
            (Resource::Iam("user", "taro".into()), "arn:aws:iam::123456789012:user/a/taro"),
            (Resource::Arn("*".into()), "*"),
        ];
        for (resource, arn) in expected {
            assert_eq!(named(resource), arn);
        }
    }
}
