//! The life of machines with the played driver: from the wish on disk to the note, over restarts
//! of the agent and over everything that may go wrong on the way.

#![cfg(test)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::clock::timeout;
use bytes::Bytes;
use common::id::InstanceId;
use common::time::Timestamp;
use common::wire::node::{Adjust, InstanceView, MachineState, Run};
use common::wire::spec::{InstanceSpec, MetadataOptions, OnShutdown, Power, PowerSpec};
use common::wire::walrus::{ImageTicket, Layout};
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{self, StreamExt};
use node_agent::hypervisor::driver::Card;
use node_agent::hypervisor::sim::{Sim, SimControl, SimMode, SimStep};
use node_agent::image::fetch::{Fetch, FetchError, Flow};
use node_agent::image::images::{Images, ImagesConfig};
use node_agent::vm::effects::Hands;
use node_agent::vm::folder::{Kept, holders, scan};
use node_agent::vm::vm::{NOTE_KEPT, Vm, VmHandle};
use node_agent::vm::wiring::{Wiring, WiringError};
use runtime::clock::Clock;
use serde_json::json;
use tokio::sync::watch;

/// SHA-256 of one zero byte, which is what every image here consists of.
const ZERO: &str = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";

/// How long guests have to shut down here.
const GRACE: Duration = Duration::from_millis(300);

/// Serves the zero byte, as soon as the gate is open.
struct Gate(watch::Receiver<bool>);

impl Fetch for Gate {
    fn open<'a>(&'a self, _: &'a str, _: u64) -> BoxFuture<'a, Result<Flow, FetchError>> {
        let mut gate = self.0.clone();
        async move {
            drop(gate.wait_for(|open| *open).await);
            Ok(stream::iter([Ok(Bytes::from_static(&[0]))]).boxed())
        }
        .boxed()
    }
}

/// Records who is connected, and refuses as often as told.
#[derive(Default)]
struct Wires {
    connected: Mutex<BTreeSet<InstanceId>>,
    refusals: Mutex<u32>,
}

impl Wires {
    fn refused(&self) -> Result<(), WiringError> {
        let mut refusals = self.refusals.lock().unwrap();
        if *refusals > 0 {
            *refusals -= 1;
            return Err(WiringError("no tap".to_owned()));
        }
        Ok(())
    }
}

impl Wiring for Wires {
    fn attach<'a>(&'a self, spec: &'a InstanceSpec) -> BoxFuture<'a, Result<Card, WiringError>> {
        async move {
            self.refused()?;
            self.connected.lock().unwrap().insert(spec.instance.clone());
            Ok(Card::Tap { name: "tap".to_owned() })
        }
        .boxed()
    }

    fn detach<'a>(&'a self, instance: &'a InstanceId) -> BoxFuture<'a, Result<(), WiringError>> {
        async move {
            self.refused()?;
            self.connected.lock().unwrap().remove(instance);
            Ok(())
        }
        .boxed()
    }
}

/// One agent's life on a host; the next one is raised on the same directory.
struct Agent {
    hands: Arc<Hands>,
    control: SimControl,
    wires: Arc<Wires>,
    instances: PathBuf,
    machines: Vec<VmHandle>,
}

impl Agent {
    async fn raise(root: &Path, clock: &Clock, gate: &watch::Sender<bool>) -> Self {
        let instances = root.join("instances");
        let found = scan(&instances).unwrap();
        assert!(found.broken.is_empty(), "{:?}", found.broken);
        let sim = Sim::new(SimMode::Automatic);
        let control = sim.control();
        let wires = Arc::new(Wires::default());
        let config = ImagesConfig { directory: root.join("images"), limit: 1 };
        let fetch = Arc::new(Gate(gate.subscribe()));
        let images = Images::open(config, holders(&found.kept), fetch, clock.clone()).await;
        let hands = Arc::new(Hands {
            driver: Arc::new(sim),
            images: images.unwrap(),
            wiring: wires.clone(),
            clock: clock.clone(),
            grace: GRACE,
        });
        let alive = hands.driver.find(&instances).await.unwrap();
        let adopt = |kept: Kept| {
            let lives = alive.iter().any(|path| path == kept.folder.path());
            Vm::adopt(kept, lives, hands.clone())
        };
        let machines = found.kept.into_iter().map(adopt).collect();
        Self { hands, control, wires, instances, machines }
    }

    async fn run(&mut self, number: u32) -> VmHandle {
        let vm = Vm::create(&self.instances, run(number), self.hands.clone()).await.unwrap();
        self.machines.push(vm.clone());
        vm
    }

    fn files(&self, vm: &VmHandle) -> Vec<String> {
        let path = self.instances.join(vm.instance().as_str());
        let entries = std::fs::read_dir(path).into_iter().flatten();
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn connected(&self) -> usize {
        self.wires.connected.lock().unwrap().len()
    }
}

fn run(number: u32) -> Run {
    let image = |id: &str| json!({ "image": id, "sha256": ZERO, "size": 1 });
    let spec = json!({
        "instance": format!("i-{number:08x}"), "generation": 1, "account": "123456789012",
        "cpus": 1, "memory_mib": 64, "root": { "image": image("emi-00000001"), "size": 8192 },
        "boot": { "kernel": image("eki-00000001"), "ramdisk": null },
        "network": { "mac": "d0:0d:00:00:00:01", "address": "10.0.0.2" },
        "metadata": {
            "image": "emi-00000001", "manifest_path": "b/k", "kernel": null, "ramdisk": null,
            "ancestors": [], "product_codes": [], "reservation": "r-00000001", "launch_index": 0,
            "instance_type": "m1.small", "zone": "z", "region": "r", "key": null,
            "security_groups": [], "launched": 0,
        },
    });
    let expires = Timestamp::from_millis(0);
    let ticket = ImageTicket {
        url: "u".to_owned(),
        sha256: ZERO.to_owned(),
        size: 1,
        expires,
        layout: Layout::Bare,
    };
    Run { spec: serde_json::from_value(spec).unwrap(), tickets: vec![ticket] }
}

async fn until(vm: &VmHandle, state: MachineState) -> InstanceView {
    let mut view = vm.view();
    let seen = view.wait_for(|view| view.state == state);
    let seen = timeout(Duration::from_secs(20), seen).await;
    seen.unwrap_or_else(|_| panic!("never {state:?}")).unwrap().clone()
}

fn on_a_host<F: Future<Output = ()>>(test: impl FnOnce(PathBuf, Clock, watch::Sender<bool>) -> F) {
    let root = tempfile::tempdir().unwrap();
    let clock = Clock::manual(Timestamp::from_millis(1_000));
    let path = root.path().to_owned();
    actix::System::new().block_on(test(path, clock, watch::Sender::new(true)));
}

#[test]
fn from_the_wish_to_the_note() {
    on_a_host(|root, clock, gate| async move {
        let mut agent = Agent::raise(&root, &clock, &gate).await;
        let vm = agent.run(1).await;
        assert!(agent.files(&vm).contains(&"spec.json".to_owned()), "there when it is answered");
        until(&vm, MachineState::Running).await;
        let tail = vm.console(agent.hands.driver.clone()).await.unwrap();
        assert!(tail.bytes.starts_with(b"simulated machine i-00000001"));
        assert_eq!(agent.connected(), 1);

        let mut newer = run(1);
        newer.spec.generation = 2;
        vm.run(newer).await.unwrap();
        vm.run(run(1)).await.unwrap();
        assert_eq!(vm.view().borrow().generation, 2, "an older wish is ignored");

        vm.terminate().await.unwrap();
        vm.terminate().await.unwrap();
        let view = until(&vm, MachineState::Gone).await;
        assert_eq!(view.reason.as_deref(), Some("terminated on request"));
        assert_eq!(view.generation, 2);
        assert_eq!(agent.files(&vm), ["note.json"]);
        assert_eq!(agent.connected(), 0);
        assert!(vm.spec().borrow().is_none());

        // The note outlives the agent, keeps its time, and goes after an hour.
        let after = |time| Clock::manual(view.since.plus(time));
        let agent = Agent::raise(&root, &after(NOTE_KEPT / 2), &gate).await;
        assert_eq!(*agent.machines[0].view().borrow(), view);
        let agent = Agent::raise(&root, &after(NOTE_KEPT), &gate).await;
        let mut gone = agent.machines[0].view();
        let closed = async { while gone.changed().await.is_ok() {} };
        timeout(Duration::from_secs(20), closed).await.unwrap();
        assert!(scan(&agent.instances).unwrap().kept.is_empty());
    });
}

#[test]
fn a_machine_outlives_its_agent() {
    on_a_host(|root, clock, gate| async move {
        let mut agent = Agent::raise(&root, &clock, &gate).await;
        let (one, two) = (agent.run(1).await, agent.run(2).await);
        until(&one, MachineState::Running).await;
        until(&two, MachineState::Running).await;
        agent.control.power_off(two.instance()).unwrap();
        let view = until(&two, MachineState::Gone).await;
        assert_eq!(view.reason.as_deref(), Some("the guest powered itself off"));

        // The new agent's network is not ready at once; the machine runs on.
        let agent = Agent::raise(&root, &clock, &gate).await;
        *agent.wires.refusals.lock().unwrap() = 1;
        let find = |id: &InstanceId| agent.machines.iter().find(|vm| vm.instance() == id).unwrap();
        let one = find(one.instance()).clone();
        assert_eq!(one.view().borrow().state, MachineState::Running);
        timeout(Duration::from_secs(20), async {
            while agent.connected() == 0 {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
        assert_eq!(find(two.instance()).view().borrow().state, MachineState::Gone);

        // Its image is held: there is no room for another.
        let mut other = run(3);
        other.spec.boot.kernel.as_mut().unwrap().sha256 = "0".repeat(64);
        let other = Vm::create(&agent.instances, other, agent.hands.clone()).await.unwrap();
        let view = until(&other, MachineState::Failed).await;
        assert!(view.reason.unwrap().contains("no room"));

        one.terminate().await.unwrap();
        until(&one, MachineState::Gone).await;
    });
}

#[test]
fn metadata_options_are_kept_and_never_go_back() {
    on_a_host(|root, clock, gate| async move {
        let mut agent = Agent::raise(&root, &clock, &gate).await;
        let vm = agent.run(1).await;
        until(&vm, MachineState::Running).await;
        let options = |revision, hop_limit| MetadataOptions {
            revision,
            hop_limit,
            ..MetadataOptions::default()
        };
        let known = |vm: &VmHandle| vm.spec().borrow().as_ref().unwrap().metadata.options;
        assert_eq!((known(&vm), vm.view().borrow().options), (options(0, 1), 0));
        vm.set_options(options(2, 5)).await.unwrap();
        vm.set_options(options(1, 9)).await.unwrap();
        assert_eq!((known(&vm), vm.view().borrow().options), (options(2, 5), 2));
        // A wish that was written before it was heard later.
        let mut again = run(1);
        again.spec.generation = 7;
        vm.run(again).await.unwrap();
        let shown = vm.view().borrow().clone();
        assert_eq!((known(&vm), shown.generation, shown.options), (options(2, 5), 7, 2));

        drop(agent);
        let agent = Agent::raise(&root, &clock, &gate).await;
        let vm = agent.machines[0].clone();
        assert_eq!((known(&vm), vm.view().borrow().options), (options(2, 5), 2));
        vm.terminate().await.unwrap();
        until(&vm, MachineState::Gone).await;
        vm.set_options(options(3, 1)).await.unwrap();
    });
}

#[test]
fn a_lost_machine_starts_again_from_its_disk_but_not_for_ever() {
    on_a_host(|root, clock, gate| async move {
        let mut agent = Agent::raise(&root, &clock, &gate).await;
        let vm = agent.run(1).await;
        until(&vm, MachineState::Running).await;
        let overlay = agent.instances.join("i-00000001/overlay.qcow2");
        std::fs::write(&overlay, "what the guest wrote").unwrap();
        let mut view = vm.view();
        for _ in 0..3 {
            view.mark_unchanged();
            agent.control.crash(vm.instance(), "a bug").unwrap();
            view.changed().await.unwrap();
            until(&vm, MachineState::Running).await;
            assert_eq!(std::fs::read(&overlay).unwrap(), b"what the guest wrote");
        }

        // The host is restarted: the process is gone, the wish is there.
        std::fs::remove_file(agent.instances.join("i-00000001/sim.json")).unwrap();
        let agent = Agent::raise(&root, &clock, &gate).await;
        let vm = agent.machines[0].clone();
        until(&vm, MachineState::Running).await;
        assert_eq!(std::fs::read(&overlay).unwrap(), b"what the guest wrote");

        let mut view = vm.view();
        for _ in 0..3 {
            view.mark_unchanged();
            agent.control.crash(vm.instance(), "a bug").unwrap();
            view.changed().await.unwrap();
            until(&vm, MachineState::Running).await;
        }
        agent.control.crash(vm.instance(), "a bug").unwrap();
        let view = until(&vm, MachineState::Stopped).await;
        assert_eq!(view.reason.as_deref(), Some("its process was lost 4 times in a row: a bug"));
        assert!(view.broke);
        assert_eq!(std::fs::read(&overlay).unwrap(), b"what the guest wrote");
        assert_eq!(agent.connected(), 0);

        // The next agent does not begin anew; only a newer wish does.
        let agent = Agent::raise(&root, &clock, &gate).await;
        let vm = agent.machines[0].clone();
        assert!(until(&vm, MachineState::Stopped).await.broke);
        vm.run(run(1)).await.unwrap();
        assert_eq!(vm.view().borrow().state, MachineState::Stopped);
        let mut newer = run(1);
        newer.spec.generation = 2;
        vm.run(newer).await.unwrap();
        until(&vm, MachineState::Running).await;
    });
}

#[test]
fn a_machine_can_be_ended_while_it_waits_for_its_images() {
    on_a_host(|root, clock, gate| async move {
        gate.send_replace(false);
        let mut agent = Agent::raise(&root, &clock, &gate).await;
        let vm = agent.run(1).await;
        assert_eq!(vm.view().borrow().state, MachineState::Preparing);
        vm.terminate().await.unwrap();
        let view = until(&vm, MachineState::Gone).await;
        assert_eq!(view.reason.as_deref(), Some("terminated on request"));
        assert_eq!(agent.files(&vm), ["note.json"]);
        assert_eq!(agent.connected(), 0);
        gate.send_replace(true);
    });
}

#[test]
fn what_cannot_be_made_to_run_fails_with_its_reason_and_leaves_nothing() {
    on_a_host(|root, clock, gate| async move {
        let mut agent = Agent::raise(&root, &clock, &gate).await;
        for (number, expected) in [
            (1, "starting i-00000001: no luck"),
            (2, "i-00000002/overlay.qcow2: no disk"),
            (3, "no tap"),
        ] {
            match number {
                1 => agent.control.fail_next(SimStep::Start, "no luck"),
                2 => agent.control.fail_next(SimStep::Prepare, "no disk"),
                // Once when it is made and once when it is taken away, which is tried again.
                _ => *agent.wires.refusals.lock().unwrap() = 2,
            }
            let vm = agent.run(number).await;
            let view = until(&vm, MachineState::Failed).await;
            let reason = view.reason.unwrap();
            assert!(reason.ends_with(expected), "{reason}");
            assert_eq!(agent.files(&vm), ["note.json"]);
            assert_eq!(agent.connected(), 0);
        }
    });
}

#[test]
fn what_refuses_a_machine_that_ran_never_takes_its_disk() {
    on_a_host(|root, clock, gate| async move {
        let mut agent = Agent::raise(&root, &clock, &gate).await;
        let vm = agent.run(1).await;
        until(&vm, MachineState::Running).await;
        let overlay = agent.instances.join("i-00000001/overlay.qcow2");
        std::fs::write(&overlay, "what the guest wrote").unwrap();

        // Its process is lost and nothing starts just then.
        agent.control.fail_next(SimStep::Start, "no luck");
        agent.control.crash(vm.instance(), "a bug").unwrap();
        let mut refused = vm.view();
        let refused = timeout(Duration::from_secs(20), refused.wait_for(|v| v.reason.is_some()));
        let refused = refused.await.unwrap().unwrap().clone();
        assert_eq!(refused.state, MachineState::Preparing);
        assert_eq!(refused.reason.as_deref(), Some("starting i-00000001: no luck"));
        let view = until(&vm, MachineState::Running).await;
        assert_eq!(view.reason, None);
        assert_eq!(std::fs::read(&overlay).unwrap(), b"what the guest wrote");

        // The host is restarted, and its network is not ready when the agent comes back.
        std::fs::remove_file(agent.instances.join("i-00000001/sim.json")).unwrap();
        let agent = Agent::raise(&root, &clock, &gate).await;
        *agent.wires.refusals.lock().unwrap() = 1;
        let vm = agent.machines[0].clone();
        until(&vm, MachineState::Running).await;
        assert_eq!(*agent.wires.refusals.lock().unwrap(), 0);
        assert_eq!(std::fs::read(&overlay).unwrap(), b"what the guest wrote");

        // While it waits to be tried again it can be ended, and only that takes its disk.
        agent.control.fail_next(SimStep::Prepare, "no disk");
        agent.control.crash(vm.instance(), "a bug").unwrap();
        let mut refused = vm.view();
        let refused = timeout(Duration::from_secs(20), refused.wait_for(|v| v.reason.is_some()));
        assert_eq!(refused.await.unwrap().unwrap().state, MachineState::Preparing);
        vm.terminate().await.unwrap();
        let view = until(&vm, MachineState::Gone).await;
        assert_eq!(view.reason.as_deref(), Some("terminated on request"));
        assert_eq!(agent.files(&vm), ["note.json"]);
        assert_eq!(agent.connected(), 0);
    });
}

fn power(vm: &VmHandle, generation: u64, power: PowerSpec) -> Adjust {
    Adjust { instance: vm.instance().clone(), generation, power }
}

fn off() -> PowerSpec {
    PowerSpec { wanted: Power::Off, ..PowerSpec::default() }
}

fn started(generation: u64) -> Run {
    let mut run = run(1);
    run.spec.generation = generation;
    run
}

async fn until_so(what: &str, mut so: impl FnMut() -> bool) {
    let settled = timeout(Duration::from_secs(20), async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    settled.await.unwrap_or_else(|_| panic!("never {what}"));
}

#[test]
fn a_stopped_machine_keeps_its_disk_and_starts_from_it() {
    on_a_host(|root, clock, gate| async move {
        let mut agent = Agent::raise(&root, &clock, &gate).await;
        let vm = agent.run(1).await;
        until(&vm, MachineState::Running).await;
        let overlay = agent.instances.join("i-00000001/overlay.qcow2");
        std::fs::write(&overlay, "what the guest wrote").unwrap();

        vm.adjust(power(&vm, 2, off())).await.unwrap();
        let view = until(&vm, MachineState::Stopped).await;
        assert_eq!((view.generation, view.ran, view.broke), (2, true, false));
        assert_eq!(view.reason.as_deref(), Some("stopped on request"));
        assert_eq!((agent.control.asked(), agent.connected()), (1, 0));
        assert!(!agent.files(&vm).contains(&"sim.json".to_owned()), "nothing runs");
        let console = vm.console(agent.hands.driver.clone()).await.unwrap();
        assert!(console.bytes.starts_with(b"simulated machine"), "it can be read while off");
        // Asked again, and asked by an older wish, it stays as it is.
        vm.adjust(power(&vm, 2, off())).await.unwrap();
        vm.adjust(power(&vm, 1, PowerSpec::default())).await.unwrap();

        // The agent, and with it the host, comes back: it is still off, and its images are held.
        let agent = Agent::raise(&root, &clock, &gate).await;
        let vm = agent.machines[0].clone();
        until(&vm, MachineState::Stopped).await;
        assert_eq!(vm.view().borrow().generation, 2);

        vm.run(started(3)).await.unwrap();
        let view = until(&vm, MachineState::Running).await;
        assert_eq!((view.generation, view.reason), (3, None));
        assert_eq!(std::fs::read(&overlay).unwrap(), b"what the guest wrote");
        assert_eq!(agent.connected(), 1);

        vm.adjust(power(&vm, 4, off())).await.unwrap();
        until(&vm, MachineState::Stopped).await;
        vm.terminate().await.unwrap();
        until(&vm, MachineState::Gone).await;
        assert_eq!(agent.files(&vm), ["note.json"]);
    });
}

#[test]
fn a_guest_that_does_not_listen_is_switched_off() {
    on_a_host(|root, clock, gate| async move {
        let mut agent = Agent::raise(&root, &clock, &gate).await;
        agent.control.deaf(true);
        let vm = agent.run(1).await;
        until(&vm, MachineState::Running).await;
        vm.adjust(power(&vm, 2, off())).await.unwrap();
        assert_eq!(vm.view().borrow().state, MachineState::Halting);
        until(&vm, MachineState::Stopped).await;
        assert_eq!(agent.control.asked(), 1);

        // By force it is not even asked.
        vm.run(started(3)).await.unwrap();
        until(&vm, MachineState::Running).await;
        let forced = PowerSpec { wanted: Power::ForcedOff, ..PowerSpec::default() };
        vm.adjust(power(&vm, 4, forced)).await.unwrap();
        until(&vm, MachineState::Stopped).await;
        assert_eq!(agent.control.asked(), 1);

        // Nor does it wait when force comes while it is asked, or its end.
        vm.run(started(5)).await.unwrap();
        until(&vm, MachineState::Running).await;
        vm.adjust(power(&vm, 6, off())).await.unwrap();
        vm.terminate().await.unwrap();
        until(&vm, MachineState::Gone).await;
    });
}

#[test]
fn an_agent_that_dies_while_a_guest_shuts_down_goes_on_with_it() {
    on_a_host(|root, clock, gate| async move {
        let mut agent = Agent::raise(&root, &clock, &gate).await;
        agent.control.deaf(true);
        for number in [1, 2] {
            let vm = agent.run(number).await;
            until(&vm, MachineState::Running).await;
        }
        let (one, two) = (agent.machines[0].clone(), agent.machines[1].clone());
        one.adjust(power(&one, 2, off())).await.unwrap();
        let reboot = PowerSpec { reboots: 1, ..PowerSpec::default() };
        two.adjust(power(&two, 2, reboot)).await.unwrap();
        // What the dead agent would still do it does no more.
        drop(agent);

        let agent = Agent::raise(&root, &clock, &gate).await;
        let find = |id: &InstanceId| agent.machines.iter().find(|vm| vm.instance() == id).unwrap();
        let (one, two) = (find(one.instance()).clone(), find(two.instance()).clone());
        until(&one, MachineState::Stopped).await;
        let boots = || {
            let path = agent.instances.join(two.instance().as_str()).join("console.log");
            let text = std::fs::read_to_string(path).unwrap();
            text.matches("simulated machine").count()
        };
        until_so("rebooted", || boots() >= 2).await;
        until(&two, MachineState::Running).await;
    });
}

#[test]
fn a_reboot_happens_once_however_often_it_is_told() {
    on_a_host(|root, clock, gate| async move {
        let mut agent = Agent::raise(&root, &clock, &gate).await;
        let vm = agent.run(1).await;
        until(&vm, MachineState::Running).await;
        let overlay = agent.instances.join("i-00000001/overlay.qcow2");
        std::fs::write(&overlay, "what the guest wrote").unwrap();
        let boots = || {
            let text = std::fs::read_to_string(agent.instances.join("i-00000001/console.log"));
            text.unwrap().matches("simulated machine").count()
        };
        for round in 1..=2 {
            agent.control.deaf(round == 2);
            let reboot = PowerSpec { reboots: round, ..PowerSpec::default() };
            for _ in 0..3 {
                vm.adjust(power(&vm, round + 1, reboot)).await.unwrap();
            }
            let expected = usize::try_from(round).unwrap() + 1;
            until_so("rebooted", || boots() == expected).await;
            until(&vm, MachineState::Running).await;
            vm.adjust(power(&vm, round + 1, reboot)).await.unwrap();
            assert_eq!(vm.view().borrow().state, MachineState::Running);
            assert_eq!(boots(), expected);
            assert_eq!(std::fs::read(&overlay).unwrap(), b"what the guest wrote");
        }
        // Nor does the next agent, which finds it behind the machine, do it again.
        let again = Agent::raise(&root, &clock, &gate).await;
        let vm = again.machines[0].clone();
        assert_eq!(vm.view().borrow().state, MachineState::Running);
        vm.terminate().await.unwrap();
        until(&vm, MachineState::Gone).await;
    });
}

#[test]
fn a_guest_that_switches_itself_off_is_off_if_its_owner_wants_that() {
    on_a_host(|root, clock, gate| async move {
        let mut agent = Agent::raise(&root, &clock, &gate).await;
        let vm = agent.run(1).await;
        until(&vm, MachineState::Running).await;
        let stops = PowerSpec { on_shutdown: OnShutdown::Stop, ..PowerSpec::default() };
        vm.adjust(power(&vm, 2, stops)).await.unwrap();
        agent.control.power_off(vm.instance()).unwrap();
        let view = until(&vm, MachineState::Stopped).await;
        assert_eq!(view.reason.as_deref(), Some("the guest powered itself off"));
        assert!(!view.broke);

        // Told the same wish again, by this agent or the next, it does not start.
        let mut same = started(2);
        same.spec.power = stops;
        vm.run(same.clone()).await.unwrap();
        assert_eq!(vm.view().borrow().state, MachineState::Stopped);
        let agent = Agent::raise(&root, &clock, &gate).await;
        let vm = agent.machines[0].clone();
        until(&vm, MachineState::Stopped).await;
        vm.run(same).await.unwrap();
        let view = vm.view().borrow().clone();
        assert_eq!(view.state, MachineState::Stopped);
        assert_eq!(view.reason.as_deref(), Some("the guest powered itself off"));

        let mut newer = started(3);
        newer.spec.power = stops;
        vm.run(newer).await.unwrap();
        until(&vm, MachineState::Running).await;
        vm.terminate().await.unwrap();
        until(&vm, MachineState::Gone).await;
    });
}

#[test]
fn a_machine_whose_agent_died_before_its_first_start_is_not_tried_for_ever() {
    on_a_host(|root, clock, gate| async move {
        gate.send_replace(false);
        let mut agent = Agent::raise(&root, &clock, &gate).await;
        let vm = agent.run(1).await;
        // An overlay was made, and then the agent died.
        std::fs::write(agent.instances.join("i-00000001/overlay.qcow2"), "").unwrap();
        drop((agent, vm));
        let open = watch::Sender::new(true);
        let agent = Agent::raise(&root, &clock, &open).await;
        agent.control.fail_next(SimStep::Start, "no luck");
        let vm = agent.machines[0].clone();
        assert!(!vm.view().borrow().ran);
        let view = until(&vm, MachineState::Failed).await;
        assert!(view.reason.unwrap().ends_with("no luck"));
        assert_eq!(agent.files(&vm), ["note.json"]);
    });
}
