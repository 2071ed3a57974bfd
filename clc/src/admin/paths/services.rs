//! The services and their hosts, asked when somebody looks: however many look, each is asked once in a
//! few seconds. What the clc itself has to do stands in its records.

use std::time::Duration;

use common::administration::services::{
    CertificateState, DescribeServices, DiskState, QueueState, ServiceState, Services,
};
use common::error::ApiError;
use common::time::Timestamp;
use common::wire::host::{CertificateView, DiskView, HostView, LookAtNode, LookAtWalrus};
use futures_util::future::{join, join_all};
use runtime::actor::{Answer, Scene};

use super::Paths;
use super::configuration::state;
use crate::identity::{accounts, validity};
use crate::records::{ImageState, Records, SeenState, Wanted};

/// How long an answer is good for whoever else asks.
const FRESH: Duration = Duration::from_secs(2);
/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Waits for an answer, but not long.
async fn soon(
    answer: impl Future<Output = Result<HostView, ApiError>>,
) -> Result<HostView, String> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => answer.map_err(|error| error.text().to_owned()),
        Err(_) => Err("it does not answer".to_owned()),
    }
}

fn shown(
    (kind, name, address): (&str, &str, &str),
    seen: Result<HostView, String>,
    now: Timestamp,
) -> ServiceState {
    let mut shown = ServiceState {
        kind: kind.to_owned(),
        name: name.to_owned(),
        address: address.to_owned(),
        state: state(seen.is_ok()),
        ..ServiceState::default()
    };
    match seen {
        Ok(host) => {
            shown.version = host.version;
            shown.started = host.started.map(|at| at.iso()).unwrap_or_default();
            let skew = host.now.map(|at| at.distance(now).as_millis()).unwrap_or_default();
            shown.skew = u64::try_from(skew).unwrap_or(u64::MAX);
            shown.disks = host.disks.into_iter().map(disk).collect::<Vec<_>>().into();
            if let Some(load) = host.load {
                (shown.load, shown.cpus) = (load.hundredths, load.cpus);
                (shown.memory, shown.used_memory) = (load.memory_mib, load.memory_used_mib);
            }
            let queue = |it: common::wire::host::QueueView| queue(&it.name, it.length);
            shown.queues = host.queues.into_iter().map(queue).collect::<Vec<_>>().into();
            shown.certificates =
                host.certificates.into_iter().map(certificate).collect::<Vec<_>>().into();
        }
        Err(problem) => shown.problem = problem,
    }
    shown
}

fn disk(it: DiskView) -> DiskState {
    DiskState { path: it.path, total: it.total, free: it.free, reserve: it.reserve }
}

fn queue(name: &str, length: u64) -> QueueState {
    QueueState { name: name.to_owned(), length }
}

fn certificate(it: CertificateView) -> CertificateState {
    let ends = validity::ends(&it.pem).map(|at| at.iso()).unwrap_or_default();
    CertificateState { name: it.name, path: it.path, ends }
}

/// What the clc has to do, and the cloud's own certificate. Blocks.
fn of_clc(records: &Records) -> Result<(Vec<QueueState>, CertificateState), ApiError> {
    let [mut launches, mut images, mut imports, mut saving] = [0; 4];
    for seen in records.instances.all("") {
        let it = seen?.record;
        launches += u64::from(it.seen == SeenState::Pending && it.wanted == Wanted::Running);
    }
    for seen in records.images.all("") {
        images += u64::from(matches!(seen?.state, ImageState::Pending));
    }
    for seen in records.imports.all("") {
        imports += u64::from(!seen?.is_over());
    }
    for seen in records.bundle_tasks.all("") {
        saving += u64::from(!seen?.is_over());
    }
    let queues = vec![
        queue("launches", launches),
        queue("images", images),
        queue("imports", imports),
        queue("saving", saving),
    ];
    let (name, pem) = ("cloud".to_owned(), accounts::cloud_certificate(records)?);
    Ok((queues, certificate(CertificateView { name, path: String::new(), pem })))
}

/// How many mails wait, how many were given up, and what the server said last. Blocks.
fn mails(records: &Records) -> Result<(u64, u64, String), ApiError> {
    let (mut waiting, mut failed, mut error) = (0, 0, String::new());
    for mail in records.mails.all("") {
        let mail = mail?.record;
        match mail.given_up {
            Some(_) => failed += 1,
            None => waiting += 1,
        }
        error = mail.error.unwrap_or(error);
    }
    Ok((waiting, failed, error))
}

impl Answer<Paths> for DescribeServices {
    async fn answer(self, scene: &Scene<Paths>) -> Result<Services, ApiError> {
        let mut seen = scene.seen.lock().await;
        let now = scene.people.now();
        if let Some((at, services)) = seen.as_ref()
            && now.distance(*at) < FRESH
        {
            return Ok(services.clone());
        }
        let own = soon(scene.host.clone().look());
        let walrus = soon(scene.walrus.call(LookAtWalrus {}));
        let nodes = join_all(scene.cluster.members().map(|member| async move {
            (member.clone(), soon(member.peer.call(LookAtNode {})).await)
        }));
        let ((own, walrus), nodes) = join(join(own, walrus), nodes).await;
        let now_then = scene.people.now();
        let mut services = vec![
            shown(("clc", "clc", &scene.people.endpoints.clc), own, now_then),
            shown(("walrus", "walrus", &scene.walrus_url), walrus, now_then),
        ];
        for (member, seen) in nodes {
            let is = ("node-agent", member.name.as_str(), member.url.as_str());
            services.push(shown(is, seen, now_then));
        }
        let look = |records: &Records| Ok((mails(records)?, of_clc(records)?));
        let (mails, (queues, certificate)) = scene.people.records.work(look).await?;
        let (mails_waiting, mails_failed, mail_error) = mails;
        if let Some(own) = services.first_mut() {
            own.queues.member.extend(queues);
            own.certificates.member.push(certificate);
        }
        let services = services.into();
        let found = Services { services, mails_waiting, mails_failed, mail_error };
        *seen = Some((now, found.clone()));
        Ok(found)
    }
}
