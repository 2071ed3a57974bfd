//! Metadata options: given at a launch, changed later, carried to the node, shown.

use common::ec2::instances::{RunInstances, TerminateInstances};
use common::ec2::metadata_options::{MetadataRequest, ModifyInstanceMetadataOptions};
use common::id::InstanceId;
use common::wire::spec::MetadataOptions;

use crate::instances::launch;
use crate::world::{code, until, world};

fn modify(id: &InstanceId) -> ModifyInstanceMetadataOptions {
    ModifyInstanceMetadataOptions {
        instance_id: id.to_string(),
        http_tokens: None,
        http_put_response_hop_limit: None,
        http_endpoint: None,
        http_protocol_ipv6: None,
        instance_metadata_tags: None,
    }
}

#[test]
fn options_are_launched_with_changed_and_kept() {
    world(&[4], |mut world| async move {
        let image = world.bootable().await;
        let plain = world.run(&world.admin, &launch(&image)).await.remove(0);
        let asked = MetadataRequest {
            http_tokens: Some("required".into()),
            http_put_response_hop_limit: Some(3),
            ..MetadataRequest::default()
        };
        let ask = RunInstances { metadata_options: asked, ..launch(&image) };
        let strict = world.run(&world.admin, &ask).await.remove(0);
        for id in [&plain, &strict] {
            world.instance_is(&world.admin, id, "running").await;
        }
        let runs = world.nodes[0].runs();
        let sent = |id: &InstanceId| {
            let run = runs.iter().find(|run| run.spec.instance == *id).unwrap();
            run.spec.metadata.options
        };
        assert_eq!(sent(&plain), MetadataOptions::default());
        let wanted =
            MetadataOptions { tokens_required: true, hop_limit: 3, ..MetadataOptions::default() };
        assert_eq!(sent(&strict), wanted);
        let shown = world.described(&world.admin, &[strict.as_str()]).await.remove(0);
        let shown = shown.metadata_options.unwrap();
        assert_eq!((&*shown.state, &*shown.http_tokens), ("applied", "required"));
        assert_eq!((shown.http_put_response_hop_limit, &*shown.http_endpoint), (3, "enabled"));

        // A change goes to a running instance as soon as its node answers, and not before.
        world.nodes[0].change(|node| node.away = true);
        let ask = ModifyInstanceMetadataOptions {
            http_endpoint: Some("disabled".into()),
            ..modify(&strict)
        };
        let told = world.call(&world.admin, &ask).await.unwrap();
        assert_eq!(told.instance_id, strict.to_string());
        let now = told.instance_metadata_options;
        assert_eq!((&*now.state, &*now.http_endpoint), ("pending", "disabled"));
        assert_eq!((&*now.http_tokens, now.http_put_response_hop_limit), ("required", 3));
        world.restart().await;
        world.nodes[0].change(|node| node.away = false);
        until("the node has them", || async {
            let shown = world.described(&world.admin, &[strict.as_str()]).await.remove(0);
            (shown.metadata_options.unwrap().state == "applied").then_some(())
        })
        .await;
        world.nodes[0].change(|node| {
            let last = node.options.last().unwrap();
            assert_eq!(*last, MetadataOptions { revision: 1, enabled: false, ..wanted });
        });
        // What is so already changes nothing.
        let again = world.call(&world.admin, &ask).await.unwrap();
        assert_eq!(again.instance_metadata_options.state, "applied");
    });
}

#[test]
fn what_cannot_be_heeded_is_refused_by_name() {
    world(&[2], |world| async move {
        let image = world.bootable().await;
        let taro = world.user("taro").await;
        let id = world.run(&world.admin, &launch(&image)).await.remove(0);
        let with = |change: fn(&mut ModifyInstanceMetadataOptions)| {
            let mut ask = modify(&id);
            change(&mut ask);
            ask
        };
        for (ask, expected) in [
            (with(|_| {}), "MissingParameter"),
            (with(|it| it.http_tokens = Some("maybe".into())), "InvalidParameterValue"),
            (with(|it| it.http_put_response_hop_limit = Some(65)), "InvalidParameterValue"),
            (with(|it| it.http_protocol_ipv6 = Some("enabled".into())), "UnsupportedOperation"),
            (with(|it| it.instance_id = "i-00000000".into()), "MissingParameter"),
            (
                ModifyInstanceMetadataOptions {
                    instance_id: "i-00000000".into(),
                    ..with(|it| it.http_tokens = Some("required".into()))
                },
                "InvalidInstanceID.NotFound",
            ),
        ] {
            assert_eq!(code(world.call(&world.admin, &ask).await), expected, "{ask:?}");
        }
        let ask = with(|it| it.http_tokens = Some("required".into()));
        assert_eq!(code(world.call(&taro, &ask).await), "InvalidInstanceID.NotFound");
        let pairs = [
            ("Action", "RunInstances"),
            ("ImageId", image.as_str()),
            ("MetadataOptions.HttpPutResponseHopLimit", "0"),
        ];
        let (code_, text) = world.raw(&world.admin, &pairs).await.unwrap_err();
        assert_eq!(code_, "InvalidParameterValue");
        assert!(text.contains("MetadataOptions.HttpPutResponseHopLimit"), "{text}");

        let end = TerminateInstances { instance_id: vec![id.to_string()] };
        world.call(&world.admin, &end).await.unwrap();
        assert_eq!(code(world.call(&world.admin, &ask).await), "IncorrectInstanceState");
    });
}
