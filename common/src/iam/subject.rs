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
    /// A key pair by its id, `key-…`. Policies know it by its name, which is found by whoever knows
    /// the records.
    KeyPair(String),
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
            Self::KeyPair(id) => format!("{head}:ec2:{region}:{account}:key-pair/{id}"),
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
    /// What it says of single resources besides, by their place among `resources`.
    pub own: Vec<(usize, Context)>,
    /// Further actions that the request does, which must be allowed as well: `ec2:CreateTags` of a
    /// launch with tags.
    pub further: Vec<(&'static str, Subject)>,
}

impl Subject {
    /// No resource of its own: `*`.
    pub fn any() -> Self {
        Self::default()
    }

    /// These resources.
    pub fn of(resources: impl IntoIterator<Item = Resource>) -> Self {
        Self { resources: resources.into_iter().collect(), ..Self::default() }
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

    /// And one more, of which the request says this.
    #[must_use]
    pub fn and_known(mut self, resource: Resource, context: Context) -> Self {
        self.own.push((self.resources.len(), context));
        self.and(resource)
    }

    /// And does this, too.
    #[must_use]
    pub fn also(mut self, action: &'static str, subject: Self) -> Self {
        self.further.push((action, subject));
        self
    }

    /// All that a request does, this first: `action`, and what it does on the way.
    pub fn steps<'a>(&'a self, action: &'a str) -> Vec<(&'a str, &'a Self)> {
        let mut steps = vec![(action, self)];
        for (further, subject) in &self.further {
            steps.extend(subject.steps(further));
        }
        steps
    }

    /// What the request says that conditions about the resource at that place may ask for.
    pub fn context_of(&self, place: usize) -> Context {
        let own = self.own.iter().filter(|(at, _)| *at == place);
        own.fold(self.context.clone(), |all, (_, context)| all.and(context))
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
            (Resource::KeyPair("key-1".into()), "arn:aws:ec2:r1:123456789012:key-pair/key-1"),
            (Resource::Arn("*".into()), "*"),
        ];
        for (resource, arn) in expected {
            assert_eq!(named(resource), arn);
        }
    }

    #[test]
    fn what_is_said_of_one_resource_is_not_said_of_the_others() {
        let subject = Subject::of([Resource::Image("emi-1".into())])
            .and_known(Resource::Ec2("instance", "*".into()), Context::new().with("k", "own"))
            .when(Context::new().with("all", "x").with("k", "shared"));
        let told = |place| {
            let context = subject.context_of(place);
            let get = |key| context.get(key).map(|values| values[0].clone());
            (get("all").unwrap(), get("k").unwrap())
        };
        assert_eq!(told(0), ("x".to_owned(), "shared".to_owned()));
        assert_eq!(told(1), ("x".to_owned(), "own".to_owned()));
    }
}
