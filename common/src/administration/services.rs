//! The services of the cloud and their hosts (ours, not 2.0's).

use serde::{Deserialize, Serialize};

use super::elements::{Items, Members, told};
use crate::actions;

/// Tells how each service is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DescribeServices {}

told! {
    /// The services.
    Services {
        /// The services: the clc, walrus, each node.
        services: Items<ServiceState> = "euca:services", "services";
        /// How many mails wait to be sent.
        mails_waiting: u64 = "euca:mailsWaiting", "mailsWaiting";
        /// How many were given up.
        mails_failed: u64 = "euca:mailsFailed", "mailsFailed";
        /// What the mail server said last, if it refused something.
        mail_error: String = "euca:mailError", "mailError";
    }
}

told! {
    /// A service.
    ServiceState {
        /// `clc`, `walrus`, `node-agent`.
        kind: String = "euca:type", "type";
        /// Its name.
        name: String = "euca:name", "name";
        /// Where it answers.
        address: String = "euca:address", "address";
        /// `ENABLED`, or `NOTREADY` if it does not answer.
        state: String = "euca:state", "state";
        /// Its version.
        version: String = "euca:version", "version";
        /// When it was started.
        started: String = "euca:started", "started";
        /// By how many milliseconds its clock is before or behind that of the clc.
        skew: u64 = "euca:skew", "skew";
        /// Why it does not answer.
        problem: String = "euca:problem", "problem";
        /// The file systems that it keeps things on.
        disks: Members<DiskState> = "euca:disks", "disks";
        /// How many processes ran or waited to on its host, in the mean of the last minute, in
        /// hundredths.
        load: u64 = "euca:load", "load";
        /// The host's processors; 0 if nothing is known of what it has to do.
        cpus: u64 = "euca:cpus", "cpus";
        /// The host's memory, MiB.
        memory: u64 = "euca:memory", "memory";
        /// What of it is in use, MiB.
        used_memory: u64 = "euca:usedMemory", "usedMemory";
        /// What waits or is under way.
        queues: Members<QueueState> = "euca:queues", "queues";
        /// The certificates that it shows.
        certificates: Members<CertificateState> = "euca:certificates", "certificates";
    }
}

told! {
    /// How much of something waits or is under way.
    QueueState {
        /// Of what: at the clc `launches`, `images`, `imports`, `saving`; at walrus `unpacking`,
        /// `unpacking-waits`; at a node `preparing`, `bundling`.
        name: String = "euca:name", "name";
        /// How many.
        length: u64 = "euca:length", "length";
    }
}

told! {
    /// A certificate.
    CertificateState {
        /// For what: `https`, `console` for the one that the console made itself, `cloud` for the one
        /// by which bundles are encrypted.
        name: String = "euca:name", "name";
        /// Its file; nothing of one that is on record.
        path: String = "euca:path", "path";
        /// When it ends; nothing if it cannot be read.
        ends: String = "euca:ends", "ends";
    }
}

told! {
    /// A file system.
    DiskState {
        /// A directory on it.
        path: String = "euca:path", "path";
        /// Bytes in all.
        total: u64 = "euca:total", "total";
        /// Bytes that can still be written.
        free: u64 = "euca:free", "free";
        /// Bytes that the service leaves free.
        reserve: u64 = "euca:reserve", "reserve";
    }
}

actions! {
    DescribeServices => Services, Read;
}
