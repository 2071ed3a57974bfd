//! The cloud's own pages: settings, what lies in the cache, instance types, nodes.

use common::ec2::instances::RunInstances;
use common::wire::cached::{HeldImage, HeldState};

use crate::browser::Browser;
use crate::console::{recorded, signed_in};
use crate::console_admin_people::administrator;
use crate::instances::launch;
use crate::world::{World, code, texts, until, world};

const CONFIGURATION: &str = "/cloud/configuration";

async fn save(
    browser: &mut Browser,
    block: &str,
    fields: &[(&str, &str)],
) -> crate::browser::Shown {
    browser.submit(CONFIGURATION, &format!("{CONFIGURATION}/{block}"), fields).await
}

#[test]
fn no_value_that_breaks_its_rule_is_taken_and_a_block_is_saved_whole() {
    world(&[4], |world| async move {
        let mut admin = administrator(&world).await;
        for (block, name, value) in [
            ("cloud", "cloud.public_host", "a b"),
            ("cloud", "cloud.default_kernel", "eki-00000000"),
            ("cloud", "cloud.default_ramdisk", "nonsense"),
            ("cloud", "cloud.default_image_visibility", "secret"),
            ("cloud", "cloud.allow_unsigned_manifests", "perhaps"),
            ("cloud", "cloud.image_bucket", "all-in-one"),
            ("walrus", "walrus.storagemaxcachesizeinmb", "0"),
            ("walrus", "walrus.storagemaxcachesizeinmb", "<script>"),
            ("people", "people.signup_address", "nobody"),
            ("people", "people.reply_address", "@"),
            ("people", "people.cloud_name", "a\u{2028}b"),
            ("people", "people.language", "fr"),
            ("people", "people.confirm_hours", "0"),
            ("people", "people.recover_minutes", "4"),
            ("limits", "console.session_idle_minutes", "1441"),
            ("limits", "console.session_hours", "-1"),
            ("limits", "console.reauthenticate_minutes", "1441"),
            ("limits", "console.pages_per_minute", "9"),
            ("limits", "console.changes_per_minute", "9"),
            ("limits", "console.sign_ins_per_minute", "0"),
            ("limits", "console.streams_per_minute", "9"),
            ("limits", "authentication.access_keys_limit", "101"),
            ("limits", "authentication.signing_certificates_limit", ""),
        ] {
            let shown = save(&mut admin, block, &[(name, value)]).await;
            let beside = format!("id=\"f-{name}-error\"");
            assert!(shown.status == 400 && shown.body.contains(&beside), "{name}: {shown:?}");
            assert!(!shown.body.contains("<script>"), "{name}");
        }
        // What is good in a block is not saved beside what is not.
        let both = [("console.session_hours", "13"), ("console.session_idle_minutes", "0")];
        let shown = save(&mut admin, "limits", &both).await;
        assert!(shown.status == 400 && shown.body.contains("value=\"13\""));
        assert!(!admin.get(CONFIGURATION).await.body.contains("value=\"13\""));
        let both = [("console.session_hours", "13"), ("console.session_idle_minutes", "29")];
        let shown = save(&mut admin, "limits", &both).await;
        assert_eq!(shown.location(), "/cloud/configuration?saved=limits#limits");
        let shown = save(&mut admin, "limits", &both).await;
        assert_eq!(shown.location(), "/cloud/configuration?same=limits#limits");
        assert_eq!(
            recorded(&world, "ModifyPropertyValues")
                .await
                .iter()
                .filter(|it| it.failure.is_none())
                .count(),
            1
        );
        assert_eq!(save(&mut admin, "nothing", &both).await.status, 400);
        // A property that the block does not have is nobody's business here.
        let foreign = [("people.language", "ja")];
        let shown = save(&mut admin, "limits", &foreign).await;
        assert_eq!(shown.location(), "/cloud/configuration?same=limits#limits");

        let path = "/cloud/properties/console.session_hours";
        assert!(admin.get(path).await.body.contains("value=\"13\""));
        let shown = admin.submit(path, &format!("{path}/reset"), &[]).await;
        assert_eq!(shown.location(), format!("{path}?saved=1"));
        assert!(admin.get(path).await.body.contains("value=\"12\""));
        assert_eq!(admin.get("/cloud/properties/no.such").await.status, 404);
        let shown = save(&mut admin, "walrus", &[("walrus.storagemaxcachesizeinmb", "77")]).await;
        assert_eq!(shown.status, 303);
        until("walrus has the limit", || async {
            (world.walrus.state.lock().unwrap().limit == 77 << 20).then_some(())
        })
        .await;
    });
}

fn held(letter: char, pins: u64) -> HeldImage {
    HeldImage {
        manifest_sha256: letter.to_string().repeat(64),
        size: 1 << 20,
        state: HeldState::Here,
        used: None,
        hits: 3,
        pins,
        expected: 0,
        waiting: 0,
        done: 0,
        total: 0,
    }
}

#[test]
fn what_lies_in_the_cache_is_shown_and_what_is_in_use_is_not_evicted() {
    world(&[4], |world| async move {
        let mut admin = administrator(&world).await;
        let cached = world.walrus.state.lock().unwrap().cached.clone();
        *cached.lock().unwrap() = vec![held('a', 0), held('b', 2), held('c', 0)];
        let shown = admin.get(CONFIGURATION).await;
        assert!(shown.body.contains(&"a".repeat(64)) && shown.body.contains("2 reading"));
        assert_eq!(shown.body.matches("name=\"image\"").count(), 2, "no button of one in use");
        let evict = |letter: char| letter.to_string().repeat(64);
        let path = "/cloud/cache/evict";
        let shown = admin.submit(CONFIGURATION, path, &[("image", &evict('b'))]).await;
        assert!(shown.status == 400 && shown.body.contains("it is not evicted"), "{shown:?}");
        let shown = admin.submit(CONFIGURATION, path, &[("image", &evict('a'))]).await;
        assert!(shown.location().starts_with("/cloud/configuration?evicted=1&bytes=1048576"));
        let shown = admin.submit(CONFIGURATION, path, &[]).await;
        assert!(shown.location().contains("evicted=1"), "{shown:?}");
        assert_eq!(*cached.lock().unwrap(), [held('b', 2)]);
        let wrong = admin.submit(CONFIGURATION, path, &[("image", "emi-00000000")]).await;
        assert_eq!(wrong.status, 400);

        let taro = world.user("taro").await;
        for (action, pairs) in [
            ("EvictImages", vec![]),
            ("GiveUpNode", vec![("Name", "a")]),
            ("DescribeImageCache", vec![]),
        ] {
            let refused = world.administer(&taro, "/services/Configuration", action, &pairs).await;
            assert!(refused.is_err(), "{action}");
        }
        let mut user = signed_in(&world, "hanako").await;
        assert_eq!(user.get(CONFIGURATION).await.status, 403);
        let token = user.get("/").await.token();
        assert_eq!(user.post(path, &token, &[]).await.status, 403);
    });
}

async fn types(world: &World) -> Vec<(u32, u64, u64)> {
    let ask = common::ec2::instance_types::DescribeInstanceTypes::default();
    let told = world.call(&world.admin, &ask).await.unwrap().instance_type_details.item;
    told.iter().map(|it| (it.cpu, it.memory, it.disk)).collect()
}

#[test]
fn instance_types_are_changed_in_order_and_what_runs_keeps_its_size() {
    world(&[8], |mut world| async move {
        let image = world.bootable().await;
        let (admin, mut browser) = (world.admin.clone(), administrator(&world).await);
        let old = world.run(&admin, &launch(&image)).await;
        let path = "/cloud/instance-types";
        let before = types(&world).await;
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, (cpu, memory, disk)) in
            ["m1.small", "c1.medium", "m1.large", "m1.xlarge", "c1.xlarge"].iter().zip(&before)
        {
            fields.push((format!("{name}/cpu"), cpu.to_string()));
            fields.push((format!("{name}/memory"), memory.to_string()));
            fields.push((format!("{name}/disk"), disk.to_string()));
        }
        let with = |name: &str, value: &str| -> Vec<(String, String)> {
            let other = |(known, old): &(String, String)| {
                (known.clone(), if known == name { value.to_owned() } else { old.clone() })
            };
            fields.iter().map(other).collect()
        };
        for (name, value, told) in [
            ("m1.small/memory", "300", "must not be less than that of m1.small (300)"),
            ("c1.xlarge/cpu", "0", "must be from 1"),
            ("m1.large/disk", "much", "is no number"),
        ] {
            let wrong = with(name, value);
            let own: Vec<_> = wrong.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let shown = browser.submit(path, path, &own).await;
            assert!(shown.status == 400 && shown.body.contains(told), "{name}: {shown:?}");
        }
        assert_eq!(types(&world).await, before);
        let good = with("m1.small/memory", "200");
        let own: Vec<_> = good.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let shown = browser.submit(path, path, &own).await;
        assert_eq!(shown.location(), format!("{path}?saved=1"), "{shown:?}");
        world.restart().await;
        assert_eq!(types(&world).await[0], (1, 200, 2));
        let new = world.run(&admin, &launch(&image)).await;
        let memory = |id: &common::id::InstanceId| {
            let runs = world.nodes[0].runs();
            runs.iter().find(|run| run.spec.instance == *id).map(|run| run.spec.memory_mib)
        };
        until("the node has both", || async {
            (memory(&old[0]) == Some(128) && memory(&new[0]) == Some(200)).then_some(())
        })
        .await;
    });
}

#[test]
fn a_node_drains_over_restarts_and_one_that_answers_is_not_given_up() {
    world(&[4], |mut world| async move {
        let image = world.bootable().await;
        let admin = world.admin.clone();
        let mut browser = administrator(&world).await;
        let kept = world.run(&admin, &launch(&image)).await;
        let name = world.config.nodes[0].name.clone();
        let path = format!("/cloud/nodes/{name}");
        let shown = browser.submit(&path, &format!("{path}/drain"), &[]).await;
        assert_eq!(shown.location(), format!("{path}?done=drain"), "{shown:?}");
        let one = RunInstances { ..launch(&image) };
        let full = "InsufficientInstanceCapacity";
        assert_eq!(code(world.call(&admin, &one).await), full);
        world.restart().await;
        browser.follow(&world);
        assert_eq!(code(world.call(&admin, &one).await), full, "it is on record");
        let body = browser.get(&path).await.body;
        assert!(body.contains("1 instance is still on it") && body.contains(kept[0].as_str()));
        let told = world.administer(&admin, "/services/Configuration", "DescribeNodes", &[]).await;
        let told = told.unwrap();
        assert_eq!(texts(&told, "euca:rule"), ["draining"]);
        assert_eq!(texts(&told, "euca:ruleBy"), ["eucalyptus/admin"]);

        let typed = [("typed", name.as_str())];
        let token = browser.get(&path).await.token();
        let shown = browser.post(&format!("{path}/give-up"), &token, &typed).await;
        assert!(shown.status != 303 || !shown.location().contains("done="), "{shown:?}");
        let asked = [("Name", name.as_str())];
        let refused =
            world.administer(&admin, "/services/Configuration", "GiveUpNode", &asked).await;
        let (code_, why) = refused.unwrap_err();
        assert!(code_ == "IncorrectState" && why.contains("drain it"), "{why}");
        let shown = browser.submit(&path, &format!("{path}/enable"), &[]).await;
        assert_eq!(shown.location(), format!("{path}?done=enable"), "{shown:?}");
        world.run(&admin, &one).await;
        assert_eq!(browser.get("/cloud/nodes/nobody").await.status, 400);
        for wrong in
            [[("Name", "nobody"), ("State", "draining")], [("Name", &*name), ("State", "x")]]
        {
            let refused =
                world.administer(&admin, "/services/Configuration", "ModifyNode", &wrong).await;
            assert_eq!(code(refused), "InvalidParameterValue");
        }
        let events = recorded(&world, "ModifyNode").await;
        assert!(events.iter().any(|it| it.failure.is_none()));
    });
}

#[test]
fn what_others_changed_since_a_page_was_loaded_is_not_overwritten_unseen() {
    world(&[8], |world| async move {
        let mut admin = administrator(&world).await;
        let (hours, idle) = ("console.session_hours", "console.session_idle_minutes");
        let block = "/cloud/configuration/limits";
        let old = admin.get(CONFIGURATION).await;
        save(&mut admin, "limits", &[(hours, "13")]).await;
        // The hours stand in the old page as they were, and are not touched there.
        let shown = admin.send_old(&old, block, &[(hours, "12"), (idle, "29")]).await;
        assert_eq!(shown.location(), "/cloud/configuration?saved=limits#limits", "{shown:?}");
        let shown = admin.send_old(&old, block, &[(hours, "14"), (idle, "29")]).await;
        let beside = format!("id=\"f-{hours}-error\"");
        assert!(shown.status == 409 && shown.body.contains(&beside), "{shown:?}");
        assert!(shown.body.contains("to '13': save again"), "{shown:?}");
        assert!(shown.body.contains("value=\"14\"") && shown.body.contains("value=\"29\""));
        let shown = admin.send_old(&shown, block, &[(hours, "14"), (idle, "29")]).await;
        assert_eq!(shown.status, 303, "{shown:?}");

        let path = "/cloud/properties/console.session_hours";
        let old = admin.get(path).await;
        save(&mut admin, "limits", &[(hours, "15")]).await;
        let shown = admin.send_old(&old, path, &[(hours, "16")]).await;
        assert!(shown.status == 409 && shown.body.contains("to '15'"), "{shown:?}");
        let shown = admin.send_old(&old, path, &[(hours, "14")]).await;
        assert_eq!(shown.status, 303, "{shown:?}");
        assert!(admin.get(path).await.body.contains("value=\"15\""), "it was not touched");

        let path = "/cloud/instance-types";
        let (small, large) = ("c1.xlarge/disk", "c1.xlarge/memory");
        let old = admin.get(path).await;
        let (disk, memory) = (old.body.clone(), types(&world).await[4]);
        assert!(disk.contains(&format!("value=\"{}\"", memory.2)));
        let grown = (memory.2 + 1).to_string();
        assert_eq!(admin.submit(path, path, &[(small, &grown)]).await.status, 303);
        let more = (memory.1 + 1).to_string();
        let fields = [(small, memory.2.to_string()), (large, more.clone())];
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(admin.send_old(&old, path, &fields).await.status, 303);
        let now = types(&world).await[4];
        assert_eq!((now.1, now.2), (memory.1 + 1, memory.2 + 1));
        let shown = admin.send_old(&old, path, &[(small, "99")]).await;
        let told = format!("{small} was changed by somebody else meanwhile, to '{grown}'");
        assert!(shown.status == 409 && shown.body.contains(&told), "{shown:?}");
        assert!(shown.body.contains("aria-invalid=\"true\""));
    });
}
