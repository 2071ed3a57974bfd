//! Pictures and reports over real sockets: what was is there after a restart, gaps are gaps, what is
//! reported is exact, and nobody sees what is another's.

use std::time::Duration;

use common::ec2::instances::TerminateInstances;
use common::ec2::zones::DescribeRegions;
use common::id::AccountId;
use common::time::Timestamp;
use common::wire::node::MachineState;
use common::wire::walrus::Traffic;
use runtime::clock::Clock;

use crate::browser::Browser;
use crate::console::{OWN, signed_in};
use crate::instances::launch;
use crate::world::{World, until, world_at};

/// 2026-11-23T00:00:30Z.
const BEGIN: i64 = 1_795_392_030;

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

async fn administrator(world: &World) -> Browser {
    let file = world.server().admin_dir().join("console-password");
    let first = std::fs::read_to_string(file).unwrap().trim().to_owned();
    let mut browser = Browser::new(world);
    browser.sign_in("eucalyptus", &first).await;
    let fields =
        [("password", OWN), ("again", OWN), ("email", "root@example.com"), ("host", "127.0.0.1")];
    let shown = browser.submit("/first-time", "/first-time", &fields).await;
    assert_eq!(shown.location(), "/", "{shown:?}");
    browser
}

/// The rows of a file, without its heads.
async fn rows(browser: &mut Browser, path: &str) -> Vec<Vec<String>> {
    let shown = browser.get(path).await;
    assert_eq!(shown.status, 200, "{shown:?}");
    assert!(shown.header("content-disposition").contains("attachment"), "{shown:?}");
    let lines = shown.body.lines().skip(1).filter(|line| !line.is_empty());
    lines.map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

async fn sampled(browser: &mut Browser, count: usize) -> Vec<Vec<String>> {
    let browser = &*browser;
    until(&format!("{count} samples"), || async move {
        let found = rows(&mut browser.clone(), "/history/csv?range=hour").await;
        (found.len() >= count).then_some(found)
    })
    .await
}

#[test]
fn samples_outlive_a_restart_and_a_pause_is_a_gap() {
    let clock = Clock::manual(Timestamp::from_secs(BEGIN));
    world_at(clock.clone(), &[4], |mut world| async move {
        let mut browser = administrator(&world).await;
        sampled(&mut browser, 1).await;
        for count in 2..=4 {
            clock.advance(minutes(1));
            sampled(&mut browser, count).await;
        }
        clock.advance(minutes(10));
        world.restart().await;
        browser.follow(&world);
        let found = sampled(&mut browser, 5).await;
        let times: Vec<_> = found.iter().map(|row| row[0].get(11..16).unwrap()).collect();
        assert_eq!(times, ["00:00", "00:01", "00:02", "00:03", "00:13"]);
        assert_eq!(found[4][3..5], ["0", "4"], "no processor of four is given away");
        assert_eq!(found[4][10], "1", "the node answers");
        // The line has a piece before the pause and one behind it.
        let shown = browser.get("/history?range=hour").await.body;
        let line = shown.split("class=\"line\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(line.matches('M').count(), 2, "{line}");
        // A clock that is set back goes on from there, and what was is not lost.
        let map = browser.get("/map").await.body;
        assert!(map.contains("/history/nodes/a") && map.contains("0 / 4"), "{map}");
        for path in ["/history/nodes/a", "/history/nodes/a/csv", "/history/accounts/000000000000"] {
            assert_eq!(browser.get(path).await.status, 200, "{path}");
        }
        for path in ["/history/nodes/nobody", "/history/accounts/x"] {
            assert_eq!(browser.get(path).await.status, 404, "{path}");
        }
    });
}

#[test]
fn what_hosts_have_to_do_and_how_often_accounts_ask_is_history() {
    let clock = Clock::manual(Timestamp::from_secs(BEGIN));
    world_at(clock.clone(), &[4], |world| async move {
        let mut root = administrator(&world).await;
        let taro = world.user("taro").await;
        let number: AccountId = taro.account.parse().unwrap();
        sampled(&mut root, 1).await;
        let asked = world.walrus.state.lock().unwrap().traffic.clone();
        let traffic =
            |requests| Traffic { accounts: vec![(number.clone(), requests)], ..Traffic::default() };
        *asked.lock().unwrap() = traffic(30);
        for _ in 0..20 {
            world.call(&taro, &DescribeRegions::default()).await.unwrap();
        }
        clock.advance(minutes(10));
        sampled(&mut root, 2).await;
        let path = format!("/history/accounts/{number}/csv?range=day");
        let told =
            until("the account has a row", || async { rows(&mut root.clone(), &path).await.pop() })
                .await;
        assert_eq!(
            told[told.len() - 3..],
            ["2", "0", "3"],
            "EC2, IAM, S3 in each minute: {told:?}"
        );
        // A walrus that was started anew has counted less, and what was before it is not known.
        *asked.lock().unwrap() = traffic(10);
        clock.advance(minutes(10));
        let told = until("there is another row", || async {
            let found = rows(&mut root.clone(), &path).await;
            (found.len() > 1).then(|| found.last().cloned()).flatten()
        })
        .await;
        assert_eq!(told[told.len() - 3..], ["0", "0", ""], "{told:?}");
        // A leap of ten minutes makes a node look silent: its host is asked when it was heard lately.
        let told = until("a host has told how it is", || async {
            clock.advance(Duration::from_secs(5));
            world.nodes[0].change(|_| ());
            let told = rows(&mut root.clone(), "/history/nodes/a/csv?range=hour").await.pop()?;
            told.last().is_some_and(|last| !last.is_empty()).then_some(told)
        })
        .await;
        assert_eq!(told[told.len() - 3..], ["2.75", "1024", "6144"], "{told:?}");
        let page = root.get("/cloud/nodes/a").await.body;
        assert!(page.contains("2.75") && page.contains("/history/nodes/a"), "{page}");
        let page = root.get("/cloud/services").await.body;
        for part in
            ["2.75 on 2 CPUs", "the console, made by itself", "console.pem", "Nothing waits"]
        {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains("cannot be read"), "{page}");
    });
}

#[test]
fn a_report_tells_a_life_exactly_and_to_its_owner_alone() {
    let clock = Clock::manual(Timestamp::from_secs(BEGIN));
    world_at(clock.clone(), &[4], |world| async move {
        let image = world.bootable().await;
        let mut browser = signed_in(&world, "taro").await;
        let mut other = signed_in(&world, "hanako").await;
        let mut root = administrator(&world).await;
        let id = world.run(&world.admin, &launch(&image)).await.remove(0);
        world.instance_is(&world.admin, &id, "running").await;
        for _ in 0..6 {
            clock.advance(minutes(15));
            browser.get("/").await;
            other.get("/").await;
            root.get("/").await;
        }
        let end = TerminateInstances { instance_id: vec![id.to_string()] };
        world.call(&world.admin, &end).await.unwrap();
        world.nodes[0].sees(&id, MachineState::Gone, None);
        world.instance_is(&world.admin, &id, "terminated").await;
        let path = "/reports/instances-csv?from=2026-11-23&until=2026-11-23";
        clock.advance(minutes(11));
        let told = until("it is added up", || async {
            let found = rows(&mut root.clone(), path).await;
            found.into_iter().find(|row| row[7] == "1.5")
        })
        .await;
        assert_eq!(told[5..7], ["1", "1"], "{told:?}");
        assert_eq!(told[3], "eucalyptus");
        let page = root.get("/reports?from=2026-11-23&until=2026-11-23").await.body;
        assert!(page.contains("1.5") && page.contains("/history/accounts/"), "{page}");
        // What is another's is nobody's business, whatever they ask for.
        for browser in [&mut browser, &mut other] {
            let own = rows(browser, "/usage/instances-csv?from=2026-11-23&until=2026-11-23").await;
            assert!(own.is_empty(), "{own:?}");
            assert_eq!(browser.get("/reports").await.status, 403);
        }
        for path in ["/reports/people", "/reports/components", "/reports/storage-csv", "/usage"] {
            assert_eq!(root.get(path).await.status, 200, "{path}");
        }
    });
}
