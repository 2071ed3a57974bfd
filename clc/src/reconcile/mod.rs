//! Making what is seen equal to what is wanted: instances on their nodes, images in walrus'
//! cache, instances being saved, what walrus must have from here, and old records.
//!
//! Each is a [`runtime::reconcile::Reconciler`]: level-triggered, without memory of its own that
//! matters, the same path after a crash as on a good day.

pub mod bundle_step;
pub mod bundles;
pub mod images;
pub mod imports;
pub mod instances;
pub mod launch;
pub mod plain;
pub mod roles;
pub mod step;
pub mod sweep;
pub mod walrus;

use std::collections::BTreeMap;

use runtime::reconcile::Waker;

/// How everybody with news wakes the reconcilers.
#[derive(Clone)]
pub struct Wakers {
    /// Of images.
    pub images: Waker,
    /// Of disks that are imported.
    pub imports: Waker,
    /// Of what walrus must have.
    pub walrus: Waker,
    /// Of old records.
    pub sweep: Waker,
    /// Of each node's instances, by the node's name.
    pub nodes: BTreeMap<String, Waker>,
    /// Of each node's bundle tasks, by the node's name.
    pub bundles: BTreeMap<String, Waker>,
}

impl Wakers {
    /// Wakers for these nodes.
    pub fn new<'a>(nodes: impl Iterator<Item = &'a str>) -> Self {
        let nodes: BTreeMap<_, _> = nodes.map(|name| (name.to_owned(), Waker::new())).collect();
        let bundles = nodes.keys().map(|name| (name.clone(), Waker::new())).collect();
        Self {
            images: Waker::new(),
            imports: Waker::new(),
            walrus: Waker::new(),
            sweep: Waker::new(),
            nodes,
            bundles,
        }
    }

    /// Wakes the reconciler of a node's instances.
    pub fn node(&self, name: &str) {
        if let Some(waker) = self.nodes.get(name) {
            waker.wake();
        }
    }

    /// Wakes the reconciler of a node's bundle tasks.
    pub fn bundles(&self, node: &str) {
        if let Some(waker) = self.bundles.get(node) {
            waker.wake();
        }
    }

    /// Wakes the reconcilers of all nodes' instances: an image they may wait for has changed.
    pub fn all_nodes(&self) {
        for waker in self.nodes.values() {
            waker.wake();
        }
    }
}
