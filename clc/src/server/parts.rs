//! What a clc is made of: its actors, and the loops beside them.

use std::sync::Arc;
use std::time::Duration;

use common::wire::walrus::Walrus;
use runtime::actor::ServiceActor;
use runtime::clock::Clock;
use runtime::peer::Peer;
use runtime::reconcile::{self as driver, Reconciler, Waker};
use runtime::roster::Roster;
use runtime::shutdown::Shutdown;

use crate::cluster::{Cluster, Member, Poller, poll};
use crate::config::Config;
use crate::console;
use crate::ec2::bundles::Bundles;
use crate::ec2::images::Images;
use crate::ec2::instances::Instances;
use crate::ec2::keys::Keys;
use crate::ec2::keys_ahead::KeysAhead;
use crate::ec2::tags::Tagger;
use crate::ec2::tokens::Tokens;
use crate::ec2::zones::Zones;
use crate::history::{Counts, History, Sampler, sample};
use crate::identity::credentials::Endpoints;
use crate::identity::first_start;
use crate::identity::key_uses::{self, KeyUseWriter, KeyUses};
use crate::people::People;
use crate::people::deletion::Leavers;
use crate::people::gate::Gate;
use crate::people::mail_server::MailServer;
use crate::people::post::Post;
use crate::reconcile::Wakers;
use crate::reconcile::plain::PlainImages;
use crate::records::Records;
use crate::routes::Actors;
use crate::schedule::scheduler::Scheduler;

/// How often reconcilers look when nobody wakes them.
const PERIOD: Duration = Duration::from_secs(5);
/// How often old records are looked for.
const SWEEP_PERIOD: Duration = Duration::from_secs(60);
/// How often it is looked whether there shall be a new secret for sessions.
const SECRETS_PERIOD: Duration = Duration::from_secs(600);

/// What the actors and loops are made of.
pub(super) struct Parts<'a> {
    pub(super) config: &'a Config,
    pub(super) endpoints: &'a Endpoints,
    pub(super) records: &'a Records,
    pub(super) clock: &'a Clock,
    pub(super) walrus: &'a Peer<Walrus>,
    pub(super) cluster: &'a Cluster,
    pub(super) wakers: &'a Wakers,
    pub(super) scheduler: &'a actix::Addr<Scheduler>,
    pub(super) shutdown: &'a Shutdown,
    pub(super) roster: &'a Roster,
}

impl Parts<'_> {
    pub(super) fn actors(
        &self,
        rooms: tokio::sync::watch::Receiver<Arc<Vec<crate::schedule::ledger::Room>>>,
        plain: &PlainImages,
    ) -> Actors {
        let zones = self.config.zones();
        let images = ServiceActor::start(
            Arc::new(Images {
                records: self.records.clone(),
                walrus: self.walrus.clone(),
                plain: plain.clone(),
                clock: self.clock.clone(),
                wakers: self.wakers.clone(),
            }),
            64,
        );
        let instances = ServiceActor::start(
            Arc::new(Instances {
                records: self.records.clone(),
                clock: self.clock.clone(),
                scheduler: self.scheduler.clone(),
                cluster: self.cluster.clone(),
                wakers: self.wakers.clone(),
                zones,
                tokens: Tokens::default(),
            }),
            128,
        );
        let keys = ServiceActor::start(
            Arc::new(Keys {
                records: self.records.clone(),
                clock: self.clock.clone(),
                ahead: KeysAhead::start(self.shutdown),
            }),
            64,
        );
        let tags = ServiceActor::start(Arc::new(Tagger { records: self.records.clone() }), 64);
        let zones = ServiceActor::start(
            Arc::new(Zones {
                records: self.records.clone(),
                region: self.config.region.clone(),
                endpoints: self.endpoints.clone(),
                cluster: self.cluster.clone(),
                rooms,
                clock: self.clock.clone(),
            }),
            64,
        );
        let bundles = ServiceActor::start(
            Arc::new(Bundles {
                records: self.records.clone(),
                walrus: self.walrus.clone(),
                clock: self.clock.clone(),
                cluster: self.cluster.clone(),
                wakers: self.wakers.clone(),
            }),
            64,
        );
        self.roster.enrol("bundles", bundles.clone());
        self.roster.enrol("images", images.clone());
        self.roster.enrol("instances", instances.clone());
        self.roster.enrol("keys", keys.clone());
        self.roster.enrol("tags", tags.clone());
        self.roster.enrol("zones", zones.clone());
        Actors { bundles, images, instances, keys, tags, zones }
    }

    pub(super) fn reconcilers(&self, plain: &PlainImages) -> Vec<tokio::task::JoinHandle<()>> {
        let run = |reconciler: Arc<dyn Reconciler>, waker: &Waker, period| {
            driver::run(reconciler, waker, period, self.clock, self.roster, self.shutdown)
        };
        let images = crate::reconcile::images::Images {
            records: self.records.clone(),
            plain: plain.clone(),
            walrus: self.walrus.clone(),
            wakers: self.wakers.clone(),
        };
        let imports = crate::reconcile::imports::Imports::new(
            self.records.clone(),
            self.walrus.clone(),
            self.clock.clone(),
            self.wakers.clone(),
        );
        let walrus = crate::reconcile::walrus::ForWalrus {
            records: self.records.clone(),
            walrus: self.walrus.clone(),
            bundle_key_file: first_start::bundle_key_file(&self.config.data_dir),
        };
        let sweep = crate::reconcile::sweep::Sweep {
            records: self.records.clone(),
            clock: self.clock.clone(),
        };
        let secrets = crate::identity::session_secrets::SessionSecrets {
            records: self.records.clone(),
            clock: self.clock.clone(),
        };
        let mut loops = vec![
            run(Arc::new(secrets), &Waker::new(), SECRETS_PERIOD),
            run(Arc::new(images), &self.wakers.images, PERIOD),
            run(Arc::new(imports), &self.wakers.imports, PERIOD),
            run(Arc::new(walrus), &self.wakers.walrus, PERIOD),
            run(Arc::new(sweep), &self.wakers.sweep, SWEEP_PERIOD),
        ];
        for member in self.cluster.members() {
            let waker = self.wakers.nodes.get(&member.name).cloned().unwrap_or_default();
            let instances = crate::reconcile::instances::Instances {
                name: format!("instances on {}", member.name),
                member: Arc::clone(member),
                records: self.records.clone(),
                plain: plain.clone(),
                scheduler: self.scheduler.clone(),
                clock: self.clock.clone(),
                region: self.config.region.clone(),
                patience: Duration::from_secs(self.config.launch_patience_seconds),
                since: self.clock.now(),
                waker: waker.clone(),
            };
            loops.push(run(Arc::new(instances), &waker, PERIOD));
        }
        let members = self.cluster.members().map(|member| Some(Arc::clone(member)));
        for member in members.chain([None]) {
            let bundles = self.bundles(member);
            let waker = bundles.waker.clone();
            loops.push(run(Arc::new(bundles), &waker, PERIOD));
        }
        loops
    }

    /// Writes down when keys were used.
    pub(super) fn key_uses(&self, uses: &KeyUses) -> tokio::task::JoinHandle<()> {
        let writer = KeyUseWriter { uses: uses.clone(), records: self.records.clone() };
        let (waker, period) = (Waker::new(), key_uses::PERIOD);
        driver::run(Arc::new(writer), &waker, period, self.clock, self.roster, self.shutdown)
    }

    /// Keeps the history for pictures and reports.
    pub(super) fn sampler(
        &self,
        history: &History,
        counts: &Counts,
        rooms: tokio::sync::watch::Receiver<Arc<Vec<crate::schedule::ledger::Room>>>,
    ) -> tokio::task::JoinHandle<()> {
        let sampler = Sampler {
            history: history.clone(),
            records: self.records.clone(),
            cluster: self.cluster.clone(),
            rooms,
            walrus: self.walrus.clone(),
            counts: counts.clone(),
            clock: self.clock.clone(),
            report_days: self.config.report_days,
            swept: self.wakers.sweep.clone(),
            last: std::sync::Mutex::default(),
        };
        let (waker, period) = (Waker::new(), sample::PERIOD);
        driver::run(Arc::new(sampler), &waker, period, self.clock, self.roster, self.shutdown)
    }

    pub(super) fn people(&self, mails: bool) -> People {
        People {
            records: self.records.clone(),
            endpoints: self.endpoints.clone(),
            console: self.config.console(),
            zones: self.config.zones().into(),
            mails,
            clock: self.clock.clone(),
            post: Waker::new(),
            leaving: Waker::new(),
            wakers: self.wakers.clone(),
            gate: Arc::new(Gate::of_this_host()),
            throttle: Arc::default(),
        }
    }

    pub(super) fn people_loops(
        &self,
        people: &People,
        server: Option<MailServer>,
    ) -> [tokio::task::JoinHandle<()>; 3] {
        let run = |reconciler: Arc<dyn Reconciler>, waker: &Waker| {
            driver::run(reconciler, waker, PERIOD, self.clock, self.roster, self.shutdown)
        };
        let post = Post { people: people.clone(), server };
        let leavers = Leavers { people: people.clone(), walrus: self.walrus.clone() };
        let (sweep, asleep) = (Arc::new(console::sweep(people.clone())), Waker::new());
        let (clock, roster, shutdown) = (self.clock, self.roster, self.shutdown);
        let sweep = driver::run(sweep, &asleep, console::SWEEP, clock, roster, shutdown);
        [run(Arc::new(post), &people.post), run(Arc::new(leavers), &people.leaving), sweep]
    }

    fn bundles(&self, member: Option<Arc<Member>>) -> crate::reconcile::bundles::Bundles {
        let name = member.as_ref().map(|member| member.name.as_str());
        let waker = name.and_then(|name| self.wakers.bundles.get(name)).cloned();
        crate::reconcile::bundles::Bundles {
            name: format!("bundles {}", name.map_or("of no node".into(), |it| format!("on {it}"))),
            member,
            cluster: self.cluster.clone(),
            records: self.records.clone(),
            walrus: self.walrus.clone(),
            clock: self.clock.clone(),
            since: self.clock.now(),
            wakers: self.wakers.clone(),
            waker: waker.unwrap_or_default(),
        }
    }

    pub(super) fn polls(&self) {
        for member in self.cluster.members() {
            let poller = Poller {
                scheduler: self.scheduler.clone(),
                wakers: [&self.wakers.nodes, &self.wakers.bundles]
                    .map(|wakers| wakers.get(&member.name).cloned().unwrap_or_default()),
                clock: self.clock.clone(),
                shutdown: self.shutdown.clone(),
            };
            poll(Arc::clone(member), poller);
        }
    }
}
