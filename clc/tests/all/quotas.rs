//! Limits that policies set on EC2 and IAM hold also for those who ask at the same time; and who is
//! an administrator of the cloud is a permission like others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use common::ec2::instances::RunInstances;
use common::ec2::zones::DescribeAvailabilityZones;
use common::id::ImageId;
use common::wire::quota::{Limits, QuotaView, Scope, SetDefaultLimits, SetQuota, Used};
use common::wire::walrus::Walrus;
use runtime::dispatcher::Dispatcher;

use crate::iam_users::with_key;
use crate::world::{User, WalrusState, World, code, world};

/// What the walrus of a test was told of quotas.
#[derive(Default)]
pub(crate) struct Quotas {
    /// Those for everybody.
    pub(crate) defaults: SetDefaultLimits,
    /// Those that were set, by whose they are.
    own: BTreeMap<Scope, Limits>,
}

/// Adds what the walrus of a test answers about quotas of S3.
pub(crate) fn answer(
    to: Dispatcher<Walrus>,
    state: &Arc<Mutex<WalrusState>>,
) -> Dispatcher<Walrus> {
    let (owned, defaults) = (Arc::clone(state), Arc::clone(state));
    to.with(move |ask: SetQuota| {
        let mut state = owned.lock().unwrap();
        let used = Used { buckets: state.buckets, ..Used::default() };
        let set = state.quotas.own.entry(ask.scope.clone()).or_default();
        let Limits { bytes, objects, buckets } = *set;
        *set = Limits {
            bytes: ask.bytes.unwrap_or(bytes),
            objects: ask.objects.unwrap_or(objects),
            buckets: ask.buckets.unwrap_or(buckets),
        };
        let (set, holds) = (*set, *set);
        async move { Ok(QuotaView { scope: ask.scope, used, set, holds }) }
    })
    .with(move |ask: SetDefaultLimits| {
        let news = std::mem::replace(&mut defaults.lock().unwrap().quotas.defaults, ask) != ask;
        async move { Ok(news) }
    })
}

/// Lets a user do everything but for these statements.
async fn policy(world: &World, owner: &User, name: &str, statements: &str) {
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"*","Resource":"*"}},{statements}]}}"#
    );
    let parameters = [("UserName", name), ("PolicyName", "p"), ("PolicyDocument", &*document)];
    world.iam(owner, "PutUserPolicy", &parameters).await.unwrap();
}

fn limit(action: &str, key: &str, most: u32) -> String {
    format!(
        r#"{{"Effect":"Limit","Action":"{action}","Resource":"*","Condition":{{"NumericLessThanEquals":{{"{key}":"{most}"}}}}}}"#
    )
}

/// A launch that is no other's repetition.
fn launch(image: &ImageId, token: &str, most: u32) -> RunInstances {
    RunInstances {
        image_id: image.to_string(),
        min_count: Some(1),
        max_count: Some(most),
        client_token: Some(token.to_owned()),
        ..RunInstances::default()
    }
}

#[test]
fn launches_at_the_same_time_never_exceed_a_limit_together() {
    world(&[64], |world| async move {
        let image = world.bootable().await;
        let worker = with_key(&world, &world.admin, "worker").await;
        let quota = limit("ec2:RunInstances", "ec2:quota-vminstancenumber", 3);
        policy(&world, &world.admin, "worker", &quota).await;
        let ask = |number: u32| {
            let (world, worker, launch) = (&world, &worker, launch(&image, &number.to_string(), 1));
            async move { world.call(worker, &launch).await }
        };
        let answers = futures_util::future::join_all((0..8).map(ask)).await;
        let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!((made.len(), refused.len()), (3, 5));
        for refused in refused {
            assert_eq!(code(refused), "InstanceLimitExceeded");
        }
        // The owner is not limited, and what the owner runs is not the user's.
        world.call(&world.admin, &launch(&image, "owner", 1)).await.unwrap();
        let four = limit("ec2:RunInstances", "ec2:quota-vminstancenumber", 5);
        policy(&world, &world.admin, "worker", &four).await;
        let made = world.call(&worker, &launch(&image, "many", 9)).await.unwrap();
        assert_eq!(made.instances_set.item.len(), 2);
    });
}

#[test]
fn an_account_has_as_many_users_as_a_limit_says() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        let worker = with_key(&world, &taro, "worker").await;
        policy(&world, &taro, "worker", &limit("iam:CreateUser", "iam:quota-usernumber", 4)).await;
        let make = |name: String| {
            let (world, worker) = (&world, &worker);
            async move { world.iam(worker, "CreateUser", &[("UserName", name.as_str())]).await }
        };
        let names = (0..6).map(|number| format!("user{number}"));
        let answers = futures_util::future::join_all(names.map(make)).await;
        let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        // With the owner and the worker.
        assert_eq!((made.len(), refused.len()), (2, 4));
        for refused in refused {
            assert_eq!(code(refused), "LimitExceeded");
        }
    });
}

#[test]
fn an_administrator_of_the_cloud_is_one_until_a_policy_says_otherwise() {
    world(&[4], |world| async move {
        let deputy = with_key(&world, &world.admin, "deputy").await;
        let taro = world.user("taro").await;
        let verbose = DescribeAvailabilityZones {
            zone_name: vec!["verbose".into()],
            ..DescribeAvailabilityZones::default()
        };
        world.call(&deputy, &verbose).await.unwrap();
        assert_eq!(code(world.call(&taro, &verbose).await), "OperationNotPermitted");
        let no = r#"{"Effect":"Deny","Action":"eucalypt:Administer","Resource":"*"}"#;
        policy(&world, &world.admin, "deputy", no).await;
        assert_eq!(code(world.call(&deputy, &verbose).await), "OperationNotPermitted");
        // Nor in another account.
        let other = [("DelegateAccount", "taro")];
        assert_eq!(code(world.iam(&deputy, "ListUsers", &other).await), "AccessDenied");
        world.iam(&world.admin, "ListUsers", &other).await.unwrap();
        // Where the request comes from counts.
        let elsewhere = r#"{"Effect":"Deny","Action":"eucalypt:*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"127.0.0.0/8"}}}"#;
        policy(&world, &world.admin, "deputy", elsewhere).await;
        world.call(&deputy, &verbose).await.unwrap();
        let everything = r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#;
        policy(&world, &world.admin, "deputy", everything).await;
        assert_eq!(code(world.call(&deputy, &verbose).await), "UnauthorizedOperation");
    });
}
