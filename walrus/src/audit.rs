//! Walrus' own log of what was asked of S3: the clc looks it up and verifies it over messages,
//! `walrus audit check` verifies its files on this host, whether or not walrus runs.

use clap::Subcommand;
use common::audit::Piece;
use common::error::{ApiError, ErrorCode};
use common::wire::audit::{AuditState, LookRecords, VerifyRecords};
use common::wire::walrus::Walrus;
use runtime::audit::{AuditLog, State};
use runtime::dispatcher::Dispatcher;

use crate::config::Config;

/// How many records of each chain are told at once.
const MOST: usize = 500;

/// What can be done with the log.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum AuditCommand {
    /// Read the whole log and tell the first record that is wrong or missing
    Check,
}

/// Answers what the clc asks of the log.
pub(crate) fn answer_on(dispatcher: Dispatcher<Walrus>, log: &AuditLog) -> Dispatcher<Walrus> {
    let (looked, verified) = (log.clone(), log.clone());
    dispatcher
        .with(move |ask: LookRecords| {
            let log = looked.clone();
            async move { look(&log, ask).await }
        })
        .with(move |_: VerifyRecords| {
            let log = verified.clone();
            async move { Ok(states(log.verify().await?)) }
        })
}

async fn look(log: &AuditLog, ask: LookRecords) -> Result<[Piece; 2], ApiError> {
    if ask.most == 0 || ask.most > MOST {
        let text = format!("most: 1 to {MOST} records are told at once");
        return Err(ApiError::new(ErrorCode::InvalidParameterValue, text));
    }
    log.find(ask.filter, ask.places, ask.most).await
}

/// Verifies the files of the log; tells how they stand, and 0, or 1 if something is wrong.
///
/// # Errors
/// If there is no log, or it cannot be read.
pub fn check(config: &Config) -> std::io::Result<(String, u8)> {
    let states = states(runtime::audit::check(&config.audit().dir)?);
    let wrong = states.iter().any(|state| state.fault.is_some());
    let lines: Vec<String> = states.iter().map(AuditState::to_string).collect();
    Ok((lines.join("\n"), u8::from(wrong)))
}

fn states(states: [State; 2]) -> Vec<AuditState> {
    states.into_iter().zip(["walrus", "walrus-reads"]).map(|(it, name)| it.named(name)).collect()
}
