//! What the services of a test tell of themselves: how their hosts are, and how much they were asked.

use std::sync::{Arc, Mutex};

use common::wire::host::{DiskView, HostView, LoadView, LookAtNode};
use common::wire::node::Node;
use common::wire::walrus::{DescribeTraffic, Traffic, Walrus};
use runtime::dispatcher::Dispatcher;

/// How much walrus was asked.
pub(crate) type Asked = Arc<Mutex<Traffic>>;

/// Answers how much walrus was asked.
pub(crate) fn of_walrus(answers: Dispatcher<Walrus>, asked: &Asked) -> Dispatcher<Walrus> {
    let asked = Arc::clone(asked);
    answers.with(move |_: DescribeTraffic| {
        let traffic = asked.lock().unwrap().clone();
        async move { Ok(traffic) }
    })
}

/// Answers how the host of a node is.
pub(crate) fn of_node(answers: Dispatcher<Node>) -> Dispatcher<Node> {
    answers.with(|_: LookAtNode| async {
        let (hundredths, cpus) = (275, 2);
        let load = LoadView { hundredths, cpus, memory_mib: 4096, memory_used_mib: 1024 };
        let disk = DiskView { total: 8 << 30, free: 2 << 30, ..DiskView::default() };
        let (load, disks) = (Some(load), vec![disk]);
        Ok(HostView { load, disks, ..HostView::default() })
    })
}
