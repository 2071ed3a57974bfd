//! The loop that looks after what strangers asked and sends mails, one after the other.

use common::error::ApiError;
use futures_util::future::BoxFuture;
use runtime::pool;
use runtime::reconcile::{Pass, Reconciler};

use super::mail_server::{MailServer, Unsent};
use super::{People, outgoing, requests};
use crate::settings;

/// Looks at what strangers asked, and sends what is due.
pub struct Post {
    /// What all of it works with.
    pub people: People,
    /// Who takes mails; without one they stay where they are until they are given up.
    pub server: Option<MailServer>,
}

impl Reconciler for Post {
    fn name(&self) -> &str {
        "post"
    }

    fn pass(&self) -> BoxFuture<'_, Result<Pass, ApiError>> {
        Box::pin(async move {
            let looked = self.people.work(requests::look).await?;
            self.people.work(requests::expire).await?;
            let mut pass = Pass { looked, steps: looked, unsettled: 0 };
            let now = self.people.now();
            let due = move |people: &People| {
                outgoing::weed(&people.records, now)?;
                outgoing::due(&people.records, now)
            };
            let due = self.people.work(due).await?;
            for mail in due {
                pass.looked += 1;
                let Some(server) = self.server.clone() else {
                    pass.unsettled += 1;
                    continue;
                };
                let sent = {
                    let (records, mail) = (self.people.records.clone(), mail.clone());
                    pool::block(move || {
                        let reply = settings::get(&records, settings::REPLY_ADDRESS)?;
                        Ok::<_, ApiError>(server.send(&mail, &reply))
                    })
                    .await??
                };
                let now = self.people.now();
                let key = mail.id.clone();
                match &sent {
                    Ok(()) => {
                        tracing::info!(mail = %key, "a mail was sent");
                        pass.steps += 1;
                    }
                    Err(error) => {
                        tracing::warn!(mail = %key, tries = mail.tries + 1, %error, "a mail waits");
                        pass.unsettled += 1;
                    }
                }
                let nobody = matches!(sent, Err(Unsent::Away(_)));
                self.people
                    .work(move |people| outgoing::note(&people.records, &key, &sent, now))
                    .await?;
                // The others would wait for the same server, and nothing else would be looked at.
                if nobody {
                    break;
                }
            }
            self.people.work(move |people| outgoing::tidy(&people.records, now)).await?;
            Ok(pass)
        })
    }
}
